"""The short form of script/test-balancer: one server replaced, one killed, while some listen."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conftest import Report

from .trial import prepared

pytestmark = pytest.mark.long

LISTENERS = 4


async def test_replaced_and_killed_servers_behind_haproxy(
    prepared_data: Path, tmp_path: Path, report: Report
) -> None:
    if shutil.which("haproxy") is None:
        pytest.skip("needs haproxy")
    async with prepared(prepared_data, tmp_path, seed=1) as trial:
        replaced = await trial.replace(1, LISTENERS)
        assert trial.exit_codes == [0]
        assert (dict(replaced.cut), replaced.failures) == ({}, [])
        assert replaced.heard
        assert replaced.http
        killed, on_them = await trial.kill(1, LISTENERS)
        report(f"{killed.cut.total()} cut off of {on_them} that a killed server had")
        assert killed.cut.total() <= on_them
        assert killed.failures == []
        assert killed.heard
