"""A process that gives way to all others, and what of it depends on its session."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from wyoming_piper_hardened.processes.child import Child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux has sessions of that kind")

AUTOGROUP = Path("/proc/self/autogroup")
CHILD = """
import json, os, pathlib
from wyoming_piper_hardened.engine.isolation import give_way_to_all
give_way_to_all()
autogroup = pathlib.Path("/proc/self/autogroup")
print(json.dumps({
    "idle": os.sched_getscheduler(0) == os.SCHED_IDLE,
    "niceness": os.nice(0),
    "session": os.getsid(0),
    "autogroup": autogroup.read_text() if autogroup.exists() else "",
}))
"""


@pytest.mark.parametrize("new_session", [True, False])
async def test_others_come_first_in_its_session_and_in_others(*, new_session: bool) -> None:
    arguments = [sys.executable, "-c", CHILD]
    async with Child.running(arguments, pipes=True, new_session=new_session) as child:
        found = json.loads(await child.stdout.read())
        assert await child.wait() == 0
    assert found["idle"]
    assert found["niceness"] == 19
    assert (found["session"] == child.pid) is new_session
    assert new_session or found["session"] == os.getsid(0)
    if AUTOGROUP.exists():  # the kernel shares between sessions, too
        ours = AUTOGROUP.read_text()
        assert found["autogroup"].endswith(" nice 19\n") is new_session
        assert (found["autogroup"] == ours) is not new_session
