"""One Wyoming connection, from its first event to its end.

Two tasks: one reads events (and answers ``describe`` and ``ping`` at once, even in mid-speech), the
other speaks one request after the other. Every request ends in exactly one of two ways:
complete audio up to ``audio-stop``, or an ``error`` event and the end of the connection.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from enum import StrEnum

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event, Eventable
from wyoming.info import Describe
from wyoming.ping import Ping, Pong
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
)

from ..engine.messages import BYTES_PER_SAMPLE
from ..errors import (
    ClientGoneError,
    EventTooLargeError,
    HardenedError,
    IdleError,
    OverloadedError,
    ShuttingDownError,
    TextTooLongError,
)
from ..reporting.events import Event as LogEvent, LimitedLog
from ..speech.synthesizer import Synthesizer
from ..speech.text_stream import TextStream
from ..speech.voice_resolver import VoiceResolver
from ..system.aio import cancel_and_wait
from ..system.framing import Limits, read_event
from .client_writer import ClientWriter
from .requests import (
    SynthesisRequest,
    read_ping_text,
    read_text,
    read_text_format,
    read_voice_choice,
)
from .timings import SessionTimings

_LOGGER = logging.getLogger(__name__)

LIMITS = Limits(data=1280 * 1024, payload=64 * 1024, body_timeout=30.0)
"""The longest allowed text in JSON's longest form fits; clients have no reason to send payload."""

_WAITING_REQUESTS = 4
_GONE = "the client left before its audio was complete"


class SessionState(StrEnum):
    """Whether the client is in the middle of a stream of text."""

    IDLE = "idle"
    STREAMING = "streaming"


