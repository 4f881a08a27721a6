"""Speech over HTTP: sent while it is made; an incomplete answer never looks complete."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, cast

from aiohttp import web

from ...errors import ClientGoneError, EmptyTextError, HardenedError
from ...reporting.events import Event, LimitedLog
from ...speech.synthesizer import Synthesizer
from ...speech.target import Target
from ...speech.text_stream import TextStream
from ...speech.voice_resolver import VoiceResolver
from ...text.length import MAX_TEXT_CHARS
from ...text.profile import TextFormat, TextMode
from ..bodies.request_body import Choice, Note, Range, RequestBody
from ..connection import Connection, reset
from ..endpoint import BYTES, JSON, Access, Endpoint
from ..limits import WebLimits
from .encoding import WAV, AudioFormat, Encoder, HeldBack
from .speech_events import Packaging, Plain, Usage
from .whole_file import WholeFile

_LOGGER = logging.getLogger(__name__)

SCALE, NOISE, VOLUME, SILENCE = (
    *(Range(0.25, 4.0), Range(0.0, 2.0), Range(0.0, 4.0)),
    Range(0.0, 5.0),
)
"""As for the settings of the same names."""

_NOT_EMPTY = r"\S"
FORMATS, MODES = Choice((TextFormat.TEXT, TextFormat.SSML)), Choice(tuple(TextMode))
SpokenText = Annotated[str, Note(f"at most {MAX_TEXT_CHARS} characters, else 413")]
SpeechText = Annotated[
    str, Note(f"not empty; at most {MAX_TEXT_CHARS} characters, else 413", _NOT_EMPTY)
]
Stream = Annotated[bool | None, Note("false: as a whole, with its length, as far as 32 MiB go")]
ERRORS = (404, 408, 413, 422, 429, 503, 507)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechBody:
    """A request for speech; ``None`` leaves it to the settings.

    A `language` (``de``, ``en-GB``) chooses a voice where none is named.
    """

    text: SpeechText
    voice: str | None = None
    language: str | None = None
    speaker: str | None = None
    length_scale: Annotated[float | None, SCALE] = None
    noise_scale: Annotated[float | None, NOISE] = None
    noise_w_scale: Annotated[float | None, NOISE] = None
    volume: Annotated[float | None, VOLUME] = None
    sentence_silence: Annotated[float | None, SILENCE] = None
    silence_before: Annotated[float | None, SILENCE] = None
    silence_after: Annotated[float | None, SILENCE] = None
    text_format: Annotated[str | None, FORMATS] = None
    text_mode: Annotated[str | None, MODES] = None
    stream: Stream = None


_SAY = RequestBody(SpeechBody)


class SpeechEndpoint:
    """``/api/say``, and the answers of every other way to speak.

    Args:
        resolver: chooses who speaks.
        synthesizer: speaks.
        limits: timeouts.
    """

    def __init__(
        self, resolver: VoiceResolver, synthesizer: Synthesizer, limits: WebLimits
    ) -> None:
        self._resolver = resolver
        self._synthesizer = synthesizer
        self._limits = limits
        self._kept_whole = HeldBack(limits.kept_whole)
        self._log = LimitedLog(_LOGGER)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="POST",
                path="/api/say",
                handle=self._say,
                summary="Speak a text. The answer is a WAV file that is sent while it is made, so "
                "the lengths in its header are 0xFFFFFFFF; as a whole, with its length, if stream "
                "is false.",
                access=Access.SPEAK,
                body={JSON: _SAY.schema},
                answers={200: {WAV.content_type: BYTES}},
                errors=ERRORS,
            ),
        )

    async def _say(self, request: web.Request) -> web.StreamResponse:
        body = await _SAY.read(request, self._limits.body_timeout)
        check_text(body.text, "text")
        return await self.answer(request, body, WAV)

    async def answer(
        self,
        request: web.Request,
        speech: SpeechBody,
        audio_format: AudioFormat,
        packaging: Packaging | None = None,
    ) -> web.StreamResponse:
        """Speak into the answer to `request`.

        Its header ``X-Request-Id`` names it among the last requests in ``/api/status``, which show
        whether all of it was spoken, even if a proxy hides that it was not.

        Without a `packaging` the bytes of the file are sent as they are.

        Raises:
            HardenedError: nothing has been sent. What fails later cuts the connection off.
        """
        text = TextStream.of(speech.text)
        text.mode, text.text_format = treatment(speech.text_mode, speech.text_format)
        target = await self._target(speech)
        encoder = await asyncio.to_thread(audio_format.make, target.voice.sample_rate)
        request_id = secrets.token_hex(8)
        whole = self._kept_whole if speech.stream is False and packaging is None else None
        packaging = packaging or Plain(audio_format.content_type)
        stream = (_Stream if whole is None else partial(_Whole, room=whole))(
            request, packaging.content_type, request_id, self._limits.send_timeout
        )

        async def send(pcm: bytes) -> None:
            await stream.write(packaging.piece(await _encode(encoder, pcm)))

        begin = time.monotonic()
        try:
            samples = await self._synthesizer.speak(target, text, send, request_id)
            rest = encoder.finish()
            while (piece := await asyncio.to_thread(next, rest, None)) is not None:
                await stream.write(packaging.piece(piece))
            usage = Usage.of(speech.text, samples / target.voice.sample_rate)
            await stream.write(packaging.end(usage))
            await stream.end()
        except HardenedError as err:
            failed = Event("request-failed", client=request.remote, code=err.code, reason=str(err))
            self._log.warning(failed)
            if not stream.begun:
                raise
            await stream.fail(packaging.failure(err))
        except BaseException:
            if stream.begun:
                stream.cut_off()
            raise
        finally:
            stream.close()
            # Not awaited: who is cut off is cancelled too, perhaps before the thread begins.
            asyncio.get_running_loop().run_in_executor(None, encoder.close)
        seconds = time.monotonic() - begin
        _LOGGER.debug("%s: spoken by %s in %.2f s", request.remote, target.voice.name, seconds)
        return stream.response

    async def _target(self, speech: SpeechBody) -> Target:
        target = await self._resolver.find(speech.voice, speech.language, speech.speaker)
        return target.adjusted(speech)


class _Stream:
    """An answer that begins with its first byte."""

    def __init__(
        self, request: web.Request, content_type: str, request_id: str, send_timeout: float
    ) -> None:
        headers = {"Content-Type": content_type, "X-Request-Id": request_id}
        self.response = web.StreamResponse(headers=headers)
        self._request = request
        self._send_timeout = send_timeout
        self._connection = cast("Connection", request.protocol)

    @property
    def begun(self) -> bool:
        """Return whether anything has been sent."""
        return self.response.prepared

    async def write(self, data: bytes) -> None:
        """Send, and wait while the client is behind.

        Raises:
            ClientGoneError: it has left, or takes nothing.
        """
        if data:
            self._connection.unfinished = True
            async with self._client_takes():
                await self.response.prepare(self._request)
                await self.response.write(data)

    async def end(self) -> None:
        """End the answer as complete."""
        async with self._client_takes():
            await self.response.write_eof()
        self._connection.unfinished = False

    async def fail(self, message: bytes | None) -> None:
        """End the connection before the answer is complete, after a message if there is one."""
        with contextlib.suppress(ClientGoneError):
            if message is not None and self._request.transport is not None:
                await self.write(message)
                self._request.transport.close()  # without the end of the body
                return
        self.cut_off()

    def close(self) -> None:
        """Release what is kept."""

    def cut_off(self) -> None:
        """Reset the connection: for any client that is an error, never the end of a file."""
        if self._request.transport is not None:
            reset(self._request.transport)

    @contextlib.asynccontextmanager
    async def _client_takes(self) -> AsyncIterator[None]:
        """Require that the client takes what is sent within the context."""
        try:
            async with asyncio.timeout(self._send_timeout):
                yield
        except TimeoutError:
            raise ClientGoneError(f"the client took nothing for {self._send_timeout:g} s") from None
        except ConnectionError:
            raise ClientGoneError("the client left before its audio was complete") from None


class _Whole(_Stream):
    """An answer that begins when it is complete."""

    def __init__(
        self,
        request: web.Request,
        content_type: str,
        request_id: str,
        send_timeout: float,
        *,
        room: HeldBack,
    ) -> None:
        super().__init__(request, content_type, request_id, send_timeout)
        self._file = WholeFile(room, content_type)

    async def write(self, data: bytes) -> None:
        """Keep the data; raises AudioTooLongError."""
        self._file.keep(data)

    async def end(self) -> None:
        """Send it all."""
        self.response.content_length = self._file.size
        for piece in self._file.pieces():
            await super().write(piece)
        await super().end()

    def close(self) -> None:
        """Release what is kept."""
        self._file.release()


def check_text(text: str, field: str) -> None:
    """Raise EmptyTextError for a `field` with nothing to speak."""
    if not re.search(_NOT_EMPTY, text):
        raise EmptyTextError(f"{field} has no text to speak", field)


def treatment(mode: str | None, text_format: str | None) -> tuple[TextMode | None, TextFormat]:
    """Return how a request's text is treated, from the fields of those names."""
    # What is not called SSML may yet be: that is seen from the text.
    is_ssml = text_format == TextFormat.SSML
    return TextMode(mode) if mode else None, TextFormat.SSML if is_ssml else TextFormat.AUTO


async def _encode(encoder: Encoder, pcm: bytes) -> bytes:
    if encoder.slow:
        return await asyncio.to_thread(encoder.encode, pcm)
    return encoder.encode(pcm)
