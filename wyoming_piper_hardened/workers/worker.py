"""A worker keeps one engine process alive and has it speak one job after the other."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ..errors import ShuttingDownError, SynthesisError, VoiceError
from ..metrics import Metrics
from ..processes.command import EngineCommand
from ..processes.engine_process import EngineProcess, load_failure
from ..processes.errors import EngineFailedError
from ..processes.restart import RestartDecider, RestartHistory
from ..reporting.events import Event, LimitedLog
from ..reporting.issues import Failure, FailureKind, Stage
from ..system.aio import cancel_and_wait
from .failure_policy import FailurePolicy
from .recycling import RecyclePolicy
from .scheduler import JobQueue
from .segment_job import SegmentJob

_LOGGER = logging.getLogger(__name__)


class WorkerState(StrEnum):
    """The states of a worker."""

    STARTING = "starting"
    RUNNING = "running"
    BACKOFF = "backoff"
    STOPPING = "stopping"
    EXITED = "exited"
    FATAL = "fatal"


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A snapshot of a worker."""

    name: str
    state: WorkerState
    pid: int | None
    memory: int
    """Resident bytes."""
    segments: int
    """Spoken by this process."""
    restarts: int
    last_failure: Failure | None
    last_failure_at: float | None
    """Since the epoch."""


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """The parts that all workers of a pool share.

    `command` is called at every start. `speaking` bounds how many workers may speak at once,
    whether there are more of them (spare ones, replacements) or not. Memory is measured in
    `watching`: whatever else is slow must not hold up speech.
    """

    command: Callable[[], EngineCommand]
    jobs: JobQueue
    speaking: asyncio.Semaphore
    failure_policy: FailurePolicy
    decider: RestartDecider
    recycling: RecyclePolicy
    metrics: Metrics
    watching: Executor
    log: LimitedLog  # of what clients can cause


