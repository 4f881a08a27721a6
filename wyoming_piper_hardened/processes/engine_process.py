"""One life of one engine process, from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import io
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, write_event
from wyoming.ping import Ping, Pong

from ..engine.messages import (
    CANCEL,
    COMPUTED,
    EXIT_CANNOT_START,
    LOADED,
    LOADING,
    READY,
    SegmentRequest,
    VoiceVersion,
    credit_event,
)
from ..errors import EventCutShortError, ProtocolError, SynthesisError, VoiceError
from ..reporting.issues import Failure, FailureKind, Stage
from ..system.aio import RunningTime, Watchdog, cancel_and_wait
from ..system.framing import Limits, read_event
from .answers import Answer, Audio, Computed, Ended, OpenSegment, Rejected
from .child import Child
from .command import EngineCommand
from .diagnosis import hung_failure, load_failure
from .errors import EngineFailedError
from .heartbeat import Heartbeat, PingDue

_LIMITS = Limits(data=64 * 1024, payload=1024 * 1024)
_MAX_REASON = 500  # characters
_LOOK = 0.5  # seconds between two looks at what makes no progress

OnUnloadable = Callable[[VoiceVersion, Failure], None]
"""Gets a voice that does not load, or not as it should, and why."""


class EngineProcess:
    """The dialogue with an engine, which has any number of segments open. Use through `running`."""

    def __init__(self, child: Child, command: EngineCommand, on_degraded: OnUnloadable) -> None:
        self.pid = child.pid
        self.unloadable: dict[VoiceVersion, Failure] = {}
        """Voices that did not load at the start."""
        self._child = child
        self._command = command
        self._on_degraded = on_degraded
        self._segments: dict[int, OpenSegment] = {}
        self._opened = 0
        self._degraded: set[VoiceVersion] = set()
        self._ready = False
        self._loading: tuple[OpenSegment | None, VoiceVersion] | None = None
        self._hung: Sequence[OpenSegment] = ()
        shortest = min(command.stall_timeout, command.synthesis_timeout)
        self._heartbeat = Heartbeat(command.stall_timeout, min(_LOOK, shortest / 4))

    @classmethod
    @contextlib.asynccontextmanager
    async def running(
        cls,
        command: EngineCommand,
        on_degraded: OnUnloadable = lambda _voice, _failure: None,
        watching: Executor | None = None,
    ) -> AsyncIterator[EngineProcess]:
        """Start an engine; on leaving, however that happens, it is gone.

        Args:
            command: how to start it.
            on_degraded: gets a voice whose parts do not work though it speaks.
            watching: where its memory is measured; ``None`` for asyncio's own threads.

        Raises:
            EngineFailedError: the process cannot be started at all.
        """
        async with Child.running(
            command.arguments, pipes=True, kill_delay=command.kill_delay, watching=watching
        ) as child:
            engine = cls(child, command, on_degraded)
            watch = asyncio.create_task(engine._watch())
            try:
                yield engine
            finally:
                await cancel_and_wait(watch)

    @property
    def stage(self) -> Stage:
        """The stage that it is in."""
        if self._loading is not None:
            return Stage.LOADING
        if not self._ready:
            return Stage.STARTING
        return Stage.SPEAKING if self.computing else Stage.IDLE

    @property
    def memory(self) -> int:
        """Resident bytes when they were last measured."""
        return self._child.memory

    @property
    def computing(self) -> int:
        """Chunks that it has been told to compute and has not answered."""
        return sum(segment.computing for segment in self._segments.values())

    @property
    def suspects(self) -> Sequence[OpenSegment]:
        """The segments over one of which it failed: those that it was computing.

        While it loads a voice, that of which it is; and if it made no progress with some of them
        while it did with others, those.
        """
        if self._hung:
            return self._hung
        if self._loading is not None and self._loading[0] is not None:
            return [self._loading[0]]
        return [segment for segment in self._segments.values() if segment.computing]

    async def wait_ready(self) -> None:
        """Wait until the first voices are loaded.

        Raises:
            EngineFailedError: it ended, sent something else or took too long.
        """
        timeout = self._command.start_timeout
        try:
            async with Watchdog(timeout):
                while (event := await self._read()).type != READY:
                    if event.type == LOADING:
                        self._begin_loading(event, None)
                    elif event.type == LOADED:
                        self._end_loading(event)
                    elif Error.is_type(event.type) and self._loading is not None:
                        self.unloadable[self._loading[1]] = load_failure(_reason(event))
                        self._loading = None
                    elif Error.is_type(event.type):
                        raise EngineFailedError(
                            Failure(
                                FailureKind.START,
                                Stage.STARTING,
                                {"error": _reason(event)},
                            ),
                            permanent=await self._has_given_up(),
                        )
                    else:
                        raise self._unexpected(event)
        except TimeoutError:
            raise self._failed(hung_failure(timeout, Stage.STARTING)) from None
        self._ready = True
        self._heartbeat.heard()

    def open(self, request: SegmentRequest) -> OpenSegment:
        """Return a new segment; the engine hears of it when it is told to compute."""
        self._opened += 1
        return OpenSegment(self._opened, request)

    def compute(self, segment: OpenSegment) -> None:
        """Tell it to compute one more chunk of a segment."""
        if not self.computing:
            self._heartbeat.heard()
        if not segment.computing:
            segment.quiet = 0.0
        segment.computing += 1
        if segment.id in self._segments:
            self._write(credit_event(segment.id, 1))
        else:
            self._segments[segment.id] = segment
            self._write(segment.request.event(segment.id, 1))

    def cancel(self, segment: OpenSegment) -> None:
        """Have a segment closed; what is being computed is finished first."""
        if segment.id in self._segments and not segment.cancelled:
            segment.cancelled = True
            self._write(Event(CANCEL, {"id": segment.id}))

    async def answers(self) -> AsyncGenerator[Answer, None]:
        """Yield what it answers, as it comes, without end.

        Progress is the heartbeat: of each segment that is computed a voice that streams must send
        something every `stall_timeout`, one that cannot every `synthesis_timeout`. An idle engine
        must answer a ping every `stall_timeout`.

        Raises:
            EngineFailedError: the engine must be replaced; see `suspects`.
        """
        while True:
            event = await self._read()
            self._heartbeat.heard()
            if Pong.is_type(event.type) and self._heartbeat.answered():
                continue
            if (answer := self._answer(event)) is not None:
                yield answer

    async def wait(self) -> int:
        """Wait for the end of the process and return its exit code."""
        return await self._child.wait()

    async def ended(self) -> EngineFailedError:
        """Return the error for the process, which has ended."""
        failure = await self._child.failure(self.stage)
        return self._failed(failure, permanent=self._child.exit_code == EXIT_CANNOT_START)

    async def measure_memory(self) -> int:
        """Return its resident bytes."""
        return await self._child.measure_memory()

    def memory_limited(self, limit: int, interval: float) -> AbstractAsyncContextManager[None]:
        """Return a context within which it is killed beyond `limit` bytes; see `Child`."""
        return self._child.memory_limited(limit, interval, lambda: self.stage)

    def _answer(self, event: Event) -> Answer | None:
        """Take an event of a segment that it was told to compute; any other is a failure."""
        number = event.data.get("id")
        segment = self._segments.get(number) if isinstance(number, int) else None
        if segment is None or not (segment.computing or segment.cancelled):
            raise self._unexpected(event)
        self._heartbeat.heard(segment)
        if AudioChunk.is_type(event.type) and event.payload:
            if not segment.count(len(event.payload)):
                raise self._broken("impossible-audio", bytes=segment.size)
            return Audio(segment, event.payload)
        if event.type == COMPUTED and segment.computing:
            return self._computed(segment, event)
        if AudioStop.is_type(event.type):
            return self._ended(segment, event)
        if Error.is_type(event.type):
            return self._rejected(segment, event)
        if event.type == LOADING and self._loading is None:
            self._begin_loading(event, segment)
        elif event.type == LOADED and self._loading is not None and self._loading[0] is segment:
            self._end_loading(event)
        elif not (AudioStart.is_type(event.type) and segment.begin(event.data.get("rate"))):
            raise self._unexpected(event)
        return None

    def _computed(self, segment: OpenSegment, event: Event) -> Computed:
        left = event.data.get("left")
        if not isinstance(left, int) or left < 1:
            raise self._unexpected(event)
        segment.computing -= 1
        return Computed(segment, left)

    def _ended(self, segment: OpenSegment, event: Event) -> Ended:
        rest = event.data.get("rest")
        if rest is not None and not (isinstance(rest, int) and rest > segment.request.from_phrase):
            raise self._unexpected(event)
        self._segments.pop(segment.id).computing = 0
        return Ended(segment, rest)

    def _rejected(self, segment: OpenSegment, event: Event) -> Rejected:
        text = _reason(event)
        loads = self._loading is not None and self._loading[0] is segment
        if loads:
            self._loading = None
        self._segments.pop(segment.id).computing = 0
        return Rejected(segment, VoiceError(text) if loads else SynthesisError(text))

    def _begin_loading(self, event: Event, segment: OpenSegment | None) -> None:
        self._loading = segment, VoiceVersion(Path(str(event.data.get("model"))))

    def _end_loading(self, event: Event) -> None:
        loading, self._loading = self._loading, None
        if loading is not None and (reason := event.data.get("degraded")):
            self._degraded.add(loading[1])
            failure = load_failure(str(reason)[:_MAX_REASON], variant="parts")
            self._on_degraded(loading[1], failure)

    async def _watch(self) -> None:
        """Kill it when it makes no progress, however long the rest of the server stood still."""
        interval = self._heartbeat.margin
        ran = RunningTime(time.monotonic(), step=2 * interval)
        while self._child.exit_code is None:
            await asyncio.sleep(interval)
            if ran.look(time.monotonic()) or not self._ready:
                continue  # what came while the server stood still has not been read yet
            computing = [segment for segment in self._segments.values() if segment.computing]
            verdict = self._heartbeat.look(ran.seconds, computing, self._timeout)
            ran.reset(ran.last)
            if isinstance(verdict, PingDue):
                self._write(Ping(text=str(self.pid)).event())
            elif verdict is not None:
                self._hung = verdict.segments
                self._child.kill(hung_failure(verdict.seconds, self.stage))
                return

    def _timeout(self, segment: OpenSegment) -> float:
        request = segment.request
        if self._loading is not None and (self._loading[0] is segment or not segment.rate):
            return self._command.start_timeout  # it may wait for another one's voice
        streams = request.schedule is not None and request.model not in self._degraded
        return self._command.stall_timeout if streams else self._command.synthesis_timeout

    async def _read(self) -> Event:
        try:
            event = await read_event(self._child.stdout, _LIMITS)
        except EventCutShortError as err:
            raise await self._stream_ended("invalid-frame", error=str(err)) from None
        except ProtocolError as err:
            raise self._broken("invalid-frame", error=str(err)) from None
        except OSError as err:
            raise self._broken("unreadable", error=err.strerror) from None
        if event is None:
            raise await self._stream_ended("pipe-closed")
        return event

    def _write(self, event: Event) -> None:
        """Send an event, without waiting: there are as few as what it has open."""
        buffer = io.BytesIO()
        write_event(event, buffer)
        with contextlib.suppress(ConnectionError, RuntimeError):
            self._child.stdin.write(buffer.getvalue())

    async def _stream_ended(self, variant: str, **detail: str) -> EngineFailedError:
        # That comes with the end of the process, or it is a failure by itself.
        await self._wait_briefly()
        if self._child.exit_code is None:
            return self._broken(variant, **detail)
        return await self.ended()

    async def _has_given_up(self) -> bool:
        await self._wait_briefly()
        return self._child.exit_code == EXIT_CANNOT_START

    async def _wait_briefly(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._command.kill_delay):
                await self._child.wait()

    def _failed(self, failure: Failure, *, permanent: bool = False) -> EngineFailedError:
        loading = None if self._loading is None else self._loading[1]
        return EngineFailedError(failure, permanent=permanent, loading=loading)

    def _broken(self, variant: str, **detail: Any) -> EngineFailedError:
        detail = {"variant": variant, **detail}
        return self._failed(Failure(FailureKind.PROTOCOL, self.stage, detail))

    def _unexpected(self, event: Event) -> EngineFailedError:
        return self._broken("unexpected-event", event=event.type[:40])


def _reason(error: Event) -> str:
    return str(error.data.get("text", "the engine gave no reason"))[:_MAX_REASON]
