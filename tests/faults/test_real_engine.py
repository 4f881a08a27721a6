"""The real engine under random SIGKILL and SIGSTOP, and voices that fail."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

import psutil
import pytest
from wyoming.event import Event, read_event, write_event

from conftest import Report, Serve
from support.client import connected
from support.voices import VOICES
from support.waiting import eventually
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.settings import load_settings
from wyoming_piper_hardened.metrics import Metrics
from wyoming_piper_hardened.processes.restart import RestartPolicy
from wyoming_piper_hardened.reporting.issues import Failure, FailureKind, Stage
from wyoming_piper_hardened.service import Running
from wyoming_piper_hardened.store.manifest import make_manifest
from wyoming_piper_hardened.store.origin import Origin, OriginKind
from wyoming_piper_hardened.store.voice import read_voice
from wyoming_piper_hardened.voices.installation.sources import custom_source
from wyoming_piper_hardened.workers.pool import Pool
from wyoming_piper_hardened.workers.worker import Worker, WorkerState

pytestmark = pytest.mark.slow

REQUESTS = 200
KILLED = 0.5  # of the requests that may be
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


async def test_200_requests_under_random_kills(start_server: Serve, report: Report) -> None:
    server = await start_server(restart=QUICK, workers=2, threads_per_worker=1)
    port, random = server.port, Random(20261122)
    assert port
    async with connected(port) as client:
        undisturbed = {text: (await client.say(text)).pcm for text in TEXTS}
    assert all(undisturbed.values())
    await eventually(lambda: len(running(server)) == 2)
    metrics, killer = pool_of(server).metrics, Killer(server, random)
    executed = metric(metrics, "queue_wait_seconds_count")
    numbers = iter(range(REQUESTS))
    complete = identical = 0

    async def ask() -> None:
        nonlocal complete, identical
        async with connected(port) as client:
            for number in numbers:
                text = random.choice(TEXTS)
                timer = killer.begin(number)
                spoken = await client.say(text)
                killer.end(number, timer)
                complete += spoken.types == ["audio-start", "audio-chunk", "audio-stop"]
                identical += spoken.pcm == undisturbed[text]

    over = asyncio.Event()
    describing = asyncio.create_task(describe_all_the_time(port, over))
    begin = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(ask())
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
    assert 0 < replays <= killer.kills
    assert executed == REQUESTS + replays  # one text, one segment: none ran a third time
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


Install = Callable[..., Path]


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory with two prepared voices that load in no time."""
    data_dir = tmp_path_factory.mktemp("tiny")

    installer = build_installer(load_settings(flags={"data_dir": data_dir}))

    async def prepare() -> None:
        for name in ("single", "high"):
            source = await asyncio.to_thread(custom_source, VOICES / f"{name}.onnx")
            assert (await installer.install(source)).prepared

    asyncio.run(prepare())
    version = data_dir / "bad" / "1"  # no model at all, though it was committed as it is
    version.mkdir(parents=True)
    (version / "bad.onnx").write_bytes(b"<html>not found</html>")
    shutil.copy(VOICES / "single.onnx.json", version / "bad.onnx.json")
    make_manifest("bad", Origin(OriginKind.CUSTOM, "bad"), version).write(version)
    (version.parent / "current").symlink_to("1")
    return data_dir


@pytest.fixture
def install(tmp_path: Path, tiny_data: Path, prepared_data: Path) -> Install:
    """Return a function that puts voices into a data directory of the test's own.

    The prepared ones are ``en_US-joe-medium``, ``single`` and ``high``; the one called ``bad`` is
    no model at all.
    """

    def install(*, bad: bool = False) -> Path:
        voices = tmp_path / "own" / "voices"
        voices.mkdir(parents=True)
        for data_dir in (tiny_data, prepared_data):
            for folder in (data_dir / "voices").iterdir():
                (voices / folder.name).symlink_to(folder)
        if bad:
            shutil.copytree(tiny_data / "bad", voices / "bad", symlinks=True)
        return voices.parent

    return install


async def say(server: Running, text: str, voice: str | None = None) -> bytes | str:
    """Return the audio, or the code of the error."""
    assert server.port
    async with connected(server.port) as client:
        spoken = await client.say(text, **({"voice": {"name": voice}} if voice else {}))
        return spoken.error or spoken.pcm


