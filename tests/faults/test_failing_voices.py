"""Voices that fail on the real engine: others speak meanwhile, and they come back."""

from __future__ import annotations

import asyncio
import io
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from wyoming.event import Event, read_event, write_event

from conftest import Serve
from support.client import connected
from support.voices import VOICES
from support.waiting import eventually
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.reporting.issues import Failure, FailureKind, Stage
from wyoming_piper_hardened.service import Running
from wyoming_piper_hardened.store.manifest import make_manifest
from wyoming_piper_hardened.store.origin import Origin, OriginKind
from wyoming_piper_hardened.store.voice import read_voice
from wyoming_piper_hardened.voices.installation.sources import custom_source
from wyoming_piper_hardened.workers.pool import Pool
from wyoming_piper_hardened.workers.worker import Worker, WorkerState

pytestmark = pytest.mark.long


def pool_of(server: Running) -> Pool:
    return server.pool


def running(server: Running) -> list[Worker]:
    return [w for w in pool_of(server).workers if w.state is WorkerState.RUNNING]


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
