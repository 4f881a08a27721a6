"""The workers together: where a segment is handed in."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from ..engine.messages import SegmentRequest
from ..errors import OverloadedError, ShuttingDownError, VoiceUnavailableError
from ..metrics import Metrics
from ..processes.command import EngineCommand
from ..restart import RestartDecider
from .breaker import Breakers
from .failure_policy import FailurePolicy
from .segment_job import FairShare, JobQueue, SegmentJob
from .text_quarantine import Quarantine
from .worker import RecyclePolicy, Worker, WorkerContext, WorkerState


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSize:
    """How large a pool is.

    Args:
        workers: how many speak at once.
        spare: one more that is ready and takes over while another one restarts.
        max_queue: requests that may wait beyond one per worker.
        recycling: when a worker's process is replaced.
    """

    workers: int = 1
    spare: bool = False
    max_queue: int = 32
    recycling: RecyclePolicy = RecyclePolicy()


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A worker as `status` shows it. Memory in bytes."""

    name: str
    state: WorkerState
    pid: int | None
    memory: int
    segments: int
    restarts: int
    last_failure: str | None
    last_failure_at: float | None
    """Since the epoch."""


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """The pool as `status` shows it."""

    workers: tuple[WorkerStatus, ...]
    requests: int
    waiting_segments: int
    quarantined_segments: int
    open_breakers: dict[str, str]
    """Models that are not tried at present, and why."""


class AdmissionSlots:
    """Those that requests take.

    Args:
        most_away: how many may leave theirs to others at once, for each of them holds audio.
    """

    def __init__(self, most_away: int) -> None:
        self.given: set[Slot] = set()
        self.left: set[Slot] = set()
        self._most_away = most_away

    @property
    def taken(self) -> int:
        """How many nobody else can have."""
        return len(self.given) - min(len(self.left), self._most_away)


class Slot:
    """One of the places; it comes from `Pool.admit`."""

    def __init__(self, places: AdmissionSlots) -> None:
        self._slots = places
        places.given.add(self)

    def leave(self) -> None:
        """Let somebody else have it for as long as no worker is waited for, if it may."""
        self._slots.left.add(self)

    def take(self) -> None:
        """Take it again: who has been admitted is not refused any more."""
        self._slots.left.discard(self)

    def give_back(self) -> None:
        """It is needed no more."""
        self._slots.given.discard(self)
        self._slots.left.discard(self)


