"""Decisions after the failure of a worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from wyoming_piper_hardened.engine.messages import SegmentRequest, VoiceVersion
from wyoming_piper_hardened.errors import HardenedError, TextQuarantinedError, VoiceUnavailableError
from wyoming_piper_hardened.metrics import Metrics
from wyoming_piper_hardened.processes.errors import EngineFailedError
from wyoming_piper_hardened.processes.restart import RestartDecider, RestartPolicy
from wyoming_piper_hardened.reporting.issues import Failure, FailureKind, Stage
from wyoming_piper_hardened.workers.dispatch.segment_job import Listener, SegmentJob
from wyoming_piper_hardened.workers.failures.breaker import Breakers
from wyoming_piper_hardened.workers.failures.failure_policy import FailurePolicy, SegmentOutcome
from wyoming_piper_hardened.workers.failures.text_quarantine import TextQuarantine

VOICE = VoiceVersion(Path("/voices/a.onnx"))
CRASH = Failure(FailureKind.SIGNAL, Stage.SPEAKING, {"signal": "SIGSEGV"})
UNLOADABLE = Failure(FailureKind.LOAD, Stage.LOADING, {"error": "no model"})


class Bench:
    """A policy whose breakers open at the third failure."""

    def __init__(self) -> None:
        self.reports: list[tuple[VoiceVersion, Failure]] = []
        decider = RestartDecider(RestartPolicy(intensity=3))
        self.policy = FailurePolicy(
            Breakers(decider),
            TextQuarantine(),
            Metrics(),
            lambda voice, failure: self.reports.append((voice, failure)),
        )

    def job(self, text: str = "Hello.") -> SegmentJob:
        return SegmentJob(SegmentRequest(text, VOICE), Listener(10.0, lambda: None))

    def fail(self, job: SegmentJob, *, loading: bool = False) -> SegmentOutcome:
        error = EngineFailedError(CRASH, loading=VOICE if loading else None)
        return self.policy.worker_failed(job, error)


async def error_of(job: SegmentJob) -> HardenedError:
    with pytest.raises(HardenedError) as caught:
        await anext(job.audio())
    return caught.value


async def test_text_that_ends_two_workers_is_quarantined() -> None:
    bench, job = Bench(), Bench().job()
    job.add(b"\0\0" * 7, 0.1)
    assert bench.fail(job) is SegmentOutcome.REPLAYED
    assert job.request.from_sample == 7
    assert bench.fail(job) is SegmentOutcome.QUARANTINED
    assert await anext(job.audio())  # what was spoken before
    assert isinstance(await error_of(job), TextQuarantinedError)
    assert isinstance(bench.policy.check(bench.job()), TextQuarantinedError)
    assert bench.policy.check(bench.job("Another text.")) is None
    assert bench.policy.quarantined_texts() == 1
    bench.policy.reset()
    assert bench.policy.check(bench.job()) is None


async def test_voice_that_ends_its_worker_while_loading_is_retried_once() -> None:
    bench, job = Bench(), Bench().job()
    assert bench.fail(job, loading=True) is SegmentOutcome.LOAD_RETRIED
    assert bench.fail(job, loading=True) is SegmentOutcome.LOAD_FAILED
    assert isinstance(await error_of(job), VoiceUnavailableError)
    assert bench.policy.quarantined_texts() == 0


async def test_cancelled_segment_counts_against_nobody() -> None:
    bench, job = Bench(), Bench().job()
    job.cancel()
    for _ in range(9):
        assert bench.fail(job) is SegmentOutcome.ABANDONED
    assert bench.policy.unavailable(VOICE) is None


async def test_voice_that_ends_workers_with_every_text_is_unavailable() -> None:
    bench = Bench()
    for number in range(3):
        assert bench.policy.unavailable(VOICE) is None
        bench.fail(bench.job(f"Text {number}."))
    assert bench.policy.unavailable(VOICE) == CRASH
    assert bench.policy.unavailable_voices() == {VOICE: CRASH}
    with pytest.raises(VoiceUnavailableError):
        bench.policy.check_voice(VOICE)
    bench.policy.reset(VOICE)
    bench.policy.check_voice(VOICE)
    assert bench.reports == []  # it loads


async def test_unloadable_voice_is_reported_and_unavailable_at_once() -> None:
    bench = Bench()
    bench.policy.load_failed(VOICE, UNLOADABLE, permanent=True)
    assert bench.reports == [(VOICE, UNLOADABLE)]
    assert bench.policy.unavailable(VOICE) == UNLOADABLE
    assert isinstance(bench.policy.check(bench.job()), VoiceUnavailableError)


async def test_of_several_the_guilty_one_is_found() -> None:
    """Two texts are computed side by side when a worker fails; one of them is the reason."""
    bench = Bench()
    innocent, guilty = bench.job("Hello."), bench.job("Poison.")
    innocent.add(b"\0\0" * 5, 0.1)
    bench.policy.one_of_several_failed([innocent, guilty], EngineFailedError(CRASH))
    assert innocent.suspect
    assert guilty.suspect  # each is computed alone now
    assert innocent.request.from_sample == 5
    assert bench.policy.check(innocent) is None
    assert bench.fail(guilty) is SegmentOutcome.QUARANTINED
    innocent.finish()
    bench.policy.succeeded(innocent)
    assert [len(pcm) async for pcm in innocent.audio()] == [10]
    assert bench.policy.quarantined_texts() == 1
    assert bench.policy.unavailable(VOICE) is None


async def test_several_voices_are_not_charged_for_one_of_them() -> None:
    bench = Bench()
    other = VoiceVersion(Path("/voices/b.onnx"))
    for _ in range(9):
        jobs = [
            SegmentJob(SegmentRequest("Hello.", voice), Listener(10.0, lambda: None))
            for voice in (VOICE, other)
        ]
        bench.policy.one_of_several_failed(jobs, EngineFailedError(CRASH))
    assert bench.policy.unavailable_voices() == {}
    for _ in range(3):
        jobs = [bench.job("One."), bench.job("Two.")]
        bench.policy.one_of_several_failed(jobs, EngineFailedError(CRASH))
    assert bench.policy.unavailable_voices() == {VOICE: CRASH}
