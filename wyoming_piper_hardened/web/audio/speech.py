"""Speech over HTTP: sent while it is made; an incomplete answer never looks complete."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Annotated, cast

from aiohttp import web

from ...engine.messages import SpeechOptions
from ...errors import ClientGoneError, HardenedError
from ...reporting.events import Event, LimitedLog
from ...speech.preview import TextPreview, preview
from ...speech.synthesizer import Synthesizer
from ...speech.target import Target
from ...speech.text_stream import TextStream
from ...speech.voice_resolver import VoiceResolver
from ...text.length import MAX_TEXT_CHARS
from ...text.profile import TextFormat, TextMode
from ..bodies.request_body import Choice, Note, Range, RequestBody
from ..connection import Connection, reset
from ..endpoint import BYTES, JSON, Access, Endpoint, json_answer, json_body
from ..limits import WebLimits
from .encoding import WAV, AudioFormat, Encoder

_LOGGER = logging.getLogger(__name__)

SCALE, NOISE, VOLUME = Range(0.25, 4.0), Range(0.0, 2.0), Range(0.0, 4.0)
"""As for the settings of the same names."""

FORMATS, MODES = Choice((TextFormat.TEXT, TextFormat.SSML)), Choice(tuple(TextMode))
SpokenText = Annotated[str, Note(f"at most {MAX_TEXT_CHARS} characters, else 413")]
ERRORS = (404, 408, 413, 422, 429, 503, 507)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechBody:
    """A request for speech; ``None`` leaves it to the settings."""

    text: SpokenText
    voice: str | None = None
    speaker: str | None = None
    length_scale: Annotated[float | None, SCALE] = None
    noise_scale: Annotated[float | None, NOISE] = None
    noise_w_scale: Annotated[float | None, NOISE] = None
    volume: Annotated[float | None, VOLUME] = None
    text_format: Annotated[str | None, FORMATS] = None
    text_mode: Annotated[str | None, MODES] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBody:
    """A text to be shown as it will be spoken; ``None`` leaves it to the settings."""

    text: SpokenText
    voice: str | None = None
    text_format: Annotated[str | None, FORMATS] = None
    text_mode: Annotated[str | None, MODES] = None


_SAY, _TEXT = RequestBody(SpeechBody), RequestBody(TextBody)
_OPTIONS = ("length_scale", "noise_scale", "noise_w_scale", "volume")


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
        self._log = LimitedLog(_LOGGER)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="POST",
                path="/api/say",
                handle=self._say,
                summary="Speak a text: a WAV file that is sent while it is made, so the lengths "
                "in its header are 0xFFFFFFFF.",
                access=Access.SPEAK,
                body={JSON: _SAY.schema},
                answers={200: {WAV.content_type: BYTES}},
                errors=ERRORS,
            ),
            Endpoint(
                method="POST",
                path="/api/text",
                handle=self._preview,
                summary="Show how a text will be spoken, without speaking it.",
                access=Access.SPEAK,
                body={JSON: _TEXT.schema},
                answers={200: json_body(TextPreview)},
                errors=(404, 408, 413, 422),
            ),
        )

    async def _say(self, request: web.Request) -> web.StreamResponse:
        body = await _SAY.read(request, self._limits.body_timeout)
        return await self.answer(request, body, WAV)

    async def _preview(self, request: web.Request) -> web.Response:
        body = await _TEXT.read(request, self._limits.body_timeout)
        TextStream.of(body.text)  # raises for one that is too long
        voice = self._resolver.resolve(body.voice).voice
        profile = self._synthesizer.profile(voice, *_treatment(body))
        return json_answer(await asyncio.to_thread(preview, body.text, profile))

    async def answer(
        self, request: web.Request, speech: SpeechBody, audio_format: AudioFormat
    ) -> web.StreamResponse:
        """Speak into the answer to `request`.

        Its header ``X-Request-Id`` names it among the last requests in ``/api/status``, which show
        whether all of it was spoken, even if a proxy hides that it was not.

        Raises:
            HardenedError: nothing has been sent. What fails later cuts the connection off.
        """
        text = TextStream.of(speech.text)
        text.mode, text.text_format = _treatment(speech)
        target = await self._target(speech)
        encoder = await asyncio.to_thread(audio_format.make, target.voice.sample_rate)
        request_id = secrets.token_hex(8)
        stream = _Stream(request, audio_format.content_type, request_id, self._limits.send_timeout)

        async def send(pcm: bytes) -> None:
            await stream.write(await _encode(encoder, pcm))

        begin = time.monotonic()
        try:
            await self._synthesizer.speak(target, text, send, request_id)
            rest = encoder.finish()
            while (piece := await asyncio.to_thread(next, rest, None)) is not None:
                await stream.write(piece)
            await stream.end()
        except HardenedError as err:
            failed = Event("request-failed", client=request.remote, code=err.code, reason=str(err))
            self._log.warning(failed)
            if not stream.begun:
                raise
            stream.cut_off()
        except BaseException:
            stream.cut_off()
            raise
        finally:
            # Not awaited: who is cut off is cancelled too, perhaps before the thread begins.
            asyncio.get_running_loop().run_in_executor(None, encoder.close)
        seconds = time.monotonic() - begin
        _LOGGER.debug("%s: spoken by %s in %.2f s", request.remote, target.voice.name, seconds)
        return stream.response

    async def _target(self, speech: SpeechBody) -> Target:
        target = await self._resolver.find(speech.voice, None, speech.speaker)
        return replace(target, options=_changed(target.options, speech))


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


def _treatment(body: SpeechBody | TextBody) -> tuple[TextMode | None, TextFormat]:
    mode = TextMode(body.text_mode) if body.text_mode else None
    # What is not called SSML may yet be: that is seen from the text.
    is_ssml = body.text_format == TextFormat.SSML
    return mode, TextFormat.SSML if is_ssml else TextFormat.AUTO


def _changed(options: SpeechOptions, speech: SpeechBody) -> SpeechOptions:
    asked = {name: value for name in _OPTIONS if (value := getattr(speech, name)) is not None}
    return replace(options, **asked)


async def _encode(encoder: Encoder, pcm: bytes) -> bytes:
    if encoder.slow:
        return await asyncio.to_thread(encoder.encode, pcm)
    return encoder.encode(pcm)
