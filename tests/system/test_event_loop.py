"""The loop's clock, which a pause of the process does not count."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from wyoming_piper_hardened.system.event_loop import RunningClock, RunningLoop

PAUSE = 4.0

PROGRAM = """
import asyncio, sys
from wyoming_piper_hardened.system.event_loop import RunningLoop

async def main():
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("waiting", flush=True)
    async with asyncio.timeout(3.5):
        print((await reader.readline()).decode(), end="", flush=True)

with asyncio.Runner(loop_factory=RunningLoop) as runner:
    runner.run(main())
"""


def test_gap_that_is_a_pause_does_not_count() -> None:
    now = 100.0
    clock = RunningClock(lambda: now, pause=3.0)
    assert clock() == 100.0
    now = 102.5
    assert clock() == 102.5
    now = 3702.5
    assert clock() == 102.5
    now = 3703.0
    assert clock() == 103.0


def test_timers_and_threads_work_as_in_any_loop() -> None:
    async def run() -> float:
        begin = time.monotonic()
        await asyncio.sleep(1.2)
        assert await asyncio.to_thread(lambda: 5) == 5
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await asyncio.Event().wait()
        return time.monotonic() - begin

    with asyncio.Runner(loop_factory=RunningLoop) as runner:
        assert 1.2 < runner.run(run()) < 20


def test_what_came_in_a_pause_is_in_time() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stdout.readline() == "waiting\n"
        os.kill(program.pid, signal.SIGSTOP)
        program.stdin.write("here\n")
        program.stdin.flush()
        time.sleep(PAUSE)  # longer than its time-out
        os.kill(program.pid, signal.SIGCONT)
        assert program.stdout.readline() == "here\n"
    assert program.returncode == 0
