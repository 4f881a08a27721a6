"""Workers that are replaced, spare or restarted; requests are answered all the time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from conftest import Script, Serve
from support.client import connected
from support.scripted_engine import samples
from support.waiting import eventually
from wyoming_piper_hardened.engine.messages import SegmentRequest, VoiceVersion
from wyoming_piper_hardened.metrics import Metrics
from wyoming_piper_hardened.processes.restart import RestartDecider, RestartPolicy
from wyoming_piper_hardened.service import Running
from wyoming_piper_hardened.system.aio import Notifier, cancel_and_wait
from wyoming_piper_hardened.workers.pool import Pool, PoolSize
from wyoming_piper_hardened.workers.worker import WorkerState

A = VoiceVersion(Path("/a.onnx"))

NEVER = RestartPolicy(backoff_delay=1000, backoff_limit=1000)
"""A dead worker stays away for the rest of the test."""


def pool_of(server: Running) -> Pool:
    return server.pool


def running(server: Running) -> list[int]:
    """Return the pids of the workers that can speak."""
    workers = pool_of(server).workers
    return [w.pid for w in workers if w.state is WorkerState.RUNNING and w.pid]


def starts(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "starts").read_text("utf-8").split()]


async def say(server: Running, text: str) -> bytes | str:
    """Return the audio, or the code of the error."""
    assert server.port
    async with connected(server.port) as client:
        spoken = await client.say(text)
        return spoken.error or spoken.pcm


@contextlib.asynccontextmanager
async def never_without_a_worker(server: Running) -> AsyncIterator[list[int]]:
    """Look at every change of a worker's state within; yields how many could speak each time."""
    await eventually(lambda: running(server))
    pool, seen = pool_of(server), [len(running(server))]

    async def observe() -> None:
        while True:
            await pool._notifier.wait()
            seen.append(sum(worker.is_ready for worker in pool.workers))

    observing = asyncio.create_task(observe())
    yield seen
    await cancel_and_wait(observing)
    assert min(seen) > 0, f"workers that could speak, over time: {seen}"


