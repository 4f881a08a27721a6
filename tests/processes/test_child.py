"""Children that write, hang, grow or end. Real processes."""

from __future__ import annotations

import asyncio
import signal
import sys

import psutil
import pytest

from support.waiting import eventually
from wyoming_piper_hardened.processes.child import Child
from wyoming_piper_hardened.processes.errors import EngineFailedError
from wyoming_piper_hardened.reporting.issues import Failure, FailureKind, Stage

FOREVER = "import time; time.sleep(600)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


async def test_pipes_carry_bytes_both_ways() -> None:
    code = "import sys; sys.stdout.write(sys.stdin.read().upper())"
    async with Child.running(python(code), pipes=True) as child:
        child.stdin.write(b"hello")
        child.stdin.write_eof()
        assert await child.stdout.read() == b"HELLO"
        assert await child.wait() == 0


async def test_child_without_pipes_reads_and_writes_nothing() -> None:
    code = "import sys; print('x' * 10**6); sys.exit(len(sys.stdin.read()))"
    async with Child.running(python(code)) as child:
        assert await child.wait() == 0


async def test_only_a_bounded_tail_of_standard_error_is_kept() -> None:
    lines = "'a line\\n' * 10**5 + 'y' * 10**6 + '\\nthe end'"
    code = f"import sys; sys.stderr.write({lines}); sys.exit(7)"
    async with Child.running(python(code)) as child:
        failure = await child.failure(Stage.IDLE)
        kept = sum(map(len, child._last_lines))
    assert failure.detail == {"code": 7, "last_words": "the end"}
    assert kept < 10_000


@pytest.mark.parametrize("stubborn", [False, True], ids=["", "ignores TERM"])
async def test_leaving_the_context_ends_the_whole_group(*, stubborn: bool) -> None:
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN)" if stubborn else "pass"
    own = f"import signal; {ignore}; {FOREVER}"
    code = (
        f"import signal, subprocess, sys, time; {ignore}; "
        f"own = subprocess.Popen([sys.executable, '-c', {own!r}]); "
        "print(own.pid, flush=True); time.sleep(600)"
    )
    async with Child.running(python(code), pipes=True, kill_delay=0.3) as child:
        grandchild = psutil.Process(int(await child.stdout.readline()))
    assert not psutil.pid_exists(child.pid)
    await eventually(lambda: not grandchild.is_running() or grandchild.status() == "zombie")


async def test_cancellation_ends_the_child() -> None:
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        async with Child.running(python(FOREVER)) as child:
            started.set_result(child.pid)
            await child.wait()

    running = asyncio.create_task(run())
    pid = await started
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("cancellations", [1, 3])
async def test_cancellation_while_it_ends_kills_it(cancellations: int) -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, lambda *_: print('TERM', flush=True))"
    )
    code = f"{stubborn}; print('started', flush=True); [time.sleep(60) for _ in range(10)]"
    ending: asyncio.Future[Child] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        async with Child.running(python(code), pipes=True, kill_delay=60.0) as child:
            await child.stdout.readline()
            ending.set_result(child)

    running = asyncio.create_task(run())
    child = await ending
    assert await child.stdout.readline() == b"TERM\n"
    for _ in range(cancellations):
        running.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert child.exit_code == -signal.SIGKILL


async def test_kill_decides_the_failure() -> None:
    reason = Failure(FailureKind.HUNG, Stage.SPEAKING, {"seconds": 1.0})
    async with Child.running(python(FOREVER)) as child:
        child.kill(reason)
        assert await child.wait() == -signal.SIGKILL
        assert await child.failure(Stage.SPEAKING) is reason


async def test_memory_limit_kills_the_child() -> None:
    grow = "import time; eaten = b'x' * (300 << 20); time.sleep(600)"
    async with (
        Child.running(python(grow)) as child,
        child.memory_limited(200 << 20, 0.02, lambda: Stage.SPEAKING),
    ):
        failure = await child.failure(Stage.SPEAKING)
    assert (failure.kind, failure.at) == (FailureKind.MEMORY, Stage.SPEAKING)
    assert failure.detail["megabytes"] >= 200


async def test_memory_is_measured_without_a_limit() -> None:
    async with Child.running(python(FOREVER)) as child:
        assert child.memory == 0
        async with child.memory_limited(0, 0.01, lambda: Stage.SPEAKING):
            await eventually(lambda: child.memory > 1 << 20)
        assert child.exit_code is None


async def test_missing_program_is_a_spawn_failure() -> None:
    with pytest.raises(EngineFailedError) as caught:
        async with Child.running(["/nonexistent/engine"]):
            pass
    failure = caught.value.failure
    assert (failure.kind, failure.at) == (FailureKind.SPAWN, Stage.STARTING)
    assert failure.detail == {"error": "No such file or directory"}
    assert not caught.value.charged
