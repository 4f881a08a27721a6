"""Phonemes of texts: one small process, started when it is asked and ended when it is idle."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from wyoming.error import Error
from wyoming.event import Event, async_write_event

from ..engine.messages import MAX_REASON, PHONEMES, READY, PhonemesRequest
from ..errors import (
    EventCutShortError,
    OverloadedError,
    PhonemesError,
    PhonemizerError,
    ProtocolError,
    ShuttingDownError,
)
from ..reporting import events
from ..reporting.issues import Failure, FailureKind, Stage
from ..system.aio import Watchdog
from ..system.framing import Limits, read_event
from .child import Child
from .errors import EngineFailedError
from .restart import RestartDecider, RestartHistory

_LOGGER = logging.getLogger(__name__)

_ANSWER = Limits(data=1024 * 1024, payload=0)
_QUEUE = 8
_MEMORY = 1 << 30
_MEMORY_INTERVAL = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PhonemizerTimings:
    """Limits of its process, in seconds."""

    start: float = 60.0
    text: float = 10.0
    idle: float = 60.0
    """Without a request for so long, the process ends and gives its memory back."""


Answer = list[tuple[str, ...]]
"""For each text the phonemes of its sentences."""


@dataclass(frozen=True, slots=True)
class _Task:
    requests: Sequence[PhonemesRequest]
    answer: asyncio.Future[Answer]


class Phonemizer:
    """Makes phonemes without a model, one caller after the other. Works while `run` does.

    Args:
        timings: limits of its process.
        restart: when a process that failed is started again.
        arguments: another command, for tests.
    """

    def __init__(
        self,
        timings: PhonemizerTimings | None = None,
        restart: RestartDecider | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        module = "wyoming_piper_hardened.engine.phonemizer"
        parent = ("--parent", str(os.getpid()))
        self._arguments = arguments or (sys.executable, "-m", module, *parent)
        self._timings = timings or PhonemizerTimings()
        self._restart = restart or RestartDecider()
        self._history = RestartHistory()
        self._not_before = 0.0
        self._tasks: asyncio.Queue[_Task] = asyncio.Queue(_QUEUE)

    async def phonemize(self, requests: Sequence[PhonemesRequest]) -> Answer:
        """Return for each text the phonemes of its sentences.

        Raises:
            PhonemesError: a text's language has no phonemizer here, or that fails.
            PhonemizerError: the process failed, or did a moment ago.
            OverloadedError: too many ask at once.
        """
        if time.monotonic() < self._not_before:
            raise PhonemizerError("what makes phonemes failed a moment ago; try again later")
        task = _Task(requests, asyncio.get_running_loop().create_future())
        try:
            self._tasks.put_nowait(task)
        except asyncio.QueueFull:
            raise OverloadedError("too many ask for phonemes at once; try again later") from None
        return await task.answer

    async def run(self) -> None:
        """Answer until cancelled; a process exists only while it is needed."""
        try:
            while True:
                await self._run_process(await self._tasks.get())
        finally:
            while not self._tasks.empty():
                _fail(self._tasks.get_nowait(), ShuttingDownError("the server stops"))

    async def _run_process(self, first: _Task) -> None:
        """Answer in one process until it is idle, or fails."""
        task: _Task | None = first
        try:
            async with (
                Child.running(self._arguments, pipes=True) as child,
                child.memory_limited(_MEMORY, _MEMORY_INTERVAL, lambda: Stage.SPEAKING),
            ):
                await self._ready(child)
                while task is not None:
                    await self._answer(child, task)
                    self._history = RestartHistory()
                    task = await self._next()
        except EngineFailedError as err:
            verdict = self._restart.failed(self._history, now := time.monotonic())
            self._history, self._not_before = verdict.history, now + verdict.delay
            _LOGGER.warning(
                events.Event("phonemizer-failed", failure=err.failure, delay=verdict.delay)
            )
            if task is not None:
                _fail(task, PhonemizerError(f"what makes phonemes {err}; try again later"))
        finally:
            if task is not None:
                _fail(task, ShuttingDownError("the server stops"))

    async def _next(self) -> _Task | None:
        try:
            async with asyncio.timeout(self._timings.idle):
                return await self._tasks.get()
        except TimeoutError:
            return None

    async def _ready(self, child: Child) -> None:
        event = await self._read(child, self._timings.start, Stage.STARTING)
        if event.type != READY:
            raise _unexpected(event)

    async def _answer(self, child: Child, task: _Task) -> None:
        answers: Answer = []
        for request in task.requests:
            if task.answer.done():  # its caller has left
                return
            try:
                await async_write_event(request.event(), child.stdin)
            except (ConnectionError, RuntimeError):
                raise EngineFailedError(await child.failure(Stage.SPEAKING)) from None
            event = await self._read(child, self._timings.text, Stage.SPEAKING)
            if Error.is_type(event.type):
                text = str(event.data.get("text", "no reason is given"))[:MAX_REASON]
                _fail(task, PhonemesError(text))
                return
            if event.type != PHONEMES or not isinstance(event.data.get("phonemes"), list):
                raise _unexpected(event)
            answers.append(tuple(map(str, event.data["phonemes"])))
        if not task.answer.done():
            task.answer.set_result(answers)

    async def _read(self, child: Child, limit: float, at: Stage) -> Event:
        try:
            async with Watchdog(limit):
                with contextlib.suppress(EventCutShortError):
                    if (event := await read_event(child.stdout, _ANSWER)) is not None:
                        return event
                raise EngineFailedError(await child.failure(at))
        except TimeoutError:
            raise EngineFailedError(Failure(FailureKind.HUNG, at, {"seconds": limit})) from None
        except ProtocolError as err:
            detail = {"variant": "invalid-frame", "error": str(err)}
            raise EngineFailedError(Failure(FailureKind.PROTOCOL, at, detail)) from None


def _fail(task: _Task, error: Exception) -> None:
    if not task.answer.done():
        task.answer.set_exception(error)


def _unexpected(event: Event) -> EngineFailedError:
    detail = {"variant": "unexpected-event", "event": event.type[:40]}
    return EngineFailedError(Failure(FailureKind.PROTOCOL, Stage.SPEAKING, detail))
