"""One connection: what the client says, and what it gets.

Two tasks: one reads events (and answers ``describe`` and ``ping`` at once, even in mid-speech), the
other speaks one utterance after the other. Every utterance ends in exactly one of two ways:
complete audio up to ``audio-stop``, or an ``error`` event and the end of the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from enum import StrEnum

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_write_event
from wyoming.info import Describe
from wyoming.ping import Ping, Pong
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
)

from ..errors import (
    ClientGoneError,
    EventTooLargeError,
    HardenedError,
    IdleError,
    OverloadedError,
    ShuttingDownError,
    TextTooLongError,
)
from ..rate_limit import RateLimit
from ..speech.request import BYTES_PER_SAMPLE
from ..speech.synthesizer import Synthesizer
from ..system.framing import Limits, read_event
from ..system.sockets import SEND_TIMEOUT
from .requests import read_ping_text, read_text, read_voice_choice
from .utterance import Utterance

_LOGGER = logging.getLogger(__name__)

LIMITS = Limits(data=1280 * 1024, payload=64 * 1024, body_timeout=30.0)
"""The longest allowed text in JSON's longest form fits; clients have no reason to send payload."""

_LINGER = 1.0
_ABANDONED = 5.0
_WAITING_UTTERANCES = 4


class SessionState(StrEnum):
    """What the client is doing with this connection."""

    IDLE = "idle"
    STREAMING = "streaming"