class Pool:
    """Workers with one queue.

    Args:
        command: tells, at every start, how a worker starts its engine.
        size: how many, and how much may wait.
        decider: when a worker starts again.
        metrics: where is counted.
    """

    def __init__(
        self,
        command: Callable[[], EngineCommand],
        size: PoolSize,
        decider: RestartDecider,
        metrics: Metrics,
    ) -> None:
        self.metrics = metrics
        self.failure_policy = FailurePolicy(Breakers(decider), Quarantine(), metrics)
        self.workers: list[Worker] = []
        self.on_change: Callable[[], None] = lambda: None
        """Called after every change of a worker."""
        self._size = size
        self._jobs = JobQueue()
        self._context = WorkerContext(
            command=command,
            jobs=self._jobs,
            places=asyncio.Semaphore(size.workers),
            failure_policy=self.failure_policy,
            decider=decider,
            recycling=size.recycling,
            metrics=metrics,
            watching=ThreadPoolExecutor(1, thread_name_prefix="watching"),
        )
        metrics.queue_length.set_function(lambda: len(self._jobs))
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
                    self._employ()
        finally:
            self._jobs.fail_all(ShuttingDownError("the server stops; ask again when it is back"))
            self._context.watching.shutdown(wait=False)

    async def until_ready(self) -> None:
        """Wait until a worker has been ready for the first time."""
        await self._ready.wait()

    @contextmanager
    def admit(self, model: str) -> Iterator[Slot]:
        """A place for one request while it is carried out.

        Raises:
            OverloadedError: too many requests wait already.
            VoiceUnavailableError: the voice, or every worker, is out of order at present.
        """
        self.check_room()
        self._check(model)
        place = Slot(self._slots)
        try:
            yield place
        finally:
            place.give_back()

    def check_room(self) -> None:
        """Raise OverloadedError when too many requests wait already."""
        taken = self._slots.taken
        if taken >= self._size.workers + self._size.max_queue:
            self.metrics.rejections.labels(OverloadedError.code).inc()
            raise OverloadedError(
                f"{taken} requests are being spoken or wait; try again in a moment"
            )

    def submit(self, request: SegmentRequest, fair_share: FairShare | None = None) -> SegmentJob:
        """Queue a segment. A job that is not wanted any more must be cancelled.

        Raises:
            VoiceUnavailableError: the voice, or every worker, is out of order at present.
            TextQuarantinedError: this text ended workers not long ago.
        """
        self._check(request.model)
        job = SegmentJob(request, fair_share or FairShare())
        if self.failure_policy.quarantine.holds(request, time.monotonic()):
            raise self.failure_policy.quarantined(job)
        self._jobs.put(job)
        return job

    def replace_workers(self) -> None:
        """Replace every worker's process; each goes on until its replacement is ready."""
        for worker in list(self.workers):
            if worker.state is WorkerState.RUNNING:
                worker.due_for_recycling = True
                self._on_change(worker)
            else:
                worker.wake()

    def reset(self, model: str | None = None) -> None:
        """Try a voice, or everything, again at once: it has been repaired."""
        self.failure_policy.breakers.reset(model)
        if model is None:
            self.failure_policy.quarantine.clear()
        for worker in self.workers:
            worker.wake()

    def status(self) -> PoolStatus:
        """How it stands."""
        now = time.monotonic()
        return PoolStatus(
            workers=tuple(
                WorkerStatus(
                    name=w.name,
                    state=w.state,
                    pid=w.pid,
                    memory=w.memory,
                    segments=w.segments,
                    restarts=w.restarts,
                    last_failure=w.last_failure,
                    last_failure_at=w.last_failure_at,
                )
                for w in self.workers
            ),
            requests=self._slots.taken,
            waiting_segments=len(self._jobs),
            quarantined_segments=self.failure_policy.quarantine.count(now),
            open_breakers=self.failure_policy.breakers.open_ones(),
        )

    def _check(self, model: str) -> None:
        if self.failure_policy.is_open(model):
            raise self.failure_policy.unavailable(model)
        if self._all_fatal():
            raise self._unavailable()

    def _employ(self) -> Worker:
        assert self._tasks is not None
        worker = Worker(str(next(self._names)), self._context, self._on_change)
        self._tasks.create_task(self._work(worker), name=f"worker {worker.name}")
        self.workers.append(worker)
        return worker

    async def _work(self, worker: Worker) -> None:
        try:
            await worker.run()
        finally:
            self.workers.remove(worker)
            self._successors.pop(worker, None)

    def _on_change(self, worker: Worker) -> None:
        if any(w.state is WorkerState.RUNNING for w in self.workers):
            self._ready.set()
        serving = worker.state is WorkerState.RUNNING and not worker.retired
        if worker.due_for_recycling and serving and worker not in self._successors:
            self._successors[worker] = self._employ()
        for old, new in list(self._successors.items()):
            if new.state is WorkerState.RUNNING:
                old.retire()
                del self._successors[old]
        if self._all_fatal():
            self._jobs.fail_all(self._unavailable())
        self.on_change()

    def _all_fatal(self) -> bool:
        return bool(self.workers) and all(w.state is WorkerState.FATAL for w in self.workers)

    def _unavailable(self) -> VoiceUnavailableError:
        reasons = {worker.last_failure for worker in self.workers if worker.last_failure}
        return VoiceUnavailableError(f"no worker can start: {'; '.join(sorted(reasons))}")
