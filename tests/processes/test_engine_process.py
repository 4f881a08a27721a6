"""The dialogue with a scripted engine: every way in which it fails, as data."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from conftest import Script
from support.scripted_engine import samples
from wyoming_piper_hardened.engine.messages import SegmentRequest, VoiceVersion
from wyoming_piper_hardened.errors import SynthesisError
from wyoming_piper_hardened.processes.engine_process import EngineProcess
from wyoming_piper_hardened.processes.errors import EngineFailedError
from wyoming_piper_hardened.reporting.issues import FailureKind, Stage

VOICE = VoiceVersion(Path("/voices/a.onnx"))


async def test_segments_and_pings(script: Script) -> None:
    heard: list[bytes] = []
    async with EngineProcess.running(script()) as engine:
        await engine.wait_ready()
        for text in ("Hello there.", "And again."):
            heard.clear()
            await engine.speak(SegmentRequest(text, VOICE), heard.append, asyncio.Event())
            assert b"".join(heard) == samples(text)
            await engine.ping()
        with pytest.raises(SynthesisError):
            await engine.speak(SegmentRequest("ERROR", VOICE), heard.append, asyncio.Event())
        await engine.ping()


@pytest.mark.parametrize(
    ("order", "kind", "detail", "permanent"),
    [
        ("exit3", FailureKind.START, {"error": "the voice is broken"}, True),
        ("GIVE-UP", FailureKind.EXIT, {"code": 3, "variant": "cannot-start"}, True),
        ("die", FailureKind.EXIT, {"code": 1}, False),
        ("CRASH", FailureKind.SIGNAL, {"signal": "SIGSEGV"}, False),
        ("ABORT", FailureKind.SIGNAL, {"signal": "SIGABRT"}, False),
        ("MUTE", FailureKind.PROTOCOL, {"variant": "pipe-closed"}, False),
        ("hang", FailureKind.HUNG, {"seconds": 1.0}, False),
    ],
)
async def test_failures_at_the_start(
    script: Script, order: str, kind: FailureKind, detail: dict[str, Any], *, permanent: bool
) -> None:
    timeout = 1.0 if kind is FailureKind.HUNG else 10.0
    async with EngineProcess.running(script(order, start_timeout=timeout)) as engine:
        with pytest.raises(EngineFailedError) as caught:
            await engine.wait_ready()
    failure = caught.value.failure
    assert (failure.kind, failure.at, failure.detail) == (kind, Stage.STARTING, detail)
    assert caught.value.permanent == permanent


@pytest.mark.parametrize(
    ("order", "kind", "detail"),
    [
        ("QUIT", FailureKind.EXIT, {"code": 0}),
        ("KILLED", FailureKind.SIGNAL, {"signal": "SIGKILL"}),
        ("LATE HANG", FailureKind.HUNG, {"seconds": 0.5}),
        ("LATE MUTE", FailureKind.PROTOCOL, {"variant": "pipe-closed"}),
        ("ENDLESS", FailureKind.PROTOCOL, {"variant": "impossible-audio"}),
        ("BABBLE", FailureKind.PROTOCOL, {"variant": "invalid-frame"}),
    ],
)
async def test_failures_in_mid_segment(
    script: Script, order: str, kind: FailureKind, detail: dict[str, Any]
) -> None:
    timeout = 0.5 if kind is FailureKind.HUNG else 10.0
    async with EngineProcess.running(script(synthesis_timeout=timeout)) as engine:
        await engine.wait_ready()
        with pytest.raises(EngineFailedError) as caught:
            await engine.speak(SegmentRequest(order, VOICE), lambda _: None, asyncio.Event())
    failure = caught.value.failure
    assert (failure.kind, failure.at) == (kind, Stage.SPEAKING)
    assert failure.detail.items() >= detail.items()
    assert str(failure)


async def test_silent_idle_engine_is_hung(script: Script) -> None:
    async with EngineProcess.running(script(stall_timeout=0.5)) as engine:
        await engine.wait_ready()
        await engine.speak(SegmentRequest("AFTER FROZEN", VOICE), lambda _: None, asyncio.Event())
        with pytest.raises(EngineFailedError) as caught:
            await engine.ping()
    assert (caught.value.failure.kind, caught.value.failure.at) == (FailureKind.HUNG, Stage.IDLE)


async def test_segment_in_pieces(script: Script) -> None:
    heard: list[bytes] = []
    starts: list[int | None] = [0]
    async with EngineProcess.running(script()) as engine:
        await engine.wait_ready()
        while (start := starts[-1]) is not None:
            request = SegmentRequest("PIECES", VOICE, from_phrase=start)
            starts.append(await engine.speak(request, heard.append, asyncio.Event()))
    assert starts == [0, 1, 2, None]
    assert b"".join(heard) == 3 * samples("PIECES")


async def test_one_shot_voice_must_make_progress_only(script: Script) -> None:
    heard: list[bytes] = []
    async with EngineProcess.running(script(synthesis_timeout=1.0, stall_timeout=0.1)) as engine:
        await engine.wait_ready()
        text = "DRIP" * 10  # eight pauses of 0.3 s
        await engine.speak(SegmentRequest(text, VOICE), heard.append, asyncio.Event())
    assert b"".join(heard) == samples(text)


async def test_reason_of_the_engine_is_cut(script: Script) -> None:
    async with EngineProcess.running(script()) as engine:
        await engine.wait_ready()
        with pytest.raises(SynthesisError) as caught:
            await engine.speak(SegmentRequest("LONG-ERROR", VOICE), lambda _: None, asyncio.Event())
        assert len(str(caught.value)) == 500
        await engine.ping()