class Session:
    """Serves one connection until it ends.

    Args:
        reader, writer: the connection; `reader` has `framing.MAX_HEADER_BYTES` as its limit.
        synthesizer: speaks.
        describe: tells which voices there are.
        idle_timeout: seconds of silence after which the client is taken for gone.
        rate_limit: bounds how many errors of clients are logged as warnings.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        synthesizer: Synthesizer,
        describe: Callable[[], Event],
        *,
        idle_timeout: float,
        rate_limit: RateLimit | None = None,
    ) -> None:
        self.peer = _peer(writer)
        self.state = SessionState.IDLE
        self.last_activity = time.monotonic()
        self._reader = reader
        self._writer = writer
        self._synthesizer = synthesizer
        self._describe = describe
        self._idle_timeout = idle_timeout
        self._rate_limit = rate_limit or RateLimit()
        self._utterances: asyncio.Queue[Utterance] = asyncio.Queue(_WAITING_UTTERANCES)
        self._unfinished = 0
        self._told = False
        self._stream: Utterance | None = None
        self._cut_off: HardenedError = ShuttingDownError(
            "the server stops; ask again when it is back"
        )

    @property
    def busy(self) -> bool:
        """Whether something is being said or spoken on this connection."""
        return self._unfinished > 0

    @property
    def may_make_room(self) -> bool:
        """Whether nobody would miss this connection.

        Nothing is under way, or only a stream of text that its client seems to have abandoned.
        """
        if not self.busy:
            return True
        quiet = time.monotonic() - self.last_activity
        stream = self._stream
        return stream is not None and stream.starving and quiet > _ABANDONED

    def make_room(self) -> None:
        """Say why before the task that runs this session is cancelled."""
        self._cut_off = IdleError("the stream of text was quiet and its connection was needed")

    async def run(self) -> None:
        """Serve the connection; never raises but when cancelled, which means the server stops."""
        try:
            await self._serve()
        except asyncio.CancelledError:
            if self.busy:
                await self._end(self._cut_off)
            raise
        except HardenedError as err:
            self._report(err)
            await self._end(err)
        except OSError:
            _LOGGER.info("%s: left before its audio was complete", self.peer)
        except Exception:
            _LOGGER.exception("%s: unexpected error; please report this", self.peer)
            await self._end(HardenedError("internal error; see the server's log"))
        finally:
            await self._close()

    def _report(self, err: HardenedError) -> None:
        if self._rate_limit.allow(time.monotonic()):
            _LOGGER.warning("%s: %s: %s", self.peer, err.code, err)
        else:
            _LOGGER.debug("%s: %s: %s", self.peer, err.code, err)

    async def _serve(self) -> None:
        tasks = [
            asyncio.create_task(part)
            for part in (self._receive(), self._speak_all(), self._watch_idle())
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
                self.last_activity = time.monotonic()
            await self._handle(event)
            await asyncio.sleep(0)  # a flood that is buffered already must not starve the others
        if self.busy:
            raise ClientGoneError(
                "the client closed its side before its audio was complete; keep the connection "
                "open until the audio has ended"
            )

    async def _read(self) -> Event | None:
        try:
            return await read_event(self._reader, LIMITS)
        except EventTooLargeError as err:
            if err.event_type in ("synthesize", "synthesize-chunk"):
                raise TextTooLongError(f"the text is too long: {err}") from None
            raise
        except OSError:  # reset, timed out, unreachable: the client is gone
            return None

    async def _handle(self, event: Event) -> None:
        if Describe.is_type(event.type):
            await self._write(self._describe())
        elif Ping.is_type(event.type):
            await self._write(Pong(text=read_ping_text(event.data)).event())
        elif Synthesize.is_type(event.type):
            # Within a stream it repeats the whole text, for servers that do not know streams.
            if self.state is SessionState.IDLE:
                await self._begin(Utterance(streamed=False), event)
        elif SynthesizeStart.is_type(event.type):
            self._end_stream()
            self._stream = Utterance(streamed=True)
            self.state = SessionState.STREAMING
            await self._begin(self._stream, event)
        elif SynthesizeChunk.is_type(event.type):
            if self._stream is None:  # a client that forgot to start
                await self._handle(SynthesizeStart().event())
            assert self._stream is not None
            self._stream.add(read_text(event.data))  # an error ends the connection at once
        elif SynthesizeStop.is_type(event.type):
            if self._stream is None:
                await self._handle(SynthesizeStart().event())
            self._end_stream()
        else:
            _LOGGER.debug("%s: ignored an event %r", self.peer, event.type[:40])

    async def _begin(self, utterance: Utterance, event: Event) -> None:
        if not self.busy:
            await self._refuse_overload()
        try:
            utterance.choice = read_voice_choice(event.data)
            if not utterance.streamed:
                utterance.add(read_text(event.data))
                utterance.end()
        except HardenedError as err:
            if not self.busy:
                raise
            utterance.fail(err)  # after the audio of the requests before it
        self._unfinished += 1
        await self._utterances.put(utterance)  # waits, and so reads no further, when many wait

    async def _refuse_overload(self) -> None:
        """Say at once that too many wait: before any work is done, and before the session ends."""
        try:
            self._synthesizer.pool.check_room()
        except OverloadedError as err:
            self._told = True
            await self._write(Error(str(err), err.code))
            raise

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.end()
        self._stream = None
        self.state = SessionState.IDLE

    async def _speak_all(self) -> None:
        while True:
            await self._speak(await self._utterances.get())

    async def _speak(self, utterance: Utterance) -> None:
        choice = utterance.choice
        target = await self._synthesizer.find(choice.name, choice.language, choice.speaker)
        rate = target.voice.sample_rate
        started = False

        async def send(pcm: bytes) -> None:
            nonlocal started
            if not started:
                started = True
                await self._write(AudioStart(rate=rate, width=BYTES_PER_SAMPLE, channels=1))
            await self._write(AudioChunk(rate=rate, width=BYTES_PER_SAMPLE, channels=1, audio=pcm))

        begin = time.monotonic()
        segments = utterance.segments(self._synthesizer.defaults.max_segment_chars)
        samples = await self._synthesizer.speak(target, segments, send)
        if utterance.streamed:
            await self._write(AudioStop())
        self._unfinished -= 1  # with the last event the client may close at once
        await self._write(SynthesizeStopped() if utterance.streamed else AudioStop())
        _LOGGER.debug(
            "%s: %.1f s of audio from %s in %.2f s",
            self.peer,
            samples / rate,
            target.voice.name,
            time.monotonic() - begin,
        )

    async def _watch_idle(self) -> None:
        while True:
            quiet = time.monotonic() - self.last_activity
            if self.busy and self.state is SessionState.IDLE:
                quiet = 0.0  # all its text is here; it waits for us
            if quiet >= self._idle_timeout:
                break
            await asyncio.sleep(self._idle_timeout - quiet)
        if self.busy:
            raise IdleError(
                f"no text and no end of the text came for {self._idle_timeout:g} s; the stream "
                "is taken for abandoned"
            )

    async def _write(self, event: Event | Eventable) -> None:
        if isinstance(event, Eventable):
            event = event.event()
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                await async_write_event(event, self._writer)
        except TimeoutError:
            raise ClientGoneError(f"the client took nothing for {SEND_TIMEOUT:g} s") from None
        self.last_activity = time.monotonic()

    async def _end(self, error: HardenedError) -> None:
        """Send the error, then wait a moment for the client to close.

        Closing while unread input waits would reset the connection, and the client might never
        see the error.
        """
        with contextlib.suppress(OSError, TimeoutError, HardenedError):
            async with asyncio.timeout(_LINGER):
                if not self._told:
                    await async_write_event(Error(str(error), error.code).event(), self._writer)
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                while await self._reader.read(64 * 1024):
                    pass

    async def _close(self) -> None:
        self._writer.close()
        try:
            async with asyncio.timeout(_LINGER):
                await self._writer.wait_closed()
        except (OSError, TimeoutError, asyncio.CancelledError):
            self._writer.transport.abort()


def _peer(writer: asyncio.StreamWriter) -> str:
    address = writer.get_extra_info("peername")
    if isinstance(address, tuple):
        return f"{address[0]}:{address[1]}"
    return "unix socket"
