"""One engine process while it serves: what it has open, and what follows from its answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..errors import ShuttingDownError, VoiceError
from ..metrics import Metrics
from ..processes.answers import Answer, Audio, Computed, Ended, OpenSegment, Rejected
from ..processes.diagnosis import load_failure
from ..processes.engine_process import EngineProcess
from ..processes.errors import EngineFailedError
from ..reporting.events import Event, LimitedLog
from ..reporting.issues import Failure
from ..system.aio import cancel_and_wait
from .dispatch.dispatcher import Dispatcher
from .dispatch.segment_job import SegmentJob
from .failures.failure_policy import FailurePolicy

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionContext:
    """The parts that the sessions of a pool share; `log` is of what clients can cause."""

    dispatcher: Dispatcher
    failure_policy: FailurePolicy
    metrics: Metrics
    log: LimitedLog


class EngineSession:
    """Has an engine compute what the dispatcher says; `serve` until it fails or is retired.

    Args:
        worker: the worker's name, for the log.
        engine: the process, which is ready.
        context: the parts that it shares with the other sessions.
        on_spoken: called with every segment that was spoken to its end.
    """

    def __init__(
        self,
        worker: str,
        engine: EngineProcess,
        context: SessionContext,
        on_spoken: Callable[[SegmentJob], None],
    ) -> None:
        self.accepts = True
        self._worker = worker
        self._engine = engine
        self._dispatcher = context.dispatcher
        self._failure_policy = context.failure_policy
        self._metrics = context.metrics
        self._log = context.log
        self._on_spoken = on_spoken
        self._open: dict[SegmentJob, OpenSegment] = {}
        self._jobs: dict[OpenSegment, SegmentJob] = {}
        self._drained = asyncio.Event()

    @property
    def computing(self) -> int:
        """Chunks that it has been told to compute and has not answered."""
        return self._engine.computing

    @property
    def open_jobs(self) -> int:
        """Segments that it has open."""
        return len(self._open)

    @property
    def isolated(self) -> bool:
        """Whether it computes a segment beside which nothing else is computed."""
        return any(job.suspect and segment.computing for segment, job in self._jobs.items())

    async def serve(self) -> None:
        """Take what the engine answers until the session is retired and nothing is computed.

        Raises:
            EngineFailedError: the engine must be replaced; what it was computing is charged for
                that, and all that it had open goes on elsewhere.
        """
        receiving = asyncio.create_task(self._receive())
        drained = asyncio.create_task(self._drained.wait())
        self._dispatcher.join(self)
        error: BaseException | None = None
        try:
            await asyncio.wait({drained, receiving}, return_when=asyncio.FIRST_COMPLETED)
            if receiving.done():
                error = receiving.exception()
        finally:
            self.accepts = False
            await cancel_and_wait(drained, receiving)
            if isinstance(error, EngineFailedError):
                self._charge(error)
            else:
                self._cut_off()
            self._dispatcher.leave(self)
        if error is not None:
            raise error

    def retire(self) -> None:
        """End after the chunks under way; what is open goes on elsewhere."""
        self.accepts = False
        self._dispatcher.move_away(self)
        self._end_if_drained()

    def compute(self, job: SegmentJob) -> None:
        """Compute one more chunk of a segment, which is opened if it is not open."""
        if job not in self._open:
            segment = self._open[job] = self._engine.open(job.request)
            self._jobs[segment] = job
        self._engine.compute(self._open[job])

    def close(self, job: SegmentJob) -> None:
        """Close a segment; what is still computed of it is thrown away."""
        if (segment := self._open.pop(job, None)) is not None:
            self._engine.cancel(segment)

    async def _receive(self) -> None:
        async with contextlib.aclosing(self._engine.answers()) as answers:
            async for answer in answers:
                self._take(answer)

    def _take(self, answer: Answer) -> None:
        segment = answer.segment
        job = self._jobs[segment]
        if isinstance(answer, Audio):
            if not segment.cancelled:
                job.add(answer.pcm, answer.seconds)
            return
        if isinstance(answer, Ended | Rejected):
            del self._jobs[segment]
        if not segment.cancelled:
            self._take_end(job, answer)
        if self.accepts:
            self._dispatcher.dispatch()
        else:
            self._dispatcher.move_away(self)
            self._end_if_drained()

    def _take_end(self, job: SegmentJob, answer: Computed | Ended | Rejected) -> None:
        """Take the end of a chunk, or of the segment."""
        if isinstance(answer, Computed):
            self._dispatcher.computed(job, answer.left)
            return
        del self._open[job]
        self._dispatcher.ended(job)
        if isinstance(answer, Rejected):
            self._reject(job, answer)
            return
        job.finish(answer.rest)
        self._failure_policy.succeeded(job)
        if job.begun_at is not None:
            self._metrics.segment_time.observe(time.monotonic() - job.begun_at)
        self._on_spoken(job)

    def _reject(self, job: SegmentJob, answer: Rejected) -> None:
        if isinstance(answer.error, VoiceError):
            failure = load_failure(answer.error)
            self._failure_policy.load_failed(job.voice, failure, permanent=True)
            log_load_failure(self._worker, job.voice.name, failure)
            job.fail(self._failure_policy.unavailable_error(job.voice))
        else:
            self._failure_policy.undecided(job)
            reason = str(answer.error)
            params = {"worker": self._worker, "characters": job.characters, "reason": reason}
            self._log.warning(Event("segment-failed", **params))
            job.fail(answer.error)

    def _charge(self, error: EngineFailedError) -> None:
        """Charge the failure to what was being computed; say so in the failure."""
        suspects = [self._jobs[s] for s in self._engine.suspects if s in self._jobs]
        if not suspects:
            return
        if len(suspects) > 1:
            self._failure_policy.one_of_several_failed(suspects, error)
            detail: dict[str, object] = {"segments": len(suspects)}
        else:
            (job,) = suspects
            outcome = self._failure_policy.worker_failed(job, error)
            segment = {"characters": job.characters, "outcome": outcome, "sample": job.samples}
            detail = {"segment": segment}
        error.failure = replace(error.failure, detail={**error.failure.detail, **detail})
        error.charged = True

    def _cut_off(self) -> None:
        """Fail what is being computed: the server stops, or a bug; nobody must wait for ever."""
        for segment, job in self._jobs.items():
            if segment.computing and not segment.cancelled:
                job.fail(ShuttingDownError("the segment was cut off; ask again"))

    def _end_if_drained(self) -> None:
        if not self._jobs:
            self._drained.set()


def log_load_failure(worker: str, voice: str, failure: Failure) -> None:
    """Log that a worker cannot load a voice."""
    reason = failure.detail["error"]
    _LOGGER.error(Event("voice-load-failed", worker=worker, voice=voice, reason=reason))
