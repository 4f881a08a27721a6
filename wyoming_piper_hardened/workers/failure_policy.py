"""What follows from the failure of a worker: for the segment, for the voice, for the worker."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..errors import EngineFailedError, HardenedError, TextQuarantinedError, VoiceUnavailableError
from ..metrics import Metrics
from .breaker import Breakers, BreakerState
from .segment_job import MAX_ATTEMPTS, JobQueue, SegmentJob
from .text_quarantine import Quarantine


class FailurePolicy:
    """Keeps what failures have taught: breakers of voices and quarantined texts.

    Args:
        breakers: one for each voice version.
        quarantine: texts that killed workers.
        metrics: where incidents are counted.
    """

    def __init__(self, breakers: Breakers, quarantine: Quarantine, metrics: Metrics) -> None:
        self.breakers = breakers
        self.on_unsound: Callable[[str, str], None] = lambda _model, _reason: None
        """HubHeaders of a model that does not load, or not as it should, and why."""
        self.quarantine = quarantine
        self._metrics = metrics

    def check(self, job: SegmentJob) -> HardenedError | None:
        """Why a job must not be given to a worker, if so. Asked right before it would be."""
        now = time.monotonic()
        if self.quarantine.holds(job.request, now):
            return self.quarantined(job)
        if not self.breakers.admit(job.request.model, now):
            return self.unavailable(job.request.model)
        return None

    def unavailable(self, model: str) -> VoiceUnavailableError:
        """The answer while the breaker of a voice is open."""
        wait = self.breakers.probe_in(model, time.monotonic())
        return VoiceUnavailableError(
            f"the voice is not tried at present because {self.breakers.reason(model)}; next try "
            f"in {wait:.0f} s, or at once after it has been repaired"
        )

    def is_open(self, model: str) -> bool:
        """Whether a voice is not to be tried at present."""
        return self.breakers.state(model, time.monotonic()) is BreakerState.OPEN

    def quarantined(self, job: SegmentJob) -> TextQuarantinedError:
        """The answer to a text that is quarantined."""
        return TextQuarantinedError(
            f"a segment of {job.characters} characters ended {MAX_ATTEMPTS} workers; it is not "
            f"tried again within {self.quarantine.expiry / 60:.0f} minutes. Please report the text"
        )

    def succeeded(self, job: SegmentJob) -> None:
        """A segment was spoken."""
        self.breakers.succeeded(job.request.model)

    def failed_to_load(self, model: str, reason: str, *, permanent: bool) -> None:
        """A voice did not load, or ended the worker that loaded it."""
        self.breakers.failed(model, reason, time.monotonic(), permanent=permanent)
        if permanent:
            self.on_unsound(model, reason)

    def worker_died(self, job: SegmentJob, failure: EngineFailedError, jobs: JobQueue) -> str:
        """A worker died of a segment: have it replayed, or quarantine it; returns what was done.

        Only the first death on a text counts against its voice.
        """
        now = time.monotonic()
        if job.cancelled.is_set():
            self.breakers.undecided(job.request.model)
            return "that nobody waited for any more"
        if failure.loading is not None:
            self.breakers.failed(failure.loading, str(failure), now)
            if job.attempts < MAX_ATTEMPTS:
                jobs.put(job)
                return "whose voice it was loading; that is tried once more"
            job.fail(VoiceUnavailableError(f"the voice cannot be loaded: the engine {failure}"))
            return "whose voice it was loading"
        if job.attempts < MAX_ATTEMPTS:
            self.breakers.failed(job.request.model, str(failure), now)
            self._metrics.replays.inc()
            jobs.put(job)
            return f"which goes on from sample {job.samples}"
        self.breakers.undecided(job.request.model)
        self.quarantine.add(job.request, now)
        job.fail(self.quarantined(job))
        return "that had ended a worker before, so it is quarantined"
