"""The dialogue with a scripted engine: every way in which it fails, as data."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from conftest import Script
from support.scripted_engine import samples
from wyoming_piper_hardened.engine.messages import SegmentRequest, VoiceVersion
from wyoming_piper_hardened.errors import SynthesisError
from wyoming_piper_hardened.processes.answers import Audio, Computed, Ended, OpenSegment, Rejected
from wyoming_piper_hardened.processes.engine_process import EngineProcess
from wyoming_piper_hardened.processes.errors import EngineFailedError
from wyoming_piper_hardened.reporting.issues import FailureKind, Stage

VOICE = VoiceVersion(Path("/voices/a.onnx"))


async def speak(
    engine: EngineProcess, request: SegmentRequest, heard: list[bytes] | None = None
) -> int | None:
    """Have a segment computed chunk by chunk; return the phrase to continue from."""
    segment = engine.open(request)
    engine.compute(segment)
    async with contextlib.aclosing(engine.answers()) as answers:
        async for answer in answers:
            assert answer.segment is segment
            if isinstance(answer, Audio):
                if heard is not None:
                    heard.append(answer.pcm)
            elif isinstance(answer, Computed):
                engine.compute(segment)
            elif isinstance(answer, Rejected):
                raise answer.error
            else:
                return answer.rest
    raise AssertionError


async def test_segments_and_pings(script: Script) -> None:
    heard: list[bytes] = []
    async with EngineProcess.running(script()) as engine:
        await engine.wait_ready()
        for text in ("Hello there.", "And again."):
            heard.clear()
            await speak(engine, SegmentRequest(text, VOICE), heard)
            assert b"".join(heard) == samples(text)
        with pytest.raises(SynthesisError):
            await speak(engine, SegmentRequest("ERROR", VOICE))
        assert engine.stage is Stage.IDLE
        await speak(engine, SegmentRequest("Once more.", VOICE))


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
    limits = {"start_timeout": 1.0 if kind is FailureKind.HUNG else 10.0}
    if order == "MUTE":
        limits["kill_delay"] = 0.2
    async with EngineProcess.running(script(order, **limits)) as engine:
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
        ("LATE HALF", FailureKind.SIGNAL, {"signal": "SIGKILL"}),
        ("LATE TORN", FailureKind.PROTOCOL, {"variant": "invalid-frame"}),
        ("LATE HANG", FailureKind.HUNG, {"seconds": 0.5}),
        ("LATE MUTE", FailureKind.PROTOCOL, {"variant": "pipe-closed"}),
        ("ENDLESS", FailureKind.PROTOCOL, {"variant": "impossible-audio"}),
        ("BABBLE", FailureKind.PROTOCOL, {"variant": "invalid-frame"}),
        ("LATE STRAY", FailureKind.PROTOCOL, {"variant": "unexpected-event"}),
        ("LATE MISCOUNT", FailureKind.PROTOCOL, {"variant": "unexpected-event"}),
    ],
)
async def test_failures_in_mid_segment(
    script: Script, order: str, kind: FailureKind, detail: dict[str, Any]
) -> None:
    limits = {"synthesis_timeout": 0.5 if kind is FailureKind.HUNG else 10.0}
    if order in {"LATE MUTE", "LATE TORN"}:
        limits["kill_delay"] = 0.2
    async with EngineProcess.running(script(**limits)) as engine:
        await engine.wait_ready()
        with pytest.raises(EngineFailedError) as caught:
            await speak(engine, SegmentRequest(order, VOICE))
        assert [segment.request.text for segment in engine.suspects] == [order]
    failure = caught.value.failure
    assert (failure.kind, failure.at) == (kind, Stage.SPEAKING)
    assert failure.detail.items() >= detail.items()
    assert str(failure)


async def test_silent_idle_engine_is_hung(script: Script) -> None:
    async with EngineProcess.running(script(stall_timeout=0.5, kill_delay=0.2)) as engine:
        await engine.wait_ready()
        await speak(engine, SegmentRequest("AFTER FROZEN", VOICE))
        with pytest.raises(EngineFailedError) as caught:
            await anext(engine.answers())
        assert not engine.suspects
    assert (caught.value.failure.kind, caught.value.failure.at) == (FailureKind.HUNG, Stage.IDLE)


async def test_segment_in_pieces(script: Script) -> None:
    heard: list[bytes] = []
    starts: list[int | None] = [0]
    async with EngineProcess.running(script()) as engine:
        await engine.wait_ready()
        while (start := starts[-1]) is not None:
            request = SegmentRequest("PIECES", VOICE, from_phrase=start)
            starts.append(await speak(engine, request, heard))
    assert starts == [0, 1, 2, None]
    assert b"".join(heard) == 3 * samples("PIECES")


async def test_one_shot_voice_must_make_progress_only(script: Script) -> None:
    heard: list[bytes] = []
    async with EngineProcess.running(script(synthesis_timeout=2.0, stall_timeout=0.1)) as engine:
        await engine.wait_ready()
        text = "DRIP" * 10  # eight pauses of 0.3 s
        await speak(engine, SegmentRequest(text, VOICE), heard)
    assert b"".join(heard) == samples(text)


async def test_reason_of_the_engine_is_cut(script: Script) -> None:
    async with EngineProcess.running(script()) as engine:
        await engine.wait_ready()
        with pytest.raises(SynthesisError) as caught:
            await speak(engine, SegmentRequest("LONG-ERROR", VOICE))
        assert len(str(caught.value)) == 500
        await speak(engine, SegmentRequest("Once more.", VOICE))


async def test_several_open_segments_are_computed_as_told(script: Script, tmp_path: Path) -> None:
    texts = [f"This is text {number}." for number in range(3)]
    heard: dict[str, bytes] = dict.fromkeys(texts, b"")
    async with EngineProcess.running(script()) as engine:
        await engine.wait_ready()
        segments = [engine.open(SegmentRequest(text, VOICE)) for text in texts]
        for segment in segments:
            engine.compute(segment)
        left = len(segments)
        async with contextlib.aclosing(engine.answers()) as answers:
            async for answer in answers:
                if isinstance(answer, Audio):
                    heard[answer.segment.request.text] += answer.pcm
                elif isinstance(answer, Computed):
                    engine.compute(answer.segment)
                else:
                    left -= 1
                    if not left:
                        break
    assert heard == {text: samples(text) for text in texts}
    chunks = (tmp_path / "chunks").read_text("utf-8").splitlines()
    assert chunks == texts * (len(chunks) // 3)  # one chunk of each in turn


async def test_cancelled_segment_ends_and_others_go_on(script: Script) -> None:
    async with EngineProcess.running(script()) as engine:
        await engine.wait_ready()
        one, two = (engine.open(SegmentRequest(text, VOICE)) for text in ("The one.", "The two."))
        engine.compute(one)
        engine.cancel(one)
        engine.compute(two)
        ends: list[OpenSegment] = []
        async with contextlib.aclosing(engine.answers()) as answers:
            async for answer in answers:
                if isinstance(answer, Computed) and answer.segment is two:
                    engine.compute(two)
                elif isinstance(answer, Ended):
                    ends.append(answer.segment)
                    if len(ends) == 2:
                        break
        assert ends == [one, two]
        engine.cancel(one)  # it is over: nothing happens
        assert engine.computing == 0


@pytest.mark.parametrize(
    ("order", "suspects"),
    [("FROZEN", ["It is FROZEN.", "Another one."]), ("CRASH", ["It is CRASH.", "Another one."])],
)
async def test_segments_without_credit_are_no_suspects(
    script: Script, order: str, suspects: list[str]
) -> None:
    async with EngineProcess.running(script(synthesis_timeout=2.0, kill_delay=0.2)) as engine:
        await engine.wait_ready()
        idle, faulty, other = (
            engine.open(SegmentRequest(text, VOICE))
            for text in ("It waits for its next chunk.", f"It is {order}.", "Another one.")
        )
        engine.compute(idle)
        answers = engine.answers()
        while not isinstance(await anext(answers), Computed):
            pass
        engine.compute(faulty)
        engine.compute(other)
        with pytest.raises(EngineFailedError):
            await anext(answers)
        assert [segment.request.text for segment in engine.suspects] == suspects
