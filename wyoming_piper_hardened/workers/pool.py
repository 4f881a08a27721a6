"""A pool of workers that share the segments that are submitted."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from ..engine.messages import SegmentRequest, VoiceVersion
from ..engine.schedule import Schedule
from ..errors import OverloadedError, ShuttingDownError, VoiceUnavailableError
from ..metrics import Metrics
from ..processes.command import EngineCommand
from ..processes.engine_process import OnUnloadable
from ..processes.restart import RestartDecider
from ..reporting.events import LimitedLog
from ..reporting.issues import Failure
from ..system.aio import Notifier
from .dispatch.admission import AdmissionSlots, Slot
from .dispatch.dispatcher import Dispatcher
from .dispatch.segment_job import Listener, SegmentJob
from .engine_session import SessionContext
from .failures.breaker import Breakers
from .failures.failure_policy import FailurePolicy
from .failures.text_quarantine import TextQuarantine
from .recycling import RecyclePolicy
from .scheduler import Limits
from .throughput import Load
from .worker import Worker, WorkerContext, WorkerState, WorkerStatus

_REVIEW_INTERVAL = 1.0
"""Seconds between two looks at all that waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSize:
    """The size of a pool.

    Args:
        workers: how many speak at once.
        threads: chunks that each computes at once.
        spare: one more that is ready and takes over while another one restarts.
        max_queue: requests that may wait beyond one per worker.
        recycling: when a worker's process is replaced.
    """

    workers: int = 1
    threads: int = 1
    spare: bool = False
    max_queue: int = 32
    recycling: RecyclePolicy = RecyclePolicy()


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """A snapshot of the pool."""

    workers: tuple[WorkerStatus, ...]
    requests: int
    waiting_segments: int
    quarantined_texts: int
    unavailable_voices: Mapping[VoiceVersion, Failure]


