"""A killed install leaves the old version or the new one, and no remains."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from conftest import Report
from support.killed_installs import kill_installs, summary

pytestmark = pytest.mark.long


async def test_install_killed_at_random_moments(tmp_path: Path, report: Report) -> None:
    """Kill a few; ``script/test-killed-installs`` kills many more."""
    seed = secrets.randbelow(10**6)
    deaths = await kill_installs(12, seed, tmp_path)
    assert [death.failure for death in deaths if death.failure] == []
    report(f"seed {seed}: {summary(deaths)}")
