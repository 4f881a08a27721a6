"""One life of one engine process, from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, async_write_event
from wyoming.ping import Ping, Pong

from ..engine.cost import MAX_PIECE_SECONDS
from ..engine.messages import (
    AUDIO_STOP,
    BYTES_PER_SAMPLE,
    CANCEL,
    EXIT_CANNOT_START,
    LOADED,
    LOADING,
    READY,
    SegmentRequest,
    VoiceVersion,
)
from ..errors import ProtocolError, SynthesisError, VoiceError
from ..reporting.issues import Failure, FailureKind, Stage
from ..system.aio import Watchdog, cancel_and_wait
from ..system.framing import Limits, read_event
from .child import Child
from .command import EngineCommand
from .errors import EngineFailedError

_LIMITS = Limits(data=64 * 1024, payload=1024 * 1024)
_MAX_RATE = 192_000  # hertz
_MAX_REASON = 500  # characters

OnUnloadable = Callable[[VoiceVersion, Failure], None]
"""Gets a voice that does not load, or not as it should, and why."""


class EngineProcess:
    """The dialogue with an engine. Use through `running`; one request at a time."""

    def __init__(self, child: Child, command: EngineCommand, on_degraded: OnUnloadable) -> None:
        self.pid = child.pid
        self.unloadable: dict[VoiceVersion, Failure] = {}
        """Voices that did not load at the start."""
        self._child = child
        self._command = command
        self._on_degraded = on_degraded
        self._request_id = 0
        self._degraded: set[VoiceVersion] = set()
        self._loading: VoiceVersion | None = None
        self._stage = Stage.STARTING

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
            yield cls(child, command, on_degraded)

    @property
    def stage(self) -> Stage:
        """The stage that it is in."""
        return self._stage if self._loading is None else Stage.LOADING

    @property
    def memory(self) -> int:
        """Resident bytes when they were last measured."""
        return self._child.memory

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
                        self._begin_loading(event)
                    elif event.type == LOADED:
                        self._end_loading(event)
                    elif Error.is_type(event.type) and self._loading is not None:
                        self.unloadable[self._loading] = load_failure(_reason(event))
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
            raise self._hung(timeout, Stage.STARTING) from None
        self._stage = Stage.IDLE

    async def speak(
        self, request: SegmentRequest, on_audio: Callable[[bytes], None], cancelled: asyncio.Event
    ) -> int | None:
        """Have one segment, or a piece of it, spoken; return the phrase to continue from, if any.

        `on_audio` gets the PCM as it is made. Progress is the heartbeat: a voice that streams must
        send something every `stall_timeout`, one that cannot every `synthesis_timeout`. When
        `cancelled` is set the engine is asked to stop and what it still sends is discarded.

        Raises:
            VoiceError: the engine lives but cannot load the voice.
            SynthesisError: the engine lives but cannot speak this segment.
            EngineFailedError: the engine must be replaced.
        """
        self._request_id += 1
        self._stage = Stage.SPEAKING
        await self._write(request.event(self._request_id))
        canceller = asyncio.create_task(self._cancel_when(cancelled, self._request_id))
        streams = request.schedule is not None and request.model not in self._degraded
        timeout = self._command.stall_timeout if streams else self._command.synthesis_timeout
        try:
            async with Watchdog(timeout) as watchdog:
                rest = await self._receive(on_audio, cancelled, watchdog, timeout)
            self._stage = Stage.IDLE
        except (SynthesisError, VoiceError):
            self._stage = Stage.IDLE
            raise
        except TimeoutError:
            if self._loading is not None:
                timeout = self._command.start_timeout
            raise self._hung(timeout, self.stage) from None
        finally:
            await cancel_and_wait(canceller)
        if rest is not None and rest <= request.from_phrase:
            raise self._broken("unexpected-event", event=AUDIO_STOP)
        return rest

    async def ping(self) -> None:
        """Check an idle engine.

        Raises:
            EngineFailedError: no answer within `stall_timeout`.
        """
        timeout = self._command.stall_timeout
        try:
            async with Watchdog(timeout):
                await self._write(Ping(text=str(self.pid)).event())
                event = await self._read()
        except TimeoutError:
            raise self._hung(timeout, Stage.IDLE) from None
        if not Pong.is_type(event.type):
            raise self._unexpected(event)

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
        return self._child.memory_limited(limit, interval, Stage.SPEAKING)

    async def _receive(
        self,
        on_audio: Callable[[bytes], None],
        cancelled: asyncio.Event,
        watchdog: Watchdog,
        limit: float,
    ) -> int | None:
        size, most = 0, 0
        while not AudioStop.is_type((event := await self._read()).type):
            if AudioChunk.is_type(event.type) and event.payload:
                size += len(event.payload)
                if size > most or len(event.payload) % 2:
                    raise self._broken("impossible-audio", bytes=size)
                if not cancelled.is_set():
                    on_audio(event.payload)
                watchdog.restart(limit)
            elif Error.is_type(event.type):
                raise self._rejected(event)
            elif event.type == LOADING:
                self._begin_loading(event)
                watchdog.restart(self._command.start_timeout)
            elif event.type == LOADED:
                self._end_loading(event)
                watchdog.restart(limit)
            elif AudioStart.is_type(event.type):
                most = _most_bytes(event)
            else:
                raise self._unexpected(event)
        rest = event.data.get("rest")
        return rest if isinstance(rest, int) else None

    def _begin_loading(self, event: Event) -> None:
        self._loading = VoiceVersion(Path(str(event.data.get("model"))))

    def _end_loading(self, event: Event) -> None:
        voice, self._loading = self._loading, None
        if voice is not None and (reason := event.data.get("degraded")):
            self._degraded.add(voice)
            self._on_degraded(voice, load_failure(str(reason)[:_MAX_REASON], variant="parts"))

    def _rejected(self, event: Event) -> SynthesisError | VoiceError:
        loading, self._loading = self._loading, None
        text = _reason(event)
        return SynthesisError(text) if loading is None else VoiceError(text)

    async def _cancel_when(self, cancelled: asyncio.Event, request_id: int) -> None:
        await cancelled.wait()
        with contextlib.suppress(EngineFailedError):
            await self._write(Event(CANCEL, {"id": request_id}))

    async def _read(self) -> Event:
        try:
            event = await read_event(self._child.stdout, _LIMITS)
        except ProtocolError as err:
            raise self._broken("invalid-frame", error=str(err)) from None
        except OSError as err:
            raise self._broken("unreadable", error=err.strerror) from None
        if event is None:
            raise await self._pipe_closed()
        return event

    async def _write(self, event: Event) -> None:
        try:
            await async_write_event(event, self._child.stdin)
        except (ConnectionError, RuntimeError):
            raise await self._pipe_closed() from None

    async def _pipe_closed(self) -> EngineFailedError:
        # A closed pipe comes with the end of the process, or it is a failure by itself.
        await self._wait_briefly()
        if self._child.exit_code is None:
            return self._broken("pipe-closed")
        return await self.ended()

    async def _has_given_up(self) -> bool:
        await self._wait_briefly()
        return self._child.exit_code == EXIT_CANNOT_START

    async def _wait_briefly(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._command.kill_delay):
                await self._child.wait()

    def _failed(self, failure: Failure, *, permanent: bool = False) -> EngineFailedError:
        return EngineFailedError(failure, permanent=permanent, loading=self._loading)

    def _hung(self, seconds: float, at: Stage) -> EngineFailedError:
        return self._failed(Failure(FailureKind.HUNG, at, {"seconds": seconds}))

    def _broken(self, variant: str, **detail: Any) -> EngineFailedError:
        detail = {"variant": variant, **detail}
        return self._failed(Failure(FailureKind.PROTOCOL, self.stage, detail))

    def _unexpected(self, event: Event) -> EngineFailedError:
        return self._broken("unexpected-event", event=event.type[:40])


def _most_bytes(start: Event) -> int:
    """Return the bytes that a piece may have at the rate that the engine announces."""
    rate = start.data.get("rate")
    if not isinstance(rate, int) or not 0 < rate <= _MAX_RATE:
        return 0
    return int(MAX_PIECE_SECONDS * rate) * BYTES_PER_SAMPLE


def _reason(error: Event) -> str:
    return str(error.data.get("text", "the engine gave no reason"))[:_MAX_REASON]


def load_failure(error: object, **detail: str) -> Failure:
    """Return the failure of a voice that does not load."""
    return Failure(FailureKind.LOAD, Stage.LOADING, {"error": str(error), **detail})
