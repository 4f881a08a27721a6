"""A worker keeps one engine process alive and has it speak one job after the other."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import psutil

from ..aio import cancel_and_wait
from ..errors import EngineFailedError, ShuttingDownError, SynthesisError, VoiceError
from ..metrics import Metrics
from ..processes.command import EngineCommand
from ..processes.engine_process import EngineProcess
from ..restart import RestartDecider, RestartHistory
from .failure_policy import FailurePolicy
from .segment_job import JobQueue, SegmentJob

_LOGGER = logging.getLogger(__name__)
_RUNAWAY = 2  # times its memory limit, and an engine is killed although it speaks
_MEMORY_INTERVAL = 1.0


class WorkerState(StrEnum):
    """Where a worker stands."""

    STARTING = "starting"
    RUNNING = "running"
    BACKOFF = "backoff"
    STOPPING = "stopping"
    EXITED = "exited"
    FATAL = "fatal"


@dataclass(frozen=True, slots=True)
class RecyclePolicy:
    """When an engine process has served long enough; 0 means never."""

    memory_limit: int = 0
    """Resident bytes."""
    max_segments: int = 0


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What all workers of a pool share.

    `watching` is where processes are looked at: whatever else is slow must not hold up speech.
    `command` tells, at every start, how to start an engine; `places` bounds how many workers may
    speak at once, whether there are more of them (spare ones, replacements) or not.
    """

    command: Callable[[], EngineCommand]
    jobs: JobQueue
    places: asyncio.Semaphore
    failure_policy: FailurePolicy
    decider: RestartDecider
    recycling: RecyclePolicy
    metrics: Metrics
    watching: Executor


