"""Gives one chunk after the other to the workers, in the scheduler's order of precedence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from ...errors import HardenedError
from ...metrics import Metrics
from ..failures.failure_policy import FailurePolicy
from ..scheduler import Claim, Limits, Pace, precedence
from ..throughput import Throughput
from .segment_job import Listener, SegmentJob

_LONGEST_CHUNK = 2.0  # seconds: what took longer loaded a voice, or the machine stood still


class ChunkWorker(Protocol):
    """A worker as the dispatcher sees it."""

    @property
    def accepts(self) -> bool:
        """Whether it can be given segments."""

    @property
    def computing(self) -> int:
        """Chunks that it has been told to compute and has not answered."""

    @property
    def open_jobs(self) -> int:
        """Segments that it has open."""

    @property
    def isolated(self) -> bool:
        """Whether it computes a segment beside which nothing else is computed."""

    def compute(self, job: SegmentJob) -> None:
        """Compute one more chunk of a segment, which is opened if it is not open."""

    def close(self, job: SegmentJob) -> None:
        """Close a segment that it has open."""


class Dispatcher:
    """Holds the segments that are not finished, and decides at every change who computes what.

    A segment that is open in a worker stays there; but rather than be idle a worker takes one over
    from another that is busy. Equal segments of several listeners are computed once.

    Args:
        workers: processes that compute at once, whether there are more of them or not.
        threads: chunks that each computes at once.
        failure_policy: asked before a segment is given to a worker.
        metrics: where waits are counted.
        limits: of the precedence.
        clock: seconds of a monotonic clock.
    """

    def __init__(
        self,
        workers: int,
        threads: int,
        failure_policy: FailurePolicy,
        metrics: Metrics,
        *,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = workers
        self._threads = threads
        self._failure_policy = failure_policy
        self._metrics = metrics
        self._limits = limits
        self._clock = clock
        self._pace = Pace()
        self._throughput = Throughput()
        self._measured_at = clock()
        self._listeners: list[Listener] = []
        self._workers: list[ChunkWorker] = []
        self._places: dict[SegmentJob, ChunkWorker] = {}

    def __len__(self) -> int:
        """Segments that no worker has open."""
        jobs = [job for job in self._jobs() if not job.cancelled]
        return sum(job.source not in self._places for job in jobs)

    @property
    def capacity(self) -> float:
        """Streams that can be made in real time, as measured so far."""
        return self._throughput.rate * self._threads * self._most

    def listener(self) -> Listener:
        """Return a new listener, whose segments can be added."""
        return Listener(self._limits.buffer, self.dispatch, self._clock)

    def add(self, job: SegmentJob, worker: ChunkWorker | None = None) -> None:
        """Add a segment; with a `worker` it is computed by that one.

        If one is under way that is equal, and not far yet, its audio is this one's, too.
        """
        if job.listener not in self._listeners:
            job.listener.since = None
            self._listeners.append(job.listener)
        if worker is not None:
            self._places[job] = worker
        elif (leader := next(filter(job.can_follow, self._others(job)), None)) is not None:
            job.follow(leader)
        self.dispatch()

    def join(self, worker: ChunkWorker) -> None:
        """Let a worker have segments from now on."""
        self._workers.append(worker)
        self.dispatch()

    def leave(self, worker: ChunkWorker) -> None:
        """Let a worker have no segments any more; those that it had open go on elsewhere."""
        if worker in self._workers:
            self._workers.remove(worker)
        for job in self._placed_in(worker):
            self._put_back(job)
        self.dispatch()

    def move_away(self, worker: ChunkWorker) -> None:
        """Have the segments that a worker does not compute at this moment go on elsewhere.

        Only of a voice that streams; else the same audio may not come a second time.
        """
        for job in self._placed_in(worker):
            if not job.computing and _can_move(job):
                worker.close(job)
                self._put_back(job)
        self.dispatch()

    def computed(self, job: SegmentJob, left: int) -> None:
        """Take note that a chunk is complete, and how many more are known."""
        self._measure(job)
        if job.told_at is not None:
            seconds = min(self._clock() - job.told_at, _LONGEST_CHUNK)
            self._pace.observe(seconds, job.told_frames)
        job.told_at = None
        job.computing, job.left = job.computing - 1, left
        job.chunks += 1

    def ended(self, job: SegmentJob) -> None:
        """Take note that a worker has not a segment open any more."""
        self._measure(job)
        self._places.pop(job, None)
        job.put_back()

    def fail_all(self, error: HardenedError) -> None:
        """Let every segment fail with `error`."""
        for job in list(self._jobs()):
            job.fail(error)
        self._places.clear()
        self._listeners.clear()

    def dispatch(self) -> None:
        """Give out chunks until nobody can be served; call it after every change."""
        self._drop_cancelled()
        while self._place_one(self._clock()):
            pass

    def review(self) -> None:
        """Look again at everything; to be called from time to time, as time alone gives precedence.

        Nor shall a segment wait for ever whose worker has left.
        """
        for job in [job for job, place in self._places.items() if place not in self._workers]:
            self._put_back(job)
        self.dispatch()

    def _place_one(self, now: float) -> bool:
        """Give out one chunk; return whether anything has changed."""
        claims = precedence(
            self._claims(now),
            now,
            pace=self._pace,
            threads=self._threads * self._most,
            capacity=self.capacity,
            patience=self._limits.patience,
        )
        order = list(dict.fromkeys(claim.key for claim in claims))
        held = set[ChunkWorker]()
        for job in order:
            if (worker := self._worker_for(job, held)) is not None:
                return self._give(job, worker, now)
        for job in order:
            if (worker := self._idle_worker_for(job)) is not None:
                self._places[job].close(job)
                self._put_back(job)
                return self._give(job, worker, now)
        return False

    def _claims(self, now: float) -> Iterable[Claim[SegmentJob]]:
        """Return what can be computed, and how urgent it is for who needs it most.

        Twice, if of those who share a segment some have begun to hear and others have not.
        """
        claims = dict[tuple[SegmentJob, bool], Claim[SegmentJob]]()
        self._listeners = [listener for listener in self._listeners if listener.jobs]
        for listener in self._listeners:
            computing = listener.computing
            if not listener.has_room or listener.next_job() is None or computing:
                listener.since = None
            elif listener.since is None:
                listener.since = now
            if listener.has_room and (next_job := listener.next_job()) is not None:
                job = next_job.source
                since = now if listener.since is None else listener.since
                lead = listener.playback.lead(now, since)
                seconds = self._pace.expected(job.next_frames)
                claim = Claim(job, since, lead, seconds, computing)
                key = job, lead is None
                claims[key] = _most_urgent(claims[key], claim) if key in claims else claim
        return claims.values()

    def _worker_for(self, job: SegmentJob, held: set[ChunkWorker]) -> ChunkWorker | None:
        """Return the worker that can compute a chunk of `job` at once, if there is one.

        A segment over which a worker failed is computed alone: then nobody else can be the reason
        if that happens again. A worker that it waits for is `held`: given nothing else.
        """
        place = self._places.get(job)
        workers = [w for w in self._workers if w.accepts] if place is None else [place]
        free = [worker for worker in workers if worker not in held and self._is_free(worker)]
        if job.suspect and not any(worker.computing == 0 for worker in free):
            held.update(sorted(free, key=_load)[:1])
            return None
        return min(free, key=_load, default=None)

    def _idle_worker_for(self, job: SegmentJob) -> ChunkWorker | None:
        """Return a worker that has nothing to do and can take over `job` from a busy one."""
        place = self._places.get(job)
        if place is None or job.computing or job.suspect or not _can_move(job):
            return None
        workers = [w for w in self._workers if w.accepts and not w.computing and w is not place]
        return next(filter(self._is_free, workers), None)

    def _is_free(self, worker: ChunkWorker) -> bool:
        if worker.computing >= self._threads or worker.isolated:
            return False
        busy = sum(other.computing > 0 for other in self._workers)
        return worker.computing > 0 or busy < self._most

    def _give(self, job: SegmentJob, worker: ChunkWorker, now: float) -> bool:
        """Have a worker compute a chunk, unless the voice or the text is not to be tried."""
        if not job.admitted and (error := self._failure_policy.check(job)) is not None:
            self._places.pop(job, None)
            job.fail(error)
            return True
        job.admitted = True
        if job.begun_at is None:
            job.begun_at = now
            self._metrics.queue_wait.observe(now - job.queued_at)
        self._measure(job)
        job.told_at = None if job.computing else now
        job.told_frames = job.next_frames
        job.computing += 1
        self._places[job] = worker
        worker.compute(job)
        return True

    def _measure(self, job: SegmentJob) -> None:
        """Count what was computed, and the audio that has come of `job`, up to now."""
        now = self._clock()
        computing = sum(one.computing for one in self._jobs())
        seconds = min(now - self._measured_at, _LONGEST_CHUNK) * computing
        self._throughput.observe(seconds, job.take_new_audio())
        self._measured_at = now

    def _drop_cancelled(self) -> None:
        for job in [job for job in self._jobs() if job.cancelled]:
            if (worker := self._places.pop(job, None)) is not None:
                worker.close(job)
            if job.admitted and not job.followers:
                self._failure_policy.undecided(job)
            job.drop()

    def _put_back(self, job: SegmentJob) -> None:
        self._places.pop(job, None)
        job.put_back()

    def _placed_in(self, worker: ChunkWorker) -> list[SegmentJob]:
        return [job for job, place in self._places.items() if place is worker]

    def _jobs(self) -> Iterator[SegmentJob]:
        for listener in self._listeners:
            yield from listener.jobs

    def _others(self, job: SegmentJob) -> Iterator[SegmentJob]:
        return (other for other in self._jobs() if other.listener is not job.listener)


def _load(worker: ChunkWorker) -> tuple[int, int]:
    return worker.computing, worker.open_jobs


def _most_urgent(one: Claim[SegmentJob], other: Claim[SegmentJob]) -> Claim[SegmentJob]:
    """Return the claim of two who share a segment, and have both begun to hear, or both not."""
    lead = None if one.lead is None or other.lead is None else min(one.lead, other.lead)
    since, computing = min(one.since, other.since), min(one.computing, other.computing)
    return replace(one, since=since, lead=lead, computing=computing)


def _can_move(job: SegmentJob) -> bool:
    return job.request.schedule is not None
