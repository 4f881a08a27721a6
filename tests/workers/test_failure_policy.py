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
from wyoming_piper_hardened.workers.breaker import Breakers
from wyoming_piper_hardened.workers.failure_policy import FailurePolicy, SegmentOutcome
from wyoming_piper_hardened.workers.scheduler import FairShare, JobQueue
from wyoming_piper_hardened.workers.segment_job import SegmentJob
from wyoming_piper_hardened.workers.text_quarantine import TextQuarantine

VOICE = VoiceVersion(Path("/voices/a.onnx"))
CRASH = Failure(FailureKind.SIGNAL, Stage.SPEAKING, {"signal": "SIGSEGV"})
UNLOADABLE = Failure(FailureKind.LOAD, Stage.LOADING, {"error": "no model"})


class Bench:
    """A policy whose breakers open at the third failure."""

    def __init__(self) -> None:
        self.jobs = JobQueue()
        self.reports: list[tuple[VoiceVersion, Failure]] = []
        decider = RestartDecider(RestartPolicy(intensity=3))
        self.policy = FailurePolicy(
            Breakers(decider),
            TextQuarantine(),
            Metrics(),
            lambda voice, failure: self.reports.append((voice, failure)),
        )

    def job(self, text: str = "Hello.") -> SegmentJob:
        job = SegmentJob(SegmentRequest(text, VOICE), FairShare())
        job.attempts = 1
        return job

    async def fail(self, job: SegmentJob, *, loading: bool = False) -> SegmentOutcome:
        error = EngineFailedError(CRASH, loading=VOICE if loading else None)
        outcome = self.policy.worker_failed(job, error, self.jobs)
        if len(self.jobs):
            assert await self.jobs.get() is job
            job.attempts += 1
        return outcome


async def error_of(job: SegmentJob) -> HardenedError:
    with pytest.raises(HardenedError) as caught:
        await anext(job.audio())
    return caught.value


async def test_text_that_ends_two_workers_is_quarantined() -> None:
    bench, job = Bench(), Bench().job()
    job.add(b"\0\0" * 7)
    assert await bench.fail(job) is SegmentOutcome.REPLAYED
    assert job.request.from_sample == 7
    assert await bench.fail(job) is SegmentOutcome.QUARANTINED
    assert await anext(job.audio())  # what was spoken before
    assert isinstance(await error_of(job), TextQuarantinedError)
    assert isinstance(bench.policy.check(bench.job()), TextQuarantinedError)
    assert bench.policy.check(bench.job("Another text.")) is None
    assert bench.policy.quarantined_texts() == 1
    bench.policy.reset()
    assert bench.policy.check(bench.job()) is None


async def test_voice_that_ends_its_worker_while_loading_is_retried_once() -> None:
    bench, job = Bench(), Bench().job()
    assert await bench.fail(job, loading=True) is SegmentOutcome.LOAD_RETRIED
    assert await bench.fail(job, loading=True) is SegmentOutcome.LOAD_FAILED
    assert isinstance(await error_of(job), VoiceUnavailableError)
    assert bench.policy.quarantined_texts() == 0


async def test_cancelled_segment_counts_against_nobody() -> None:
    bench, job = Bench(), Bench().job()
    job.cancel()
    for _ in range(9):
        assert await bench.fail(job) is SegmentOutcome.ABANDONED
    assert bench.policy.unavailable(VOICE) is None


async def test_voice_that_ends_workers_with_every_text_is_unavailable() -> None:
    bench = Bench()
    for number in range(3):
        assert bench.policy.unavailable(VOICE) is None
        await bench.fail(bench.job(f"Text {number}."))
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