HELLO = "Hello there. Who is it?"


@pytest.mark.parametrize("auto_repair", [True, False])
async def test_fallback_speaks_while_the_default_voice_fails(
    start_server: Serve, install: Install, *, auto_repair: bool
) -> None:
    server = await start_server(
        data_dir=install(bad=True),
        voice="bad",
        fallback_voice="single",
        workers=1,
        auto_repair=auto_repair,
    )
    bad = server.library.find("bad").version
    await eventually(lambda: pool_of(server).unavailable(bad))
    single, high = await say(server, HELLO, "single"), await say(server, HELLO, "high")
    assert len(single) > 1000
    assert await say(server, HELLO) == single
    assert await say(server, HELLO, "bad") == single
    assert high not in {single, "voice-unavailable"}  # other voices speak for themselves
    assert list(pool_of(server).unavailable_voices()) == [bad]


async def test_default_voice_speaks_again_after_a_reset(
    start_server: Serve, install: Install
) -> None:
    server = await start_server(
        data_dir=install(), voice="high", fallback_voice="single", workers=1
    )
    pool = pool_of(server)
    voice = server.library.default.version
    high, single = await say(server, HELLO), await say(server, HELLO, "single")
    failure = Failure(FailureKind.LOAD, Stage.LOADING, {"error": "somebody broke it"})
    pool._failure_policy.load_failed(voice, failure, permanent=True)
    assert pool.status().unavailable_voices == {voice: failure}
    assert await say(server, HELLO) == single
    pool.reset(voice)
    assert await say(server, HELLO) == high


async def test_damaged_further_voice_does_not_silence_the_default(
    start_server: Serve, install: Install
) -> None:
    server = await start_server(
        data_dir=install(bad=True), voice="single", voices=["bad"], workers=1, auto_repair=False
    )
    assert len(await say(server, HELLO)) > 1000
    assert await say(server, HELLO, "bad") == "voice-unavailable"
    assert len(await say(server, HELLO)) > 1000
    (worker,) = running(server)
    assert worker.restarts == 0


async def test_replaced_voice_speaks_without_a_restart(
    start_server: Serve, install: Install
) -> None:
    data_dir = install(bad=True)
    server = await start_server(data_dir=data_dir, voice="bad", workers=1, auto_repair=False)
    assert await say(server, HELLO) == "voice-unavailable"
    await eventually(lambda: running(server))
    (worker,) = running(server)
    before = worker.pid
    repaired = data_dir / "voices" / "bad" / "2"
    repaired.mkdir()
    for suffix in (".onnx", ".onnx.json"):
        (repaired / f"bad{suffix}").write_bytes((VOICES / f"single{suffix}").read_bytes())
    voice = await asyncio.to_thread(read_voice, "bad", repaired / "bad.onnx")
    server.library.replace(voice)
    assert len(await say(server, HELLO)) > 1000
    assert running(server) == [worker]
    assert worker.pid == before


@pytest.mark.parametrize(("residents", "loads"), [(2, 2), (1, 8)])
async def test_alternating_voices_load_once_each_when_both_may_stay(
    tiny_data: Path, residents: int, loads: int
) -> None:
    models = [next((tiny_data / "voices" / n).glob(f"*/{n}.onnx")) for n in ("single", "high")]
    engine = (sys.executable, "-m", "wyoming_piper_hardened.engine", "--voice", str(models[0]))
    process = await asyncio.create_subprocess_exec(
        *(*engine, "--residents", str(residents)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    requests = _frames(
        Event("synthesize", {"text": "Hello.", "model": str(model)}) for model in models * 4
    )
    events = _events((await process.communicate(requests))[0])
    assert [e.type for e in events].count("audio-stop") == 8
    loading = [e.data["model"] for e in events if e.type == "loading"]
    assert len(loading) == loads
    assert set(loading) == set(map(str, models))


def _frames(events: Iterable[Event]) -> bytes:
    stream = io.BytesIO()
    for event in events:
        write_event(event, stream)
    return stream.getvalue()


def _events(frames: bytes) -> list[Event]:
    stream = io.BytesIO(frames)
    return list(iter(lambda: read_event(stream), None))
