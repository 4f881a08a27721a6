"""One life of one engine process, from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, async_write_event
from wyoming.ping import Ping, Pong

from ..engine.messages import (
    CANCEL,
    EXIT_CANNOT_START,
    LOADED,
    LOADING,
    READY,
    SegmentRequest,
)
from ..errors import EngineFailedError, ProtocolError, SynthesisError
from ..framing import MAX_HEADER_BYTES, Limits, read_event
from .diagnosis import explain_exit

_LIMITS = Limits(data=64 * 1024, payload=1024 * 1024)
_MAX_SEGMENT_BYTES = 32 * 1024 * 1024  # 500 characters at a quarter of the speed are 10 MiB
_LAST_WORDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCommand:
    """How to start an engine and how long its steps may take, in seconds."""

    arguments: tuple[str, ...]
    start_timeout: float = 120.0
    synthesis_timeout: float = 30.0
    kill_delay: float = 2.0


def engine_command(
    models: list[str], threads: int, *, synthesis_timeout: float, log_level: str
) -> EngineCommand:
    """The command of the real engine with `models` loaded before it is ready."""
    voices = [argument for model in models for argument in ("--voice", model)]
    options = ["--threads", str(threads), "--parent", str(os.getpid()), "--log-level", log_level]
    module = "wyoming_piper_hardened.engine"
    return EngineCommand(
        arguments=(sys.executable, "-m", module, *voices, *options),
        synthesis_timeout=synthesis_timeout,
    )


class EngineProcess:
    """Use through `running`; one request at a time."""

    def __init__(self, process: asyncio.subprocess.Process, command: EngineCommand) -> None:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        self.pid = process.pid
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._errors = process.stderr
        self._command = command
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS)
        self._request_id = 0

    @staticmethod
    @contextlib.asynccontextmanager
    async def running(command: EngineCommand) -> AsyncIterator[EngineProcess]:
        """Start an engine; on leaving, however that happens, it is gone.

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
            raise EngineFailedError(f"cannot be started: {err.strerror}") from None
        engine = EngineProcess(process, command)
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
        try:
            async with asyncio.timeout(self._command.start_timeout):
                event = await self._read()
        except TimeoutError:
            raise EngineFailedError(
                f"was not ready after {self._command.start_timeout:g} s", timed_out=True
            ) from None
        if Error.is_type(event.type):
            raise EngineFailedError(
                f"could not start: {event.data.get('text')}", permanent=await self._gave_up()
            )
        if event.type != READY:
            raise EngineFailedError(f"said {event.type[:40]!r} instead of being ready")

    async def speak(
        self, request: SegmentRequest, on_audio: Callable[[bytes], None], cancelled: asyncio.Event
    ) -> None:
        """Have one segment spoken; `on_audio` gets the PCM as it is made.

        When `cancelled` is set the engine is told so and what it still sends is discarded.

        Raises:
            SynthesisError: the engine lives but cannot speak this segment.
            EngineFailedError: the engine must be replaced.
        """
        self._request_id += 1
        await self._write(request.event(self._request_id))
        teller = asyncio.create_task(self._tell_cancelled(cancelled, self._request_id))
        try:
            async with asyncio.timeout(self._command.synthesis_timeout) as deadline:
                await self._receive(on_audio, cancelled, deadline)
        except TimeoutError:
            raise EngineFailedError(
                f"made no whole segment within {self._command.synthesis_timeout:g} s",
                timed_out=True,
            ) from None
        finally:
            teller.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await teller

    async def ping(self, timeout: float) -> None:  # noqa: ASYNC109 - part of what ping means
        """Check an idle engine.

        Raises:
            EngineFailedError: no answer within `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._write(Ping(text=str(self.pid)).event())
                event = await self._read()
        except TimeoutError:
            raise EngineFailedError(f"did not answer a ping in {timeout:g} s") from None
        if not Pong.is_type(event.type):
            raise EngineFailedError(f"answered a ping with {event.type[:40]!r}")

    async def wait(self) -> int:
        """Wait for the end of the process and return its exit code."""
        return await self._process.wait()

    def exited(self) -> EngineFailedError:
        """The error that describes why the ended process ended."""
        code = self._process.returncode
        assert code is not None
        reason = explain_exit(code)
        if self._last_words:
            reason += f"; its last words: {self._last_words[-1]}"
        return EngineFailedError(reason, permanent=code == EXIT_CANNOT_START)

    async def _receive(
        self, on_audio: Callable[[bytes], None], cancelled: asyncio.Event, deadline: asyncio.Timeout
    ) -> None:
        loop = asyncio.get_running_loop()
        size = 0
        while not AudioStop.is_type((event := await self._read()).type):
            if AudioChunk.is_type(event.type) and event.payload:
                size += len(event.payload)
                if size > _MAX_SEGMENT_BYTES or len(event.payload) % 2:
                    raise EngineFailedError(f"sent impossible audio ({size} bytes)")
                if not cancelled.is_set():
                    on_audio(event.payload)
            elif Error.is_type(event.type):
                raise SynthesisError(str(event.data.get("text", "the engine gave no reason")))
            elif event.type == LOADING:
                deadline.reschedule(loop.time() + self._command.start_timeout)
            elif event.type == LOADED:
                deadline.reschedule(loop.time() + self._command.synthesis_timeout)
            elif not AudioStart.is_type(event.type):
                raise EngineFailedError(f"said {event.type[:40]!r} in the middle of a segment")

    async def _tell_cancelled(self, cancelled: asyncio.Event, request_id: int) -> None:
        await cancelled.wait()
        with contextlib.suppress(EngineFailedError):
            await self._write(Event(CANCEL, {"id": request_id}))

    async def _read(self) -> Event:
        try:
            event = await read_event(self._stdout, _LIMITS)
        except ProtocolError as err:
            raise EngineFailedError(f"talked nonsense: {err}") from None
        except OSError as err:
            raise EngineFailedError(f"cannot be read: {err.strerror}") from None
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
            return EngineFailedError("closed its pipe but went on")
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
            self._last_words.extend(line.strip()[:300] for line in lines if line.strip())

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
