"""The real engine under random SIGKILL and SIGSTOP, and voices that fail."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from random import Random

import psutil
import pytest

from conftest import Report, Serve
from support.client import connected
from support.waiting import eventually
from wyoming_piper_hardened.metrics import Metrics
from wyoming_piper_hardened.processes.restart import RestartPolicy
from wyoming_piper_hardened.reporting.issues import FailureKind, Stage
from wyoming_piper_hardened.service import Running
from wyoming_piper_hardened.workers.pool import Pool
from wyoming_piper_hardened.workers.worker import Worker, WorkerState

pytestmark = pytest.mark.long

REQUESTS, AT_ONCE = 200, 8
KILLED = 0.5  # of the requests that may be
NAMES = ["Anna, ", "Ben, ", "Carl, ", "Dora, ", "Emil, ", "Fay, ", "Gus, ", "Hal, "]
TEXTS = ["Yes.", "Good night.", "It is ten past three.", "The cooker is still on.", "Who is there?"]
LONG = (
    "Tomorrow it will rain in the morning, with some wind from the west, then the clouds will "
    "slowly break, the sun will come out for an hour or two in the afternoon, and in the evening "
    "it will be dry and rather cold, so that a coat is a good idea for everybody who goes out late."
)
QUICK = RestartPolicy(backoff_delay=0.05)


def pool_of(server: Running) -> Pool:
    return server.pool


def running(server: Running) -> list[Worker]:
    return [w for w in pool_of(server).workers if w.state is WorkerState.RUNNING]


def metric(metrics: Metrics, name: str) -> int:
    return int(metrics.registry.get_sample_value(f"wyoming_piper_{name}") or 0)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def zombies() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [child for child in children if child.status() == psutil.STATUS_ZOMBIE]


class Killer:
    """Kills a worker at a random moment, but never one that may be on a replay already.

    A second death on the same text quarantines it, no matter who killed the worker: so nothing
    more is killed before all that was under way at the last kill has been answered.
    """

    def __init__(self, server: Running, random: Random) -> None:
        self.kills = 0
        self._server = server
        self._random = random
        self._under_way: set[int] = set()
        self._endangered: set[int] = set()
        self._victim: tuple[Worker, int] | None = None

    def begin(self, request: int) -> asyncio.TimerHandle | None:
        self._under_way.add(request)
        if self._victim and self._victim[0].pid == self._victim[1]:  # nobody has noticed yet
            self._endangered.add(request)
        if self._random.random() >= KILLED:
            return None
        delay = self._random.uniform(0, 0.25)
        return asyncio.get_running_loop().call_later(delay, self._strike)

    def end(self, request: int, timer: asyncio.TimerHandle | None) -> None:
        self._under_way.discard(request)
        self._endangered.discard(request)
        if timer is not None:
            timer.cancel()

    def _strike(self) -> None:
        victims = [(worker, worker.pid) for worker in running(self._server) if worker.pid]
        if self._endangered or not victims:
            return
        self._endangered = set(self._under_way)
        self._victim = self._random.choice(victims)
        os.kill(self._victim[1], signal.SIGKILL)
        self.kills += 1


async def describe_all_the_time(port: int, over: asyncio.Event) -> list[float]:
    """Return how long each answer to ``describe`` took, one about every 10 ms."""
    took = []
    async with connected(port) as client:
        ended = asyncio.create_task(over.wait())
        while not ended.done():
            begin = time.monotonic()
            await client.send("describe")
            assert (await client.until("info")).types == ["info"]
            took.append(time.monotonic() - begin)
            await asyncio.wait({ended}, timeout=0.01)
    return took


@pytest.mark.parametrize("names", [NAMES, [""] * AT_ONCE], ids=["own texts", "the same texts"])
async def test_200_requests_under_random_kills(
    start_server: Serve, report: Report, names: list[str]
) -> None:
    """Each client has texts of its own, or all are told the same, often at the same moment."""
    server = await start_server(restart=QUICK, workers=2, threads_per_worker=2)
    port, random = server.port, Random(20261122)
    assert port
    async with connected(port) as client:
        texts = [f"{name}{text}" for name in set(names) for text in TEXTS]
        undisturbed = {text: (await client.say(text)).pcm for text in texts}
    assert all(undisturbed.values())
    await eventually(lambda: len(running(server)) == 2)
    metrics, killer = pool_of(server).metrics, Killer(server, random)
    executed = metric(metrics, "queue_wait_seconds_count")
    numbers = iter(range(REQUESTS))
    complete = identical = 0

    async def ask(name: str) -> None:
        nonlocal complete, identical
        async with connected(port) as client:
            for number in numbers:
                text = f"{name}{random.choice(TEXTS)}"
                timer = killer.begin(number)
                spoken = await client.say(text)
                killer.end(number, timer)
                complete += spoken.types == ["audio-start", "audio-chunk", "audio-stop"]
                identical += spoken.pcm == undisturbed[text]

    over = asyncio.Event()
    describing = asyncio.create_task(describe_all_the_time(port, over))
    begin = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(ask(name))
    seconds = time.monotonic() - begin
    over.set()
    describes = await describing
    executed = metric(metrics, "queue_wait_seconds_count") - executed
    replays = metric(metrics, "replays_total")
    p99 = percentile(describes, 0.99)
    report(
        f"{complete} of {REQUESTS} complete, {identical} identical, {killer.kills} kills, "
        f"{replays} replays, {executed} executions, {seconds:.1f} s; describe: "
        f"{len(describes)} asked, p99 {p99 * 1000:.1f} ms, worst {max(describes) * 1000:.1f} ms"
    )
    assert (complete, identical) == (REQUESTS, REQUESTS)
    assert killer.kills >= 10
    # Each worker had several segments open. Only what one of its two threads was computing is
    # suspected of a death, and nothing is computed beside a suspect again.
    assert 0 < replays <= 2 * killer.kills
    # One text, one segment: none ran a third time. What several are told at once runs once.
    assert executed == REQUESTS + replays or (not any(names) and executed < REQUESTS)
    assert pool_of(server).status().quarantined_texts == 0
    assert not pool_of(server).status().unavailable_voices
    assert p99 < 0.2
    await eventually(lambda: len(running(server)) == 2)
    assert not zombies()


async def test_worker_stopped_in_mid_segment_is_replaced(start_server: Serve) -> None:
    server = await start_server(restart=QUICK, workers=1, stall_timeout=2)
    assert server.port
    async with connected(server.port) as client:
        undisturbed = (await client.say(LONG)).pcm
        (worker,) = running(server)
        stopped = worker.pid
        assert stopped
        await client.send("synthesize", text=LONG)
        started = await client.until("audio-chunk")
        os.kill(stopped, signal.SIGSTOP)
        spoken = await client.until("audio-stop")
    assert spoken.events[-1].type == "audio-stop"
    assert started.pcm + spoken.pcm == undisturbed
    assert metric(pool_of(server).metrics, "replays_total") == 1
    assert worker.last_failure
    assert (worker.last_failure.kind, worker.last_failure.at) == (FailureKind.HUNG, Stage.SPEAKING)
    assert not psutil.pid_exists(stopped)
    assert not zombies()
    assert worker.pid != stopped


async def test_worker_stopped_while_idle_is_replaced(start_server: Serve) -> None:
    server = await start_server(restart=QUICK, workers=1, stall_timeout=1)
    assert server.port
    await eventually(lambda: running(server))
    (worker,) = running(server)
    stopped = worker.pid
    assert stopped
    os.kill(stopped, signal.SIGSTOP)
    await eventually(lambda: running(server) and worker.pid != stopped)
    assert not psutil.pid_exists(stopped)
    assert not zombies()
    async with connected(server.port) as client:
        assert (await client.say("Hello there.")).types[-1] == "audio-stop"