class Pool:
    """Workers, and the segments that they share.

    Args:
        command: returns, at every start of a worker, how to start its engine.
        size: how many, and how much may wait.
        decider: when a worker starts again.
        metrics: counts.
        notifier: notified of every change of a worker.
        on_unloadable: gets a voice that does not load, or not as it should, and why.
        limits: of the precedence among requests.
    """

    def __init__(
        self,
        command: Callable[[], EngineCommand],
        size: PoolSize,
        decider: RestartDecider,
        metrics: Metrics,
        *,
        notifier: Notifier,
        on_unloadable: OnUnloadable,
        limits: Limits | None = None,
    ) -> None:
        self.metrics = metrics
        self.workers: list[Worker] = []
        self._size = size
        self._notifier = notifier
        self._failure_policy = FailurePolicy(
            Breakers(decider), TextQuarantine(), metrics, on_unloadable
        )
        self._dispatcher = Dispatcher(
            size.workers, size.threads, self._failure_policy, metrics, limits=limits or Limits()
        )
        log = LimitedLog(logging.getLogger(__name__))
        self._context = WorkerContext(
            command=command,
            sessions=SessionContext(self._dispatcher, self._failure_policy, metrics, log),
            decider=decider,
            recycling=size.recycling,
            watching=ThreadPoolExecutor(1, thread_name_prefix="watching"),
        )
        metrics.queue_length.set_function(lambda: len(self._dispatcher))
        self._slots = AdmissionSlots(size.max_queue)
        self._ready = asyncio.Event()
        self._names = itertools.count(1)
        self._successors: dict[Worker, Worker] = {}
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Keep the workers alive until cancelled; then stop them all."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                for _ in range(self._size.workers + self._size.spare):
                    self._start_worker()
                self._tasks.create_task(self._review())
        finally:
            self._dispatcher.fail_all(ShuttingDownError())
            self._context.watching.shutdown(wait=False)

    async def _review(self) -> None:
        while self.workers:
            await asyncio.sleep(_REVIEW_INTERVAL)
            self._dispatcher.review()

    @property
    def most_processes(self) -> int:
        """Engine processes at once, when every one is being replaced."""
        return 2 * (self._size.workers + self._size.spare)

    @property
    def is_ready(self) -> bool:
        """Return whether a worker can speak."""
        return any(worker.is_ready for worker in self.workers)

    async def until_ready(self) -> None:
        """Wait until a worker has been ready for the first time."""
        await self._ready.wait()

    @contextmanager
    def admit(self, voice: VoiceVersion, listener: Listener) -> Iterator[Slot]:
        """Hold a slot for the request of `listener` while it is carried out.

        Raises:
            OverloadedError: too many requests wait already.
            VoiceUnavailableError: the voice, or every worker, is out of order at present.
        """
        self.check_room()
        self._check(voice)
        slot = Slot(self._slots, listener)
        try:
            yield slot
        finally:
            slot.release()

    def check_room(self) -> None:
        """Raise OverloadedError when too many requests wait already."""
        taken = self._slots.taken
        if taken >= self._size.workers + self._size.max_queue:
            self.metrics.rejections.labels(OverloadedError.code).inc()
            raise OverloadedError(
                f"{taken} requests are being spoken or wait; try again in a moment"
            )

    def listener(self) -> Listener:
        """Return a new listener, for whom segments can be submitted in order."""
        return self._dispatcher.listener()

    def submit(
        self, request: SegmentRequest, listener: Listener, *, first: bool = False
    ) -> SegmentJob:
        """Have a segment spoken, behind the others of the listener or `first`.

        A job that is not wanted any more must be cancelled.

        Raises:
            VoiceUnavailableError: the voice, or every worker, is out of order at present.
            TextQuarantinedError: this text ended workers not long ago.
        """
        assert request.model is not None
        self._check(request.model)
        self._failure_policy.check_text(request)
        job = SegmentJob(request, listener, first=first)
        self._dispatcher.add(job)
        return job

    def preload(self, voice: VoiceVersion, schedule: Schedule | None) -> None:
        """Have a new version loaded, so that the next request need not wait for it.

        Failures of other versions of that voice are forgotten. A worker that is not ready loads it
        when it starts, or when it is asked for.

        Raises:
            VoiceUnavailableError: the voice, or every worker, is out of order at present.
        """
        for other in self.unavailable_voices():
            if other.name == voice.name:
                self.reset(other)
        self._check(voice)
        for worker in self.workers:
            if worker.session is not None:
                job = SegmentJob(SegmentRequest("", voice, schedule=schedule), self.listener())
                self._dispatcher.add(job, worker.session)

    def unavailable(self, voice: VoiceVersion) -> Failure | None:
        """Return why a voice is not tried at present, if so."""
        return self._failure_policy.unavailable(voice)

    def unavailable_voices(self) -> Mapping[VoiceVersion, Failure]:
        """Return the voices that do not speak because they fail, each with its last failure."""
        return self._failure_policy.unavailable_voices()

    def restart_all(self) -> None:
        """Replace every worker's process; each goes on until its replacement is ready."""
        for worker in list(self.workers):
            if worker.is_ready:
                worker.recycle()
            else:
                worker.restart_now()

    def reset(self, voice: VoiceVersion | None = None) -> None:
        """Try a voice, or everything, again at once: it has been repaired."""
        self._failure_policy.reset(voice)
        for worker in self.workers:
            worker.restart_now()

    def status(self) -> PoolStatus:
        """Return a snapshot."""
        return PoolStatus(
            workers=tuple(worker.status() for worker in self.workers),
            requests=self._slots.requests,
            waiting_segments=len(self._dispatcher),
            quarantined_texts=self._failure_policy.quarantined_texts(),
            unavailable_voices=self.unavailable_voices(),
        )

    def load(self) -> Load:
        """Return how much of what the workers can do is taken."""
        return Load(self._slots.requests, self._dispatcher.capacity)

    def _check(self, voice: VoiceVersion) -> None:
        self._failure_policy.check_voice(voice)
        if self._all_fatal():
            raise self._no_worker()

    def _start_worker(self) -> Worker:
        assert self._tasks is not None
        worker = Worker(str(next(self._names)), self._context, self._on_change)
        self._tasks.create_task(self._run_worker(worker), name=f"worker {worker.name}")
        self.workers.append(worker)
        return worker

    async def _run_worker(self, worker: Worker) -> None:
        try:
            await worker.run()
        finally:
            self.workers.remove(worker)
            self._successors.pop(worker, None)

    def _on_change(self, worker: Worker) -> None:
        if self.is_ready:
            self._ready.set()
        serving = worker.is_ready and not worker.is_retired
        if worker.due_for_recycling and serving and worker not in self._successors:
            self._successors[worker] = self._start_worker()
        for old, new in list(self._successors.items()):
            if new.is_ready:
                old.retire()
                del self._successors[old]
        if self._all_fatal():
            self._dispatcher.fail_all(self._no_worker())
        self._notifier.notify()

    def _all_fatal(self) -> bool:
        return bool(self.workers) and all(w.state is WorkerState.FATAL for w in self.workers)

    def _no_worker(self) -> VoiceUnavailableError:
        reasons = {str(worker.last_failure) for worker in self.workers if worker.last_failure}
        return VoiceUnavailableError(f"no worker can start: {'; '.join(sorted(reasons))}")
