"""Circuit breakers per voice version and quarantined texts: what follows from a failure."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from enum import StrEnum

from ...engine.messages import SegmentRequest, VoiceVersion
from ...errors import HardenedError, TextQuarantinedError, VoiceUnavailableError
from ...metrics import Metrics
from ...processes.engine_process import OnUnloadable
from ...processes.errors import EngineFailedError
from ...reporting.issues import Failure
from ...reporting.public import public
from ..dispatch.segment_job import MAX_ATTEMPTS, SegmentJob
from .breaker import Breakers, BreakerState
from .text_quarantine import TextQuarantine


class SegmentOutcome(StrEnum):
    """Outcomes of the segment in which a worker failed; keys of `messages.SEGMENTS`."""

    ABANDONED = "abandoned"
    LOAD_RETRIED = "load-retried"
    LOAD_FAILED = "load-failed"
    REPLAYED = "replayed"
    QUARANTINED = "quarantined"


class FailurePolicy:
    """Decides what is tried again and what is not.

    Args:
        breakers: one for each voice version.
        texts: those that killed workers.
        metrics: counts replays.
        on_unloadable: gets a voice that does not load, or not as it should, and why.
    """

    def __init__(
        self,
        breakers: Breakers,
        texts: TextQuarantine,
        metrics: Metrics,
        on_unloadable: OnUnloadable,
    ) -> None:
        self.on_unloadable = on_unloadable
        self._breakers = breakers
        self._texts = texts
        self._metrics = metrics

    def check(self, job: SegmentJob) -> HardenedError | None:
        """Return why a job must not be given to a worker. Call right before it would be."""
        now = time.monotonic()
        if self._texts.holds(job.request, now):
            return self._quarantined(job.request)
        if not self._breakers.admit(job.voice, now):
            return self.unavailable_error(job.voice)
        return None

    def check_text(self, request: SegmentRequest) -> None:
        """Raise TextQuarantinedError for a text that is quarantined."""
        if self._texts.holds(request, time.monotonic()):
            raise self._quarantined(request)

    def check_voice(self, voice: VoiceVersion) -> None:
        """Raise VoiceUnavailableError for a voice that is not to be tried at present."""
        if self.unavailable(voice) is not None:
            raise self.unavailable_error(voice)

    def unavailable(self, voice: VoiceVersion) -> Failure | None:
        """Return why a voice is not to be tried at present, if so."""
        if self._breakers.state(voice, time.monotonic()) is not BreakerState.OPEN:
            return None
        return self.unavailable_voices().get(voice)

    def unavailable_voices(self) -> Mapping[VoiceVersion, Failure]:
        """Return the voices that do not speak: not tried at present, or at most as a probe."""
        return self._breakers.open_ones()

    def unavailable_error(self, voice: VoiceVersion) -> VoiceUnavailableError:
        """Return the error for a voice whose breaker is open."""
        wait = self._breakers.probe_in(voice, time.monotonic())
        reason = public(self.unavailable_voices().get(voice))
        return VoiceUnavailableError(
            f"the voice is not tried at present ({reason}); next try in {wait:.0f} s, or at once "
            "after it has been repaired"
        )

    def quarantined_texts(self) -> int:
        """Return the number of quarantined segments."""
        return self._texts.count(time.monotonic())

    def reset(self, voice: VoiceVersion | None = None) -> None:
        """Close the breaker of a voice; without one close all and release every text."""
        self._breakers.reset(voice)
        if voice is None:
            self._texts.clear()

    def succeeded(self, job: SegmentJob) -> None:
        """Record that a segment was spoken."""
        self._breakers.succeeded(job.voice)

    def undecided(self, job: SegmentJob) -> None:
        """Record that a segment ended without saying anything about its voice."""
        self._breakers.undecided(job.voice)

    def load_failed(self, voice: VoiceVersion, failure: Failure, *, permanent: bool) -> None:
        """Record that a voice did not load, or ended the worker that loaded it."""
        self._breakers.failed(voice, failure, time.monotonic(), permanent=permanent)
        if permanent:
            self.on_unloadable(voice, failure)

    def worker_failed(self, job: SegmentJob, error: EngineFailedError) -> SegmentOutcome:
        """Charge the segment over which a worker failed: it is tried again, or quarantined.

        Only the first failure on a text counts against its voice.
        """
        now = time.monotonic()
        if job.cancelled:
            self._breakers.undecided(job.voice)
            return SegmentOutcome.ABANDONED
        job.failures += 1
        if error.loading is not None:
            self._breakers.failed(error.loading, error.failure, now)
            if job.failures < MAX_ATTEMPTS:
                job.try_again()
                return SegmentOutcome.LOAD_RETRIED
            reason = public(error.failure)
            job.fail(VoiceUnavailableError(f"the voice cannot be loaded: the engine {reason}"))
            return SegmentOutcome.LOAD_FAILED
        if job.failures < MAX_ATTEMPTS:
            self._breakers.failed(job.voice, error.failure, now)
            self._replay(job)
            return SegmentOutcome.REPLAYED
        self._breakers.undecided(job.voice)
        self._texts.add(job.request, now)
        job.fail(self._quarantined(job.request))
        return SegmentOutcome.QUARANTINED

    def one_of_several_failed(self, jobs: Sequence[SegmentJob], error: EngineFailedError) -> None:
        """Try segments again that were computed side by side when a worker failed.

        Each of them is computed alone from now on, so that the next failure has one owner: none is
        quarantined before that. Their voice is charged once, if they all have the same.
        """
        now = time.monotonic()
        voices = {job.voice for job in jobs}
        if len(voices) == 1:
            self._breakers.failed(jobs[0].voice, error.failure, now)
        for job in jobs:
            if len(voices) > 1:
                self._breakers.undecided(job.voice)
            job.failures += 1
            if not job.cancelled:
                self._replay(job)

    def _replay(self, job: SegmentJob) -> None:
        self._metrics.replays.inc()
        job.try_again()

    def _quarantined(self, request: SegmentRequest) -> TextQuarantinedError:
        return TextQuarantinedError(
            f"a segment of {len(request.text)} characters ended {MAX_ATTEMPTS} workers; it is not "
            f"tried again within {self._texts.expiry / 60:.0f} minutes. Please report the text"
        )
