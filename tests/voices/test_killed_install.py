"""An install that is killed at any moment leaves the old version or the new one, and no rest."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

import pytest

from support.killed_installs import kill_installs, summary


@pytest.mark.timeout(300)
async def test_kills_at_random_moments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """See ``script/test-killed-installs`` for many more."""
    seed = secrets.randbelow(10**6)
    deaths = await kill_installs(12, seed, tmp_path)
    assert [death.failure for death in deaths if death.failure] == []
    with capsys.disabled():
        sys.stdout.write(f"\nseed {seed}: {summary(deaths)}\n")