class Session:
    """Serves one connection until it ends.

    Args:
        reader, writer: the connection; `reader` has `framing.MAX_HEADER_BYTES` as its limit.
        resolver: chooses who speaks.
        synthesizer: speaks.
        describe: makes the ``info`` event.
        timings: time limits.
        log: where clients are logged.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        resolver: VoiceResolver,
        synthesizer: Synthesizer,
        describe: Callable[[], Event],
        timings: SessionTimings,
        log: LimitedLog,
    ) -> None:
        self.state = SessionState.IDLE
        self.last_activity = _now()
        self._reader = reader
        self._client = ClientWriter(reader, writer, send=timings.send, linger=timings.linger)
        self._resolver = resolver
        self._synthesizer = synthesizer
        self._describe = describe
        self._timings = timings
        self._log = log
        self._requests: asyncio.Queue[SynthesisRequest] = asyncio.Queue(_WAITING_REQUESTS)
        self._unfinished = 0
        self._draining = asyncio.Event()
        self._stream: SynthesisRequest | None = None
        self._cut_off: HardenedError = ShuttingDownError()

    @property
    def peer(self) -> str:
        """The client's address."""
        return self._client.peer

    @property
    def busy(self) -> bool:
        """Return whether a request is being received or spoken on this connection."""
        return self._unfinished > 0

    @property
    def may_make_room(self) -> bool:
        """Return whether the connection may be closed for another one.

        It is idle, or has only a stream of text that its client seems to have abandoned.
        """
        if not self.busy:
            return True
        quiet = _now() - self.last_activity
        stream = self._stream
        return stream is not None and stream.text.starving and quiet > self._timings.abandoned

    def make_room(self) -> None:
        """Set the error to send when the task that runs this session is cancelled next."""
        self._cut_off = IdleError("the stream of text was quiet and its connection was needed")

    def drain(self) -> None:
        """Take no more requests; the connection ends when those that have begun are spoken."""
        self._draining.set()

    async def run(self) -> None:
        """Serve the connection; raise only when cancelled, which means that the server stops."""
        try:
            await self._serve()
            if self._draining.is_set():
                await self._client.end()
        except asyncio.CancelledError:
            if self.busy:
                await self._client.end(self._cut_off)
            raise
        except HardenedError as err:
            self._log.warning(
                LogEvent("request-failed", client=self.peer, code=err.code, reason=str(err))
            )
            await self._client.end(err)
        except OSError:
            self._log.info(LogEvent("client-left", client=self.peer))
        except Exception:  # noqa: BLE001 - logged, with its traceback
            self._log.exception(LogEvent("internal-error", where=self.peer))
            await self._client.end(HardenedError("internal error; see the server's log"))
        finally:
            await self._client.close()

    async def _serve(self) -> None:
        tasks = [
            asyncio.create_task(part)
            for part in (
                self._receive(),
                self._speak_all(),
                self._watch_idle(),
                self._watch_drain(),
            )
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for task, result in zip(tasks, results, strict=True):
            if task in done and isinstance(result, BaseException):
                raise result

    async def _receive(self) -> None:
        while (event := await self._read()) is not None:
            if self.state is SessionState.IDLE or event.type.startswith("synthesize"):
                self.last_activity = _now()
            await self._handle(event)
            await asyncio.sleep(0)  # a flood that is buffered already must not starve the others
        self._end_stream()
        await self._finish()

    async def _finish(self) -> None:
        """Serve what was asked for; raise ClientGoneError if nobody is there any more."""
        spoken = asyncio.create_task(self._requests.join())
        gone = asyncio.create_task(self._client.until_gone())
        try:
            await asyncio.wait({spoken, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not spoken.done():
                raise ClientGoneError(_GONE)
        finally:
            await cancel_and_wait(spoken, gone)
        await self._client.flush()

    async def _read(self) -> Event | None:
        try:
            return await read_event(self._reader, LIMITS)
        except EventTooLargeError as err:
            if err.event_type in ("synthesize", "synthesize-chunk"):
                raise TextTooLongError(f"the text is too long: {err}") from None
            raise
        except OSError:  # reset, timed out, unreachable
            if self.busy:
                raise ClientGoneError(_GONE) from None
            return None

    async def _handle(self, event: Event) -> None:
        if Describe.is_type(event.type):
            await self._write(self._describe())
        elif Ping.is_type(event.type):
            await self._write(Pong(text=read_ping_text(event.data)).event())
        elif Synthesize.is_type(event.type):
            # Within a stream it repeats the whole text, for servers that do not know streams.
            if self.state is SessionState.IDLE:
                await self._begin(SynthesisRequest(streamed=False), event)
        elif SynthesizeStart.is_type(event.type):
            self._end_stream()
            self._stream = SynthesisRequest(streamed=True)
            self.state = SessionState.STREAMING
            await self._begin(self._stream, event)
        elif SynthesizeChunk.is_type(event.type):
            if self._stream is None:  # a client that forgot to start
                await self._handle(SynthesizeStart().event())
            assert self._stream is not None
            self._stream.text.add(read_text(event.data))  # an error ends the connection at once
        elif SynthesizeStop.is_type(event.type):
            if self._stream is None:
                await self._handle(SynthesizeStart().event())
            self._end_stream()
        else:
            _LOGGER.debug("%s: ignored an event %r", self.peer, event.type[:40])

    async def _begin(self, request: SynthesisRequest, event: Event) -> None:
        if not self.busy:
            await self._refuse_overload()
        try:
            if self._draining.is_set():
                raise ShuttingDownError
            request.choice = read_voice_choice(event.data)
            if not request.streamed:
                request.text = TextStream.of(read_text(event.data))
            request.text.text_format = read_text_format(event.data)
        except HardenedError as err:
            if not self.busy:
                raise
            request.text.fail(err)  # after the audio of the requests before it
        self._unfinished += 1
        await self._requests.put(request)  # waits, and so reads no further, when many wait

    async def _refuse_overload(self) -> None:
        """Send an error at once while too many wait: before any work, before the session ends."""
        try:
            self._synthesizer.check_room()
        except OverloadedError as err:
            await self._client.write_error(err)
            raise

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.text.end()
        self._stream = None
        self.state = SessionState.IDLE

    async def _speak_all(self) -> None:
        while True:
            await self._speak(await self._requests.get())
            self._requests.task_done()

    async def _speak(self, request: SynthesisRequest) -> None:
        choice = request.choice
        target = await self._resolver.find(choice.name, choice.language, choice.speaker)
        rate = target.voice.sample_rate
        started = False

        async def send(pcm: bytes) -> None:
            nonlocal started
            if not started:
                started = True
                await self._write(AudioStart(rate=rate, width=BYTES_PER_SAMPLE, channels=1))
            await self._write(AudioChunk(rate=rate, width=BYTES_PER_SAMPLE, channels=1, audio=pcm))

        begin = time.monotonic()
        samples = await self._synthesizer.speak(target, request.text, send)
        if request.streamed:
            await self._write(AudioStop())
        self._unfinished -= 1  # with the last event the client may close at once
        await self._write(SynthesizeStopped() if request.streamed else AudioStop())
        _LOGGER.debug(
            "%s: %.1f s of audio from %s in %.2f s",
            self.peer,
            samples / rate,
            target.voice.name,
            time.monotonic() - begin,
        )

    async def _watch_idle(self) -> None:
        while True:
            quiet = _now() - self.last_activity
            if self.busy and self.state is SessionState.IDLE:
                quiet = 0.0  # all its text is here; it waits for us
            if quiet >= self._timings.idle:
                break
            await asyncio.sleep(self._timings.idle - quiet)
        if self.busy:
            raise IdleError(
                f"no text and no end of the text came for {self._timings.idle:g} s; the stream "
                "is taken for abandoned"
            )

    async def _watch_drain(self) -> None:
        await self._draining.wait()
        await self._requests.join()
        await self._client.flush()

    async def _write(self, event: Event | Eventable) -> None:
        await self._client.write(event)
        self.last_activity = _now()


def _now() -> float:
    return asyncio.get_running_loop().time()  # which a pause of the process does not count
