"""A worker keeps one engine process alive and has it speak one job after the other."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from enum import StrEnum

from ..errors import (
    EngineFailedError,
    ShuttingDownError,
    SynthesisError,
    SynthesisTimeoutError,
    WorkerDiedError,
)
from ..restart import RestartDecider, RestartHistory
from .job import MAX_ATTEMPTS, Job, JobQueue
from .process import EngineCommand, EngineProcess

_LOGGER = logging.getLogger(__name__)
_PING_INTERVAL = 30.0
_PING_TIMEOUT = 10.0


class WorkerState(StrEnum):
    """Where a worker stands."""

    STARTING = "starting"
    RUNNING = "running"
    BACKOFF = "backoff"
    STOPPING = "stopping"
    EXITED = "exited"
    FATAL = "fatal"


class Worker:
    """Supervises one engine process; `run` until cancelled.

    Args:
        name: for the log and for `status`.
        command: how to start the engine.
        jobs: where work comes from; shared by all workers.
        decider: when to start again after a failure.
        on_state: called after every change of `state`.
    """

    def __init__(
        self,
        name: str,
        command: EngineCommand,
        jobs: JobQueue,
        decider: RestartDecider,
        on_state: Callable[[], None],
    ) -> None:
        self.name = name
        self.state = WorkerState.EXITED
        self.pid: int | None = None
        self.restarts = 0
        self.last_failure: str | None = None
        self._command = command
        self._jobs = jobs
        self._decider = decider
        self._on_state = on_state
        self._history = RestartHistory()
        self._ready_since: float | None = None

    async def run(self) -> None:
        """Keep an engine process alive until cancelled; then stop it."""
        try:
            while True:
                failure = await self._live()
                self.restarts += 1
                self.last_failure = str(failure)
                await self._pause(failure)
        finally:
            self._enter(WorkerState.EXITED)

    async def _live(self) -> EngineFailedError:
        """One life of an engine process; returns why it ended."""
        self._enter(WorkerState.STARTING)
        self._ready_since = None
        started = time.monotonic()
        try:
            async with EngineProcess.running(self._command) as engine:
                self.pid = engine.pid
                try:
                    await engine.wait_ready()
                    self._ready_since = time.monotonic()
                    _LOGGER.info(
                        "worker %s is ready (pid %d, %.1f s)",
                        self.name,
                        engine.pid,
                        self._ready_since - started,
                    )
                    self._enter(WorkerState.RUNNING)
                    await self._serve(engine)
                finally:
                    self._enter(WorkerState.STOPPING)
        except EngineFailedError as failure:
            return failure
        except Exception:
            _LOGGER.exception("worker %s: unexpected error; please report this", self.name)
            return EngineFailedError("met an unexpected error of the server")
        finally:
            self.pid = None
        raise AssertionError("an engine is served until it fails")

    async def _serve(self, engine: EngineProcess) -> None:
        """Give jobs to the engine until it fails."""
        gone = asyncio.create_task(engine.wait())
        try:
            while True:
                if (job := await self._next_job(gone)) is None:
                    await engine.ping(_PING_TIMEOUT)
                else:
                    await self._speak(engine, job, gone)
                if gone.done():
                    raise engine.exited()
        finally:
            gone.cancel()

    async def _next_job(self, gone: asyncio.Task[int]) -> Job | None:
        """The next job; ``None`` after a while without one, or when the process is gone."""
        if gone.done():
            return None
        get = asyncio.create_task(self._jobs.get())
        try:
            await asyncio.wait(
                {get, gone}, timeout=_PING_INTERVAL, return_when=asyncio.FIRST_COMPLETED
            )
            return get.result() if get.done() else None
        finally:
            get.cancel()

    async def _speak(self, engine: EngineProcess, job: Job, gone: asyncio.Task[int]) -> None:
        if gone.done():
            self._jobs.put(job)
            return
        job.attempts += 1
        try:
            await engine.speak(job.request, job.add, job.cancelled)
        except SynthesisError as err:
            _LOGGER.warning(
                "worker %s cannot speak a segment of %d characters: %s",
                self.name,
                job.characters,
                err,
            )
            job.fail(err)
        except EngineFailedError as failure:
            raise self._give_back(job, failure) from None
        except BaseException:  # the server stops, or a bug: whoever waits must not wait for ever
            job.fail(ShuttingDownError("the segment was cut off; ask again"))
            raise
        else:
            job.finish()
            self._history = RestartHistory()

    def _give_back(self, job: Job, failure: EngineFailedError) -> EngineFailedError:
        """Have the segment spoken again, or give it up; returns the failure with that told."""
        told = f"{failure}, while it spoke a segment of {job.characters} characters"
        if job.cancelled.is_set():
            told += " that nobody waited for any more"
        elif job.attempts < MAX_ATTEMPTS:
            told += f"; the segment goes on from sample {job.samples}"
            self._jobs.put(job)
        else:
            told += "; it failed on that segment before, so the segment is given up"
            kind = SynthesisTimeoutError if failure.timed_out else WorkerDiedError
            job.fail(kind(f"the engine failed {job.attempts} times on this text: {failure}"))
        return EngineFailedError(told, permanent=failure.permanent, timed_out=failure.timed_out)

    async def _pause(self, failure: EngineFailedError) -> None:
        now = time.monotonic()
        okay_delay = self._decider.policy.okay_delay
        if self._ready_since is not None and now - self._ready_since >= okay_delay:
            self._history = RestartHistory()
        verdict = self._decider.failed(self._history, now, permanent=failure.permanent)
        self._history = verdict.history
        if verdict.fatal:
            _LOGGER.error(
                "worker %s: %s. It will be tried again in %.0f s; mend the voice or its "
                "configuration and restart the server to have it sooner",
                self.name,
                failure,
                verdict.delay,
            )
        else:
            _LOGGER.warning(
                "worker %s: %s. A new process starts in %.1f s", self.name, failure, verdict.delay
            )
        self._enter(WorkerState.FATAL if verdict.fatal else WorkerState.BACKOFF)
        await asyncio.sleep(verdict.delay)

    def _enter(self, state: WorkerState) -> None:
        self.state = state
        self._on_state()
