"""One life of one engine process, from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, async_write_event
from wyoming.ping import Ping, Pong

from ..aio import cancel_and_wait
from ..engine.messages import CANCEL, EXIT_CANNOT_START, LOADED, LOADING, READY, SegmentRequest
from ..errors import EngineFailedError, ProtocolError, SynthesisError, VoiceError
from ..system.framing import MAX_HEADER_BYTES, Limits, read_event
from .command import EngineCommand
from .diagnosis import explain_exit

_LOGGER = logging.getLogger(__name__)
_LIMITS = Limits(data=64 * 1024, payload=1024 * 1024)
_MAX_SEGMENT_BYTES = 32 * 1024 * 1024  # 500 characters at a quarter of the speed are 10 MiB
_LAST_WORDS = 20
_PASSING = {errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM}


class EngineProcess:
    """Use through `running`; one request at a time."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        command: EngineCommand,
        on_degraded: Callable[[str, str], None],
    ) -> None:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        self.pid = process.pid
        self.unloadable: dict[str, str] = {}
        """Models that did not load at the start, and why."""
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._errors = process.stderr
        self._command = command
        self._on_degraded = on_degraded
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS)
        self._request_id = 0
        self._whole: set[str] = set()
        self._loading: str | None = None
        self._sentence: EngineFailedError | None = None

    @staticmethod
    @contextlib.asynccontextmanager
    async def running(
        command: EngineCommand, on_degraded: Callable[[str, str], None] = lambda _model, _why: None
    ) -> AsyncIterator[EngineProcess]:
        """Start an engine; on leaving, however that happens, it is gone.

        `on_degraded` gets a model whose parts do not work though it speaks, and why.

        Raises:
            EngineFailedError: the process cannot be started at all.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *command.arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=MAX_HEADER_BYTES,
                process_group=0,
            )
        except OSError as err:
            raise EngineFailedError(
                f"cannot be started: {err.strerror}",
                kind="spawn",
                blamed=err.errno in _PASSING,  # the machine's trouble, and it will pass
            ) from None
        engine = EngineProcess(process, command, on_degraded)
        errors = asyncio.create_task(engine._collect_stderr())
        try:
            yield engine
        finally:
            await engine._stop()
            await errors

    async def wait_ready(self) -> None:
        """Wait until the first voices are loaded.

        Raises:
            EngineFailedError: it ended, said something else or took too long.
        """
        timeout = self._command.start_timeout
        try:
            async with asyncio.timeout(timeout):
                while (event := await self._read()).type != READY:
                    if event.type == LOADING:
                        self._loading = str(event.data.get("model"))
                    elif event.type == LOADED:
                        self._loaded(event)
                    elif Error.is_type(event.type) and self._loading is not None:
                        self.unloadable[self._loading] = str(event.data.get("text"))
                        self._loading = None
                    elif Error.is_type(event.type):
                        raise EngineFailedError(
                            f"could not start: {event.data.get('text')}",
                            kind="start",
                            permanent=await self._gave_up(),
                        )
                    else:
                        raise self._failed(
                            f"said {event.type[:40]!r} instead of being ready", "protocol"
                        )
        except TimeoutError:
            raise self._failed(f"was not ready after {timeout:g} s", "hung") from None

    async def speak(
        self, request: SegmentRequest, on_audio: Callable[[bytes], None], cancelled: asyncio.Event
    ) -> None:
        """Have one segment spoken; `on_audio` gets the PCM as it is made.

        Progress is the heartbeat: a voice that streams must send something every
        `stall_timeout`, one that cannot must have finished within `synthesis_timeout`. When
        `cancelled` is set the engine is told so and what it still sends is discarded.

        Raises:
            VoiceError: the engine lives but cannot load the voice.
            SynthesisError: the engine lives but cannot speak this segment.
            EngineFailedError: the engine must be replaced.
        """
        self._request_id += 1
        await self._write(request.event(self._request_id))
        teller = asyncio.create_task(self._tell_cancelled(cancelled, self._request_id))
        streams = request.schedule is not None and request.model not in self._whole
        patience = self._command.stall_timeout if streams else self._command.synthesis_timeout
        try:
            async with asyncio.timeout(patience) as deadline:
                await self._receive(on_audio, cancelled, deadline, patience if streams else None)
        except TimeoutError:
            if self._loading is not None:
                patience = self._command.start_timeout
            raise self._failed(f"made nothing for {patience:g} s", "hung") from None
        finally:
            await cancel_and_wait(teller)

    async def ping(self) -> None:
        """Check an idle engine.

        Raises:
            EngineFailedError: no answer within `stall_timeout`.
        """
        timeout = self._command.stall_timeout
        try:
            async with asyncio.timeout(timeout):
                await self._write(Ping(text=str(self.pid)).event())
                event = await self._read()
        except TimeoutError:
            raise self._failed(f"did not answer a ping in {timeout:g} s", "hung") from None
        if not Pong.is_type(event.type):
            raise self._failed(f"answered a ping with {event.type[:40]!r}", "protocol")

    def kill(self, reason: str, kind: str) -> None:
        """End the process at once; whoever waits for it gets that reason."""
        self._sentence = self._failed(reason, kind)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """Wait for the end of the process and return its exit code."""
        return await self._process.wait()

    def exited(self) -> EngineFailedError:
        """The error that describes why the ended process ended."""
        if self._sentence is not None:
            return self._sentence
        code = self._process.returncode
        assert code is not None
        reason = explain_exit(code)
        if self._last_words:
            reason += f"; its last words: {_essence(self._last_words)}"
        return self._failed(
            reason, "exit" if code >= 0 else "signal", permanent=code == EXIT_CANNOT_START
        )

    def _failed(self, reason: str, kind: str, *, permanent: bool = False) -> EngineFailedError:
        return EngineFailedError(reason, kind=kind, permanent=permanent, loading=self._loading)

    async def _receive(
        self,
        on_audio: Callable[[bytes], None],
        cancelled: asyncio.Event,
        deadline: asyncio.Timeout,
        stall_timeout: float | None,
    ) -> None:
        now = asyncio.get_running_loop().time
        size = 0
        while not AudioStop.is_type((event := await self._read()).type):
            if AudioChunk.is_type(event.type) and event.payload:
                size += len(event.payload)
                if size > _MAX_SEGMENT_BYTES or len(event.payload) % 2:
                    raise self._failed(f"sent impossible audio ({size} bytes)", "protocol")
                if not cancelled.is_set():
                    on_audio(event.payload)
                if stall_timeout is not None:
                    deadline.reschedule(now() + stall_timeout)
            elif Error.is_type(event.type):
                raise self._refused(event)
            elif event.type == LOADING:
                self._loading = str(event.data.get("model"))
                deadline.reschedule(now() + self._command.start_timeout)
            elif event.type == LOADED:
                self._loaded(event)
                deadline.reschedule(now() + (stall_timeout or self._command.synthesis_timeout))
            elif not AudioStart.is_type(event.type):
                raise self._failed(f"said {event.type[:40]!r} in mid-segment", "protocol")

    def _loaded(self, event: Event) -> None:
        model, self._loading = self._loading, None
        if model is not None and (reason := event.data.get("degraded")):
            self._whole.add(model)
            self._on_degraded(model, str(reason))

    def _refused(self, event: Event) -> SynthesisError | VoiceError:
        loading, self._loading = self._loading, None
        text = str(event.data.get("text", "the engine gave no reason"))
        return SynthesisError(text) if loading is None else VoiceError(text)

    async def _tell_cancelled(self, cancelled: asyncio.Event, request_id: int) -> None:
        await cancelled.wait()
        with contextlib.suppress(EngineFailedError):
            await self._write(Event(CANCEL, {"id": request_id}))

    async def _read(self) -> Event:
        try:
            event = await read_event(self._stdout, _LIMITS)
        except ProtocolError as err:
            raise self._failed(f"talked nonsense: {err}", "protocol") from None
        except OSError as err:
            raise self._failed(f"cannot be read: {err.strerror}", "protocol") from None
        if event is None:
            raise await self._ended()
        return event

    async def _write(self, event: Event) -> None:
        try:
            await async_write_event(event, self._stdin)
        except (ConnectionError, RuntimeError):
            raise await self._ended() from None

    async def _ended(self) -> EngineFailedError:
        # A closed pipe comes with the end of the process, or it is a failure by itself.
        try:
            async with asyncio.timeout(self._command.kill_delay):
                await self._process.wait()
        except TimeoutError:
            return self._failed("closed its pipe but went on", "protocol")
        return self.exited()

    async def _gave_up(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._command.kill_delay):
                return await self._process.wait() == EXIT_CANNOT_START
        return False

    async def _collect_stderr(self) -> None:
        partial = ""
        while data := await self._errors.read(4096):
            *lines, partial = (partial + data.decode(errors="replace")).split("\n")
            partial = partial[-1000:]
            said = [line.strip()[:300] for line in lines if line.strip()]
            self._last_words.extend(said)
            for line in said:
                _LOGGER.debug("engine %d: %s", self.pid, line)

    async def _stop(self) -> None:
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self._process.returncode is not None:
                break
            # The whole group: an engine has no children, but what it loads might.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, sign)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._command.kill_delay):
                    await self._process.wait()
        transport: Any = self._process
        transport._transport.close()  # noqa: SLF001 - the only way to let go of the pipes


def _essence(lines: Sequence[str]) -> str:
    """The line that tells most: a crash's first one, else the last."""
    return next((line for line in lines if line.startswith("Fatal Python error")), lines[-1])
