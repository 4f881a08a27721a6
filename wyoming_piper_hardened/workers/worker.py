"""A worker keeps one engine process alive and has it compute what it is given."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum

from ..processes.command import EngineCommand
from ..processes.engine_process import EngineProcess
from ..processes.errors import EngineFailedError
from ..processes.restart import RestartDecider, RestartHistory
from ..reporting.events import Event
from ..reporting.issues import Failure, FailureKind, Stage
from ..system.aio import cancel_and_wait
from .dispatch.segment_job import SegmentJob
from .engine_session import EngineSession, SessionContext, log_load_failure
from .recycling import RecyclePolicy

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

    `command` is called at every start. Memory is measured in `watching`: whatever else is slow must
    not hold up speech.
    """

    command: Callable[[], EngineCommand]
    sessions: SessionContext
    decider: RestartDecider
    recycling: RecyclePolicy
    watching: Executor


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
        self.session: EngineSession | None = None
        """While its engine serves."""
        self._last_failure_at: float | None = None
        self._engine: EngineProcess | None = None
        self._segments = 0
        self._context = context
        self._on_change = on_change
        self._retired = asyncio.Event()
        self._spoken = asyncio.Event()
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
        """Return whether it ends after the chunks under way."""
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
                    self._context.sessions.metrics.restarts.labels(error.failure.kind).inc()
                    await self._back_off(error)
        finally:
            self._set_state(WorkerState.EXITED)

    def retire(self) -> None:
        """End after the chunks under way; the segments that are open go on elsewhere."""
        self._retired.set()
        self._restart.set()
        if self.session is not None:
            self.session.retire()

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
                context.command(), context.sessions.failure_policy.on_unloadable, context.watching
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
        failure_policy = self._context.sessions.failure_policy
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
                log_load_failure(self.name, voice.name, failure)
                failure_policy.load_failed(voice, failure, permanent=True)
        self._ready_since = time.monotonic()
        await engine.measure_memory()
        seconds = self._ready_since - begin
        _LOGGER.info(Event("worker-ready", worker=self.name, pid=engine.pid, seconds=seconds))
        self._set_state(WorkerState.RUNNING)

    async def _serve(self, engine: EngineProcess) -> None:
        """Have chunks computed until the engine fails or the worker is retired."""
        recycling = self._context.recycling
        limit = recycling.kill_factor * recycling.memory_limit
        session = EngineSession(self.name, engine, self._context.sessions, self._note_spoken)
        watching = asyncio.create_task(self._watch_recycling(engine))
        self.session = session
        if self.is_retired:
            session.retire()
        try:
            async with engine.memory_limited(limit, recycling.memory_interval):
                await session.serve()
        finally:
            self.session = None
            await cancel_and_wait(watching)

    def _note_spoken(self, job: SegmentJob) -> None:
        self._history = RestartHistory()
        self._segments += bool(job.characters)  # else it only loaded a voice
        self._spoken.set()

    async def _watch_recycling(self, engine: EngineProcess) -> None:
        """Look after each segment whether the process is to be replaced."""
        recycling = self._context.recycling
        while True:
            await self._spoken.wait()
            self._spoken.clear()
            memory = await engine.measure_memory()
            if not self.due_for_recycling and recycling.is_due(self._segments, memory):
                segments, megabytes = self._segments, memory // 10**6
                params = {"worker": self.name, "segments": segments, "megabytes": megabytes}
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

    def _set_state(self, state: WorkerState) -> None:
        self.state = state
        self._on_change(self)