async def test_worker_is_replaced_after_its_segments_without_a_gap(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    server = await start_server(script(), workers=1, worker_max_segments=5)
    async with never_without_a_worker(server) as seen:
        number = 0
        while len(starts(tmp_path)) < 3:  # each serves until its replacement is ready
            number += 1
            text = f"This is request {number}."
            assert await say(server, text) == samples(text)
    assert len(seen) >= 4  # the changes were seen
    await eventually(lambda: len(pool_of(server).workers) == 1)
    await eventually(
        lambda: [p for p in starts(tmp_path) if psutil.pid_exists(p)] == running(server)
    )
    assert not any(worker.restarts for worker in pool_of(server).workers)


async def test_recycled_worker_speaks_until_its_replacement_is_ready(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    """A replacement that never gets ready takes nothing away."""
    commands = [script()]
    server = await start_server(lambda: commands[-1], workers=1, worker_max_segments=2)
    await eventually(lambda: running(server))
    first = running(server)
    commands.append(script("hang"))
    for number in range(8):
        text = f"This is request {number}."
        assert await say(server, text) == samples(text)
    await eventually(lambda: len(starts(tmp_path)) == 2)
    assert running(server) == first
    (_, successor) = pool_of(server).workers
    assert successor.state is WorkerState.STARTING


async def test_memory_is_known_before_the_first_segment(
    start_server: Serve, script: Script
) -> None:
    server = await start_server(script(), workers=1)
    await eventually(lambda: running(server))
    (worker,) = pool_of(server).status().workers
    assert (worker.segments, worker.memory > 1 << 20) == (0, True)


async def test_worker_over_its_memory_limit_is_replaced_without_a_gap(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    unlimited = await start_server(script(), workers=1)
    await eventually(lambda: running(unlimited))
    (worker,) = pool_of(unlimited).status().workers
    (tmp_path / "starts").unlink()
    # A bit too much: what is far beyond the limit is killed in mid-segment.
    limit = worker.memory // 10**6 - 2
    server = await start_server(script(), workers=1, worker_memory_limit=limit)
    async with never_without_a_worker(server):
        first = running(server)
        for number in range(10):
            text = f"This is request {number}."
            assert await say(server, text) == samples(text)
        await eventually(lambda: not psutil.pid_exists(first[0]))
    assert len(starts(tmp_path)) >= 2


async def test_long_request_is_complete_although_its_worker_retires(
    start_server: Serve, script: Script
) -> None:
    server = await start_server(script(), workers=2, worker_max_segments=3)
    stories = [[f"Story {n} goes on with part {part}." for part in range(40)] for n in range(4)]
    async with never_without_a_worker(server):
        spoken = await asyncio.gather(*(say(server, " ".join(story)) for story in stories))
    assert spoken == [b"".join(map(samples, story)) for story in stories]


async def test_restart_all_replaces_every_worker_without_a_gap(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    server = await start_server(script(), workers=2)
    await eventually(lambda: len(running(server)) == 2)
    before = set(running(server))
    async with never_without_a_worker(server) as seen:
        pool_of(server).restart_all()
        pool_of(server).restart_all()  # once more means nothing
        while before & set(running(server)):
            assert await say(server, "Hello there.") == samples("Hello there.")
        assert min(seen) >= 2
    await eventually(lambda: len(pool_of(server).workers) == 2)
    assert len(starts(tmp_path)) == 4
    assert not any(psutil.pid_exists(pid) for pid in before)


async def test_replacement_starts_although_the_recycled_worker_dies_first(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    server = await start_server(script(), NEVER, workers=1)
    await eventually(lambda: running(server))
    (first,) = running(server)
    pool_of(server).restart_all()
    os.kill(first, signal.SIGKILL)
    assert await say(server, "Hello there.") == samples("Hello there.")
    await eventually(lambda: len(pool_of(server).workers) == 1)
    assert len(starts(tmp_path)) == 2


async def test_retired_worker_that_dies_in_mid_segment_leaves(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    server = await start_server(script(synthesis_timeout=60), NEVER, workers=1)
    await eventually(lambda: running(server))
    (first,) = running(server)
    text = "This is FROZEN ONCE."
    speaking = asyncio.create_task(say(server, text))
    await eventually(lambda: stopped([first]))
    pool_of(server).restart_all()
    await eventually(lambda: len(running(server)) == 2)
    os.kill(first, signal.SIGKILL)
    assert await speaking == samples(text)
    await eventually(lambda: len(pool_of(server).workers) == 1)
    assert len(starts(tmp_path)) == 2


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "in mid-segment"])
async def test_spare_worker_takes_over_at_once(
    start_server: Serve, script: Script, tmp_path: Path, *, busy: bool
) -> None:
    server = await start_server(script(), NEVER, workers=1, spare_worker=True)
    await eventually(lambda: len(running(server)) == 2)
    text = "Now comes LATE KILLED ONCE." if busy else "Hello there."
    if not busy:
        os.kill(running(server)[0], signal.SIGKILL)
        await eventually(lambda: len(running(server)) == 1)
    assert await say(server, text) == samples(text)
    assert len(starts(tmp_path)) == 2  # nobody waited for a new process
    workers = pool_of(server).workers
    states = [WorkerState.BACKOFF, WorkerState.RUNNING]
    await eventually(lambda: sorted(worker.state for worker in workers) == states)


async def test_spare_worker_does_not_speak_beside_the_others(
    start_server: Serve, script: Script
) -> None:
    server = await start_server(script(synthesis_timeout=60), workers=1, spare_worker=True)
    await eventually(lambda: len(running(server)) == 2)
    story = "This is FROZEN ONCE."
    speaking = asyncio.create_task(say(server, story))
    await eventually(lambda: stopped(running(server)))
    other = asyncio.create_task(say(server, "Hello there."))
    await eventually(lambda: pool_of(server).status().waiting_segments == 1)
    assert len(pool_of(server).status().workers) == 2
    (engine,) = stopped(running(server))
    os.kill(engine, signal.SIGCONT)
    assert await speaking == samples(story)
    assert await other == samples("Hello there.")


async def test_reset_restarts_a_fatal_worker(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    repaired = script()
    commands = [replace(repaired, arguments=script("exit3").arguments)]
    server = await start_server(lambda: commands[-1], workers=1)
    (worker,) = pool_of(server).workers
    await eventually(lambda: worker.state is WorkerState.FATAL)
    assert await say(server, "Is anybody there?") == "voice-unavailable"
    pool_of(server).reset()
    await eventually(lambda: len(starts(tmp_path)) == 2 and worker.state is WorkerState.FATAL)
    commands.append(repaired)
    pool_of(server).reset()
    await eventually(lambda: worker.state is WorkerState.RUNNING)
    assert await say(server, "Hello there.") == samples("Hello there.")


async def test_reset_releases_a_quarantined_text(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    server = await start_server(script(), RestartPolicy(backoff_delay=0.02), workers=1)
    text = "Do CRASH please."
    assert await say(server, text) == "text-quarantined"
    assert await say(server, text) == "text-quarantined"
    assert pool_of(server).status().quarantined_texts == 1
    executions = tmp_path / "executions"
    assert len(executions.read_text("utf-8").splitlines()) == 2
    pool_of(server).reset()
    assert pool_of(server).status().quarantined_texts == 0
    assert await say(server, text) == "text-quarantined"
    assert len(executions.read_text("utf-8").splitlines()) == 4


@pytest.mark.parametrize("ticks", range(6))
async def test_pool_stops_also_when_a_segment_ends_at_that_moment(
    script: Script, ticks: int
) -> None:
    """The cancellation must not be lost in the worker's own clearing up."""
    command, text = script(), "Hello there."
    pool = Pool(
        lambda: command,
        PoolSize(),
        RestartDecider(),
        Metrics(),
        notifier=Notifier(),
        on_unloadable=lambda *_: None,
    )
    run = asyncio.create_task(pool.run())
    await pool.until_ready()
    job, heard = pool.submit(SegmentRequest(text, A), pool.listener()), 0
    async for pcm in job.audio():
        heard += len(pcm)
        if heard == len(samples(text)):
            break
    for _ in range(ticks):
        await asyncio.sleep(0)
    run.cancel()
    done, _ = await asyncio.wait({run}, timeout=20)
    assert done


def stopped(pids: list[int]) -> list[int]:
    return [pid for pid in pids if psutil.Process(pid).status() == psutil.STATUS_STOPPED]