class Worker:
    """Supervises one engine process; `run` until retired or cancelled.

    Args:
        name: for the log and for `status`.
        context: what it shares with the other workers.
        on_change: called with the worker after every change of `state` or `due_for_recycling`.
    """

    def __init__(
        self, name: str, context: WorkerContext, on_change: Callable[[Worker], None]
    ) -> None:
        self.name = name
        self.state = WorkerState.EXITED
        self.due_for_recycling = False
        self.pid: int | None = None
        self.memory = 0
        self.segments = 0
        self.restarts = 0
        self.last_failure: str | None = None
        self.last_failure_at: float | None = None
        """Since the epoch."""
        self._context = context
        self._on_change = on_change
        self._retired = asyncio.Event()
        self._wake = asyncio.Event()
        self._history = RestartHistory()
        self._ready_since: float | None = None

    async def run(self) -> None:
        """Keep an engine process alive."""
        try:
            while not self._retired.is_set():
                if (failure := await self._live()) is not None:
                    self.restarts += 1
                    self.last_failure, self.last_failure_at = str(failure), time.time()
                    self._context.metrics.restarts.labels(failure.kind).inc()
                    await self._pause(failure)
        finally:
            self._enter(WorkerState.EXITED)

    @property
    def retired(self) -> bool:
        """Whether it ends after the segment under way."""
        return self._retired.is_set()

    def retire(self) -> None:
        """End after the segment under way."""
        self._retired.set()
        self._wake.set()

    def wake(self) -> None:
        """Forget earlier failures and start at once, if it waits to."""
        self._history = RestartHistory()
        self._wake.set()

    async def _live(self) -> EngineFailedError | None:
        """One life of an engine process; returns why it failed, ``None`` when it was retired."""
        self._enter(WorkerState.STARTING)
        self._ready_since = None
        self._wake.clear()  # from here on a repair is worth another start
        self.due_for_recycling, self.segments = False, 0
        try:
            async with EngineProcess.running(
                self._context.command(), self._context.failure_policy.on_unsound
            ) as engine:
                self.pid = engine.pid
                try:
                    await self._get_ready(engine)
                    await self._serve(engine)
                finally:
                    self._enter(WorkerState.STOPPING)
        except EngineFailedError as failure:
            return failure
        except Exception:
            _LOGGER.exception("worker %s: unexpected error; please report this", self.name)
            return EngineFailedError("met an unexpected error of the server", kind="internal")
        finally:
            self.pid = None
            self.memory = 0
        return None

    async def _get_ready(self, engine: EngineProcess) -> None:
        failure_policy = self._context.failure_policy
        started = time.monotonic()
        try:
            await engine.wait_ready()
        except EngineFailedError as failure:
            failure.blamed |= bool(engine.unloadable)  # not one of its voices loads
            if failure.loading is not None:
                failure_policy.failed_to_load(failure.loading, str(failure), permanent=False)
                failure.blamed = True
            raise
        finally:
            for model, reason in engine.unloadable.items():
                _LOGGER.error("worker %s cannot load a voice: %s", self.name, reason)
                failure_policy.failed_to_load(model, reason, permanent=True)
        self._ready_since = time.monotonic()
        seconds = self._ready_since - started
        await self._look_at_memory(engine)
        _LOGGER.info("worker %s is ready (pid %d, %.2f s)", self.name, engine.pid, seconds)
        self._enter(WorkerState.RUNNING)

    async def _serve(self, engine: EngineProcess) -> None:
        """Give jobs to the engine until it fails or the worker is retired."""
        interval = self._context.command().stall_timeout
        gone = asyncio.create_task(engine.wait())
        retired = asyncio.create_task(self._retired.wait())
        try:
            while not self._retired.is_set():
                async with self._next_job({gone, retired}, interval) as job:
                    if gone.done():
                        raise engine.exited()
                    if job is not None:
                        await self._speak(engine, job)
                        await self._check_recycling(engine)
                    elif not self._retired.is_set():
                        await engine.ping()
        finally:
            gone.cancel()
            retired.cancel()

    @contextlib.asynccontextmanager
    async def _next_job(
        self, ends: set[asyncio.Task[Any]], interval: float
    ) -> AsyncIterator[SegmentJob | None]:
        """A job and a place to speak it; ``None`` after `interval` or when one of `ends` is."""
        take = asyncio.create_task(self._take())
        try:
            await asyncio.wait({take, *ends}, timeout=interval, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            await self._give_up(take)
            raise
        if not take.done() or any(end.done() for end in ends):
            await self._give_up(take)
            yield None
            return
        try:
            yield take.result()
        finally:
            self._context.places.release()

    async def _take(self) -> SegmentJob:
        await self._context.places.acquire()
        try:
            return await self._context.jobs.get()
        except BaseException:
            self._context.places.release()
            raise

    async def _give_up(self, take: asyncio.Task[SegmentJob]) -> None:
        """Cancel taking a job; one that was taken already goes back."""
        try:
            await cancel_and_wait(take)
        finally:
            if take.done() and not take.cancelled():
                self._context.places.release()
                self._context.jobs.put(take.result())

    async def _speak(self, engine: EngineProcess, job: SegmentJob) -> None:
        failure_policy, metrics = self._context.failure_policy, self._context.metrics
        if (refusal := failure_policy.check(job)) is not None:
            job.fail(refusal)
            return
        begin = time.monotonic()
        metrics.queue_wait.observe(begin - job.queued_at)
        job.attempts += 1
        watch = asyncio.create_task(self._watch_memory(engine))
        try:
            await engine.speak(job.request, job.add, job.cancelled)
        except VoiceError as err:
            failure_policy.failed_to_load(job.request.model, str(err), permanent=True)
            _LOGGER.error("worker %s cannot load a voice: %s", self.name, err)  # noqa: TRY400 - told
            job.fail(failure_policy.unavailable(job.request.model))
        except SynthesisError as err:
            failure_policy.breakers.undecided(job.request.model)
            _LOGGER.warning(
                "worker %s cannot speak a segment of %d characters: %s",
                self.name,
                job.characters,
                err,
            )
            job.fail(err)
        except EngineFailedError as failure:
            done = failure_policy.worker_died(job, failure, self._context.jobs)
            told = f"{failure}, in a segment of {job.characters} characters {done}"
            raise EngineFailedError(told, kind=failure.kind, blamed=True) from None
        except BaseException:  # the server stops, or a bug: whoever waits must not wait for ever
            job.fail(ShuttingDownError("the segment was cut off; ask again"))
            raise
        else:
            job.finish()
            failure_policy.succeeded(job)
            self._history = RestartHistory()
            self.segments += bool(job.characters)  # else it only loaded a voice
            metrics.segment_time.observe(time.monotonic() - begin)
        finally:
            await cancel_and_wait(watch)

    async def _watch_memory(self, engine: EngineProcess) -> None:
        """Kill an engine that runs away with the memory in mid-segment."""
        limit = _RUNAWAY * self._context.recycling.memory_limit
        while True:
            await asyncio.sleep(_MEMORY_INTERVAL)
            await self._look_at_memory(engine)
            if 0 < limit < self.memory:
                grown = f"grew to {self.memory >> 20} MB in mid-segment and was killed"
                engine.kill(grown, "memory")

    async def _look_at_memory(self, engine: EngineProcess) -> None:
        with contextlib.suppress(psutil.Error):
            self.memory = await asyncio.get_running_loop().run_in_executor(
                self._context.watching, _resident_bytes, engine.pid
            )

    async def _check_recycling(self, engine: EngineProcess) -> None:
        recycling = self._context.recycling
        await self._look_at_memory(engine)
        over_memory = 0 < recycling.memory_limit < self.memory
        if not self.due_for_recycling and (
            over_memory or 0 < recycling.max_segments <= self.segments
        ):
            _LOGGER.info(
                "worker %s is replaced after %d segments, %d MB",
                self.name,
                self.segments,
                self.memory >> 20,
            )
            self.due_for_recycling = True
            self._on_change(self)

    async def _pause(self, failure: EngineFailedError) -> None:
        decider, now = self._context.decider, time.monotonic()
        ready = self._ready_since
        if ready is not None and now - ready >= decider.policy.okay_delay:
            self._history = RestartHistory()
        if failure.blamed:
            verdict = decider.excused(self._history)
        else:
            verdict = decider.failed(
                self._history, now, permanent=failure.permanent and ready is None
            )
        self._history = verdict.history
        if verdict.fatal:
            _LOGGER.error(
                "worker %s: %s. It is tried again in %.0f s, or at once after a repair",
                self.name,
                failure,
                verdict.delay,
            )
        else:
            _LOGGER.warning(
                "worker %s: %s. A new process starts in %.1f s", self.name, failure, verdict.delay
            )
        if self.retired:
            return
        self._enter(WorkerState.FATAL if verdict.fatal else WorkerState.BACKOFF)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(verdict.delay):
                await self._wake.wait()

    def _enter(self, state: WorkerState) -> None:
        self.state = state
        self._on_change(self)


def _resident_bytes(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)