class Worker:
    """Supervises one engine process; `run` until retired or cancelled.

    Args:
        name: for the log and for `status`.
        context: the parts that it shares with the other workers.
        on_change: called with the worker after every change of `state` or `due_for_recycling`.
    """

    def __init__(
        self, name: str, context: WorkerContext, on_change: Callable[[Worker], None]
    ) -> None:
        self.name = name
        self.state = WorkerState.EXITED
        self.due_for_recycling = False
        self.restarts = 0
        self.last_failure: Failure | None = None
        self._last_failure_at: float | None = None
        self._engine: EngineProcess | None = None
        self._segments = 0
        self._context = context
        self._on_change = on_change
        self._retired = asyncio.Event()
        self._restart = asyncio.Event()
        self._history = RestartHistory()
        self._ready_since: float | None = None

    @property
    def pid(self) -> int | None:
        """The process under way."""
        return self._engine.pid if self._engine else None

    @property
    def is_ready(self) -> bool:
        """Return whether it can speak."""
        return self.state is WorkerState.RUNNING

    @property
    def is_retired(self) -> bool:
        """Return whether it ends after the segment under way."""
        return self._retired.is_set()

    def status(self) -> WorkerStatus:
        """Return a snapshot."""
        return WorkerStatus(
            name=self.name,
            state=self.state,
            pid=self.pid,
            memory=self._engine.memory if self._engine else 0,
            segments=self._segments,
            restarts=self.restarts,
            last_failure=self.last_failure,
            last_failure_at=self._last_failure_at,
        )

    async def run(self) -> None:
        """Keep an engine process alive."""
        try:
            while not self.is_retired:
                if (error := await self._run_process()) is not None:
                    self.restarts += 1
                    self.last_failure, self._last_failure_at = error.failure, time.time()
                    self._context.metrics.restarts.labels(error.failure.kind).inc()
                    await self._back_off(error)
        finally:
            self._set_state(WorkerState.EXITED)

    def retire(self) -> None:
        """End after the segment under way."""
        self._retired.set()
        self._restart.set()

    def recycle(self) -> None:
        """Ask for a replacement, and go on until it is ready."""
        self.due_for_recycling = True
        self._on_change(self)

    def restart_now(self) -> None:
        """Forget earlier failures and start at once, if it backs off."""
        self._history = RestartHistory()
        self._restart.set()

    async def _run_process(self) -> EngineFailedError | None:
        """Run one engine process; return why it failed, ``None`` when it was retired."""
        self._set_state(WorkerState.STARTING)
        self._ready_since = None
        self._restart.clear()  # from here on a repair is worth another start
        self.due_for_recycling, self._segments = False, 0
        context = self._context
        try:
            async with EngineProcess.running(
                context.command(), context.failure_policy.on_unloadable, context.watching
            ) as engine:
                self._engine = engine
                try:
                    await self._start(engine)
                    await self._serve(engine)
                finally:
                    self._set_state(WorkerState.STOPPING)
        except EngineFailedError as err:
            return err
        except Exception:
            _LOGGER.exception(Event("internal-error", where=f"worker {self.name}"))
            at = self._engine.stage if self._engine else Stage.STARTING
            return EngineFailedError(Failure(FailureKind.INTERNAL, at))
        finally:
            self._engine = None
        return None

    async def _start(self, engine: EngineProcess) -> None:
        failure_policy = self._context.failure_policy
        begin = time.monotonic()
        try:
            await engine.wait_ready()
        except EngineFailedError as err:
            err.charged |= bool(engine.unloadable)  # not one of its voices loads
            if err.loading is not None:
                failure_policy.load_failed(err.loading, err.failure, permanent=False)
                err.charged = True
            raise
        finally:
            for voice, failure in engine.unloadable.items():
                self._log_load_failure(voice.name, failure)
                failure_policy.load_failed(voice, failure, permanent=True)
        self._ready_since = time.monotonic()
        await engine.measure_memory()
        seconds = self._ready_since - begin
        _LOGGER.info(Event("worker-ready", worker=self.name, pid=engine.pid, seconds=seconds))
        self._set_state(WorkerState.RUNNING)

    async def _serve(self, engine: EngineProcess) -> None:
        """Give jobs to the engine until it fails or the worker is retired."""
        interval = self._context.command().stall_timeout
        ended = asyncio.create_task(engine.wait())
        retired = asyncio.create_task(self._retired.wait())
        try:
            while not self.is_retired:
                async with self._next_job({ended, retired}, interval) as job:
                    if ended.done():
                        raise await engine.ended()
                    if job is not None:
                        await self._try(engine, job)
                        await self._check_recycling(engine)
                    elif not self.is_retired:
                        await engine.ping()
        finally:
            ended.cancel()
            retired.cancel()

    @contextlib.asynccontextmanager
    async def _next_job(
        self, ends: set[asyncio.Task[Any]], interval: float
    ) -> AsyncIterator[SegmentJob | None]:
        """Hold a job and the right to speak it; ``None`` after `interval` or one of `ends`."""
        take = asyncio.create_task(self._take())
        try:
            await asyncio.wait({take, *ends}, timeout=interval, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            await self._put_back(take)
            raise
        if not take.done() or any(end.done() for end in ends):
            await self._put_back(take)
            yield None
            return
        try:
            yield take.result()
        finally:
            self._context.speaking.release()

    async def _take(self) -> SegmentJob:
        await self._context.speaking.acquire()
        try:
            return await self._context.jobs.get()
        except BaseException:
            self._context.speaking.release()
            raise

    async def _put_back(self, take: asyncio.Task[SegmentJob]) -> None:
        """Cancel taking a job; one that was taken already goes back."""
        try:
            await cancel_and_wait(take)
        finally:
            if take.done() and not take.cancelled():
                self._context.speaking.release()
                self._context.jobs.put(take.result())

    async def _try(self, engine: EngineProcess, job: SegmentJob) -> None:
        """Have a job spoken unless its voice or text is not to be tried."""
        if (error := self._context.failure_policy.check(job)) is not None:
            job.fail(error)
            return
        recycling = self._context.recycling
        limit = recycling.kill_factor * recycling.memory_limit
        async with engine.memory_limited(limit, recycling.memory_interval):
            await self._speak(engine, job)

    async def _speak(self, engine: EngineProcess, job: SegmentJob) -> None:
        failure_policy, metrics = self._context.failure_policy, self._context.metrics
        begin = time.monotonic()
        metrics.queue_wait.observe(begin - job.queued_at)
        job.attempts += 1
        try:
            rest = await engine.speak(job.request, job.add, job.cancelled)
        except VoiceError as err:
            failure = load_failure(err)
            failure_policy.load_failed(job.voice, failure, permanent=True)
            self._log_load_failure(job.voice.name, failure)
            job.fail(failure_policy.unavailable_error(job.voice))
        except SynthesisError as err:
            failure_policy.rejected(job)
            params = {"worker": self.name, "characters": job.characters, "reason": str(err)}
            self._context.log.warning(Event("segment-failed", **params))
            job.fail(err)
        except EngineFailedError as err:
            outcome = failure_policy.worker_failed(job, err, self._context.jobs)
            segment = {"characters": job.characters, "outcome": outcome, "sample": job.samples}
            detail = {**err.failure.detail, "segment": segment}
            raise EngineFailedError(replace(err.failure, detail=detail), charged=True) from None
        except BaseException:  # the server stops, or a bug: the request must not wait for ever
            job.fail(ShuttingDownError("the segment was cut off; ask again"))
            raise
        else:
            job.finish(rest)
            failure_policy.succeeded(job)
            self._history = RestartHistory()
            self._segments += bool(job.characters)  # else it only loaded a voice
            metrics.segment_time.observe(time.monotonic() - begin)

    async def _check_recycling(self, engine: EngineProcess) -> None:
        recycling = self._context.recycling
        memory = await engine.measure_memory()
        if not self.due_for_recycling and recycling.is_due(self._segments, memory):
            params = {"worker": self.name, "segments": self._segments, "megabytes": memory >> 20}
            _LOGGER.info(Event("worker-recycled", **params))
            self.recycle()

    async def _back_off(self, error: EngineFailedError) -> None:
        """Wait as long as the restart policy says, or until `restart_now`."""
        decider, now = self._context.decider, time.monotonic()
        ready = self._ready_since
        if ready is not None and now - ready >= decider.policy.okay_delay:
            self._history = RestartHistory()
        if error.charged:
            verdict = decider.excused(self._history)
        else:
            permanent = error.permanent and ready is None
            verdict = decider.failed(self._history, now, permanent=permanent)
        self._history = verdict.history
        params = {"worker": self.name, "failure": error.failure, "delay": verdict.delay}
        if verdict.fatal:
            _LOGGER.error(Event("worker-fatal", **params))
        else:
            _LOGGER.warning(Event("worker-failed", **params))
        if self.is_retired:
            return
        self._set_state(WorkerState.FATAL if verdict.fatal else WorkerState.BACKOFF)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(verdict.delay):
                await self._restart.wait()

    def _log_load_failure(self, voice: str, failure: Failure) -> None:
        reason = failure.detail["error"]
        _LOGGER.error(Event("voice-load-failed", worker=self.name, voice=voice, reason=reason))

    def _set_state(self, state: WorkerState) -> None:
        self.state = state
        self._on_change(self)
