"""Speech as in OpenAI's API."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web

from ...voices.library import Library
from ..bodies.request_body import Choice, Range, RequestBody
from ..endpoint import BYTES, JSON, Access, Endpoint, Parameter, json_answer, json_body
from ..errors import NotFoundError
from ..limits import WebLimits
from .encoding import CONTENT_TYPES, HeldBack, audio_formats
from .speech import ERRORS, FORMATS, MODES, SCALE, SpeechBody, SpeechEndpoint, SpokenText

MODELS = ("piper", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""Names for clients that need one; all of them, and any other, are the same."""

VOICES = frozenset(
    {
        "alloy",
        "ash",
        "ballad",
        "cedar",
        "coral",
        "echo",
        "fable",
        "marin",
        "nova",
        "onyx",
        "sage",
        "shimmer",
        "verse",
    }
)
"""OpenAI's own; the default voice speaks for them."""


@dataclass(frozen=True, slots=True)
class VoiceReference:
    """A voice as an object."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAISpeechBody:
    """A request for speech; unknown fields change nothing."""

    input: SpokenText
    model: str | None = None
    voice: str | VoiceReference | None = None
    speaker: str | None = None
    response_format: Annotated[str | None, Choice(tuple(CONTENT_TYPES))] = None
    speed: Annotated[float | None, Range(0.25, 4.0)] = None
    stream_format: Annotated[str | None, Choice(("audio",))] = None
    text_format: Annotated[str | None, FORMATS] = None
    text_mode: Annotated[str | None, MODES] = None


_SPEECH = RequestBody(OpenAISpeechBody, open_ended=True)


@dataclass(frozen=True, slots=True)
class Model:
    """One of the names of models."""

    id: str
    object: str
    created: int
    owned_by: str


@dataclass(frozen=True, slots=True)
class Models:
    """All names of models."""

    object: str
    data: Sequence[Model]


@dataclass(frozen=True, slots=True)
class VoiceEntry:
    """An installed voice."""

    id: str
    name: str
    language: str


@dataclass(frozen=True, slots=True)
class VoiceEntries:
    """The installed voices."""

    voices: Sequence[VoiceEntry]


class OpenAIEndpoints:
    """``/v1/…``.

    Args:
        library: the installed voices.
        speech: speaks.
        length_scale: of the settings; the length of speed 1.
        limits: timeouts, and how much of files is kept back.
    """

    def __init__(
        self, library: Library, speech: SpeechEndpoint, length_scale: float, limits: WebLimits
    ) -> None:
        self._library = library
        self._length_of_speed_1 = length_scale
        self._created = int(time.time())
        self._speech = speech
        self._limits = limits
        self._formats = audio_formats(HeldBack(limits.held_back))

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="POST",
                path="/v1/audio/speech",
                handle=self._speak,
                summary="Speak a text as OpenAI's API does; model, instructions and unknown "
                "fields change nothing. pcm is 24 kHz, 16 bit, mono, little-endian.",
                access=Access.SPEAK,
                body={JSON: _SPEECH.schema},
                answers={200: dict.fromkeys(CONTENT_TYPES.values(), BYTES)},
                errors=ERRORS,
            ),
            Endpoint(
                method="GET",
                path="/v1/models",
                handle=self._models,
                summary="Names of models for clients that need one; they are all the same.",
                answers={200: json_body(Models)},
            ),
            Endpoint(
                method="GET",
                path="/v1/models/{id}",
                handle=self._model,
                summary="One of them.",
                parameters=(Parameter("id", "its name", in_path=True),),
                answers={200: json_body(Model)},
                errors=(404,),
            ),
            Endpoint(
                method="GET",
                path="/v1/audio/voices",
                handle=self._voices,
                summary="The installed voices.",
                answers={200: json_body(VoiceEntries)},
            ),
        )

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        body = await _SPEECH.read(request, self._limits.body_timeout)
        speech = SpeechBody(
            text=body.input,
            voice=self._voice(body.voice),
            speaker=body.speaker,
            length_scale=self._length_scale(body.speed),
            text_format=body.text_format,
            text_mode=body.text_mode,
        )
        return await self._speech.answer(
            request, speech, self._formats[body.response_format or "mp3"]
        )

    async def _models(self, _: web.Request) -> web.Response:
        return json_answer(Models("list", [self._described(name) for name in MODELS]))

    async def _model(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if name not in MODELS:
            raise NotFoundError(f"there is no model {name[:40]!r}; there are: {', '.join(MODELS)}")
        return json_answer(self._described(name))

    def _described(self, model: str) -> Model:
        return Model(id=model, object="model", created=self._created, owned_by="piper")

    async def _voices(self, _: web.Request) -> web.Response:
        entries = [VoiceEntry(voice.name, voice.name, voice.language) for voice in self._library]
        return json_answer(VoiceEntries(entries))

    def _voice(self, voice: str | VoiceReference | None) -> str | None:
        """Return the name of the requested voice; ``None`` for the default one."""
        name = voice.id if isinstance(voice, VoiceReference) else voice
        if name in VOICES and name not in self._library:
            return None
        return name or None

    def _length_scale(self, speed: float | None) -> float | None:
        """Return the length for a speed; that of the settings counts as the speed of 1."""
        if speed is None or speed == 1:
            return None
        return min(max(self._length_of_speed_1 / speed, SCALE.low), SCALE.high)
