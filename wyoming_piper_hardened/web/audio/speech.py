"""Speech over HTTP: sent while it is made; what could not be completed never looks whole."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import cast

from aiohttp import web

from ...engine.messages import SpeechOptions
from ...errors import ClientGoneError, HardenedError
from ...rate_limit import RateLimit
from ...speech.request import Target
from ...speech.synthesizer import Synthesizer
from ...system.sockets import SEND_TIMEOUT
from .. import request_parsing as fields
from ..connection import Connection, reset
from ..endpoint import Access, Endpoint
from ..schemas import JSON, SPOKEN_TEXT, TEXT, maybe, ranged, record
from .encoding import WAV, AudioFormat, Encoder

_LOGGER = logging.getLogger(__name__)

RANGES = {
    "length_scale": (0.25, 4.0),
    "noise_scale": (0.0, 2.0),
    "noise_w_scale": (0.0, 2.0),
    "volume": (0.0, 4.0),
}
"""What may be asked for, as for the settings of these names."""

ERRORS = (404, 408, 413, 422, 429, 503, 507)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be said, by whom and how; ``None`` for as the settings say."""

    text: str
    voice: str | None = None
    speaker: str | None = None
    length_scale: float | None = None
    noise_scale: float | None = None
    noise_w_scale: float | None = None
    volume: float | None = None


class Speech:
    """``/api/say``, and the way that every speech takes.

    Args:
        synthesizer: speaks.
    """

    def __init__(self, synthesizer: Synthesizer) -> None:
        self._synthesizer = synthesizer
        self._rate_limit = RateLimit()

    def endpoints(self) -> tuple[Endpoint, ...]:
        """See there."""
        options = {name: ranged(*limits) for name, limits in RANGES.items()}
        others = {"voice": maybe(TEXT), "speaker": maybe(TEXT), **options}
        return (
            Endpoint(
                method="POST",
                path="/api/say",
                handle=self._say,
                summary="Speak a text: a WAV file that is sent while it is made, so the lengths "
                "in its header are 0xFFFFFFFF.",
                access=Access.SPEAK,
                body={JSON: record({"text": SPOKEN_TEXT, **others}, needed=("text",))},
                answers={200: {WAV.content_type: TEXT}},
                errors=ERRORS,
            ),
        )

    async def _say(self, request: web.Request) -> web.StreamResponse:
        data = await fields.read_json(request)
        fields.only(data, "text", "voice", "speaker", *RANGES)
        options = {name: fields.number(data, name, *limits) for name, limits in RANGES.items()}
        wanted = Wanted(
            text=fields.needed_text(data, "text"),
            voice=fields.text(data, "voice"),
            speaker=fields.text(data, "speaker"),
            **options,
        )
        return await self.answer(request, wanted, WAV)

    async def answer(
        self, request: web.Request, wanted: Wanted, audio_format: AudioFormat
    ) -> web.StreamResponse:
        """Speak into the answer to `request`.

        Its header ``X-Request-Id`` names it among the last requests in ``/api/status``, which tell
        whether all of it was spoken, even to who gets it through a proxy that hides a break.

        Raises:
            HardenedError: nothing has been sent. What fails later cuts the connection off.
        """
        target = await self._target(wanted)
        encoder = await asyncio.to_thread(audio_format.make, target.voice.sample_rate)
        request_id = secrets.token_hex(8)
        stream = _Stream(request, audio_format.content_type, request_id)

        async def send(pcm: bytes) -> None:
            await stream.write(await _encode(encoder, pcm))

        begin = time.monotonic()
        try:
            await self._synthesizer.say(target, wanted.text, send, request_id)
            rest = encoder.finish()
            while (piece := await asyncio.to_thread(next, rest, None)) is not None:
                await stream.write(piece)
            await stream.end()
        except HardenedError as err:
            self._report(request, err)
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

    async def _target(self, wanted: Wanted) -> Target:
        target = await self._synthesizer.find(wanted.voice, None, wanted.speaker)
        return replace(target, options=_changed(target.options, wanted))

    def _report(self, request: web.Request, err: HardenedError) -> None:
        level = logging.WARNING if self._rate_limit.allow(time.monotonic()) else logging.DEBUG
        _LOGGER.log(level, "%s: %s: %s", request.remote, err.code, err)


class _Stream:
    """An answer that begins with its first byte."""

    def __init__(self, request: web.Request, content_type: str, request_id: str) -> None:
        headers = {"Content-Type": content_type, "X-Request-Id": request_id}
        self.response = web.StreamResponse(headers=headers)
        self._request = request
        self._connection = cast("Connection", request.protocol)

    @property
    def begun(self) -> bool:
        """Whether anything has been sent."""
        return self.response.prepared

    async def write(self, data: bytes) -> None:
        """Send, and wait while the client is behind.

        Raises:
            ClientGoneError: it has left, or takes nothing.
        """
        if data:
            self._connection.unfinished = True
            async with _taking():
                await self.response.prepare(self._request)
                await self.response.write(data)

    async def end(self) -> None:
        """Say that all has come."""
        async with _taking():
            await self.response.write_eof()
        self._connection.unfinished = False

    def cut_off(self) -> None:
        """Reset the connection: for any client that is an error, never the end of a file."""
        if self._request.transport is not None:
            reset(self._request.transport)


@contextlib.asynccontextmanager
async def _taking() -> AsyncIterator[None]:
    """The client has to take what is sent within the context."""
    try:
        async with asyncio.timeout(SEND_TIMEOUT):
            yield
    except TimeoutError:
        raise ClientGoneError(f"the client took nothing for {SEND_TIMEOUT:g} s") from None
    except ConnectionError:
        raise ClientGoneError("the client left before its audio was complete") from None


def _changed(options: SpeechOptions, wanted: Wanted) -> SpeechOptions:
    asked = {name: value for name in RANGES if (value := getattr(wanted, name)) is not None}
    return replace(options, **asked)


async def _encode(encoder: Encoder, pcm: bytes) -> bytes:
    if encoder.slow:
        return await asyncio.to_thread(encoder.encode, pcm)
    return encoder.encode(pcm)
