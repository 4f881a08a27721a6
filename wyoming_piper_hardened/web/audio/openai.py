"""Speech as in OpenAI's API."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web

from ...speech.presets import Presets
from ...voices.library import Library
from ..bodies.request_body import Choice, Range, RequestBody
from ..endpoint import (
    BYTES,
    JSON,
    Access,
    Endpoint,
    Parameter,
    event_body,
    json_answer,
    json_body,
)
from ..errors import NotFoundError
from ..limits import WebLimits
from .encoding import CONTENT_TYPES, HeldBack, audio_formats
from .speech import (
    ERRORS,
    FORMATS,
    MODES,
    SCALE,
    SILENCE,
    SpeechBody,
    SpeechEndpoint,
    SpeechText,
    Stream,
    check_text,
)
from .speech_events import SpeechEvents

MODELS = ("piper", "tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15")
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


_SSE = "sse"
_SPEED_TEXT = r" *(0?\.(2[5-9]|[3-9])[0-9]*|[1-3](\.[0-9]*)?|4(\.0*)?) *"
"""Numbers from 0.25 to 4 as text, which many clients send."""


@dataclass(frozen=True, slots=True)
class VoiceReference:
    """A voice as an object."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAISpeechBody:
    """A request for speech; unknown fields change nothing."""

    input: SpeechText
    model: str | None = None
    voice: str | VoiceReference | None = None
    speaker: str | None = None
    response_format: Annotated[str | None, Choice(tuple(CONTENT_TYPES))] = None
    speed: Annotated[float | None, Range(0.25, 4.0, _SPEED_TEXT)] = None
    stream_format: Annotated[str | None, Choice(("audio", _SSE))] = None
    sentence_silence: Annotated[float | None, SILENCE] = None
    silence_before: Annotated[float | None, SILENCE] = None
    silence_after: Annotated[float | None, SILENCE] = None
    text_format: Annotated[str | None, FORMATS] = None
    text_mode: Annotated[str | None, MODES] = None
    stream: Stream = None


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
class AudioModel:
    """One of the names of models, as other servers of speech have it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class AudioModels:
    """All names of models; Open WebUI reads `models`, clients of OpenAI `data`."""

    models: Sequence[AudioModel]
    object: str
    data: Sequence[Model]


@dataclass(frozen=True, slots=True)
class VoiceEntry:
    """An installed voice, or a preset."""

    id: str
    name: str
    language: str


@dataclass(frozen=True, slots=True)
class VoiceEntries:
    """The installed voices and the presets."""

    voices: Sequence[VoiceEntry]


class OpenAIEndpoints:
    """``/v1/…``.

    Args:
        library: the installed voices.
        presets: voices with options of their own.
        speech: speaks.
        length_scale: of the settings; the length of speed 1.
        limits: timeouts, and how much of files is kept back.
    """

    def __init__(
        self,
        library: Library,
        presets: Presets,
        speech: SpeechEndpoint,
        length_scale: float,
        limits: WebLimits,
    ) -> None:
        self._library = library
        self._presets = presets
        self._length_of_speed_1 = length_scale
        self._created = int(time.time())
        self._speech = speech
        self._limits = limits
        self._formats = audio_formats(HeldBack(limits.held_back, limits.held_back_each))

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="POST",
                path="/v1/audio/speech",
                handle=self._speak,
                summary="Speak a text as OpenAI's API does. Model, instructions and unknown "
                "fields change nothing. pcm is 24 kHz, 16 bit, mono, little-endian. "
                "stream_format sse sends events: speech.audio.delta with bytes of the file in "
                "base64, at last speech.audio.done with the usage (a token is a character of the "
                "text, or 20 ms of audio), or error.",
                access=Access.SPEAK,
                body={JSON: _SPEECH.schema},
                answers={
                    200: {
                        **dict.fromkeys(CONTENT_TYPES.values(), BYTES),
                        **event_body(*SpeechEvents.kinds),
                    }
                },
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
                path="/v1/audio/models",
                handle=self._audio_models,
                summary="The same names, as other servers of speech list them.",
                answers={200: json_body(AudioModels)},
            ),
            *(
                Endpoint(
                    method="GET",
                    path=path,
                    handle=self._voices,
                    summary="The installed voices and presets, as other speech servers list them.",
                    answers={200: json_body(VoiceEntries)},
                )
                for path in ("/v1/audio/voices", "/v1/voices")
            ),
        )

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        body = await _SPEECH.read(request, self._limits.body_timeout)
        check_text(body.input, "input")
        voice = self._voice(body.voice)
        speech = SpeechBody(
            text=body.input,
            voice=voice,
            speaker=body.speaker,
            length_scale=self._length_scale(body.speed, voice),
            sentence_silence=body.sentence_silence,
            silence_before=body.silence_before,
            silence_after=body.silence_after,
            text_format=body.text_format,
            text_mode=body.text_mode,
            stream=body.stream,
        )
        audio_format = self._formats[body.response_format or "mp3"]
        events = SpeechEvents() if body.stream_format == _SSE else None
        return await self._speech.answer(request, speech, audio_format, events)

    async def _models(self, _: web.Request) -> web.Response:
        return json_answer(Models("list", [self._described(name) for name in MODELS]))

    async def _audio_models(self, _: web.Request) -> web.Response:
        described = [self._described(name) for name in MODELS]
        return json_answer(
            AudioModels([AudioModel(name, name) for name in MODELS], "list", described)
        )

    async def _model(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if name not in MODELS:
            raise NotFoundError(f"there is no model {name[:40]!r}; there are: {', '.join(MODELS)}")
        return json_answer(self._described(name))

    def _described(self, model: str) -> Model:
        return Model(id=model, object="model", created=self._created, owned_by="piper")

    async def _voices(self, _: web.Request) -> web.Response:
        entries = [VoiceEntry(voice.name, voice.name, voice.language) for voice in self._library]
        entries += [
            VoiceEntry(preset.name, preset.name, voice.language)
            for preset, voice in self._presets.usable()
        ]
        return json_answer(VoiceEntries(entries))

    def _voice(self, voice: str | VoiceReference | None) -> str | None:
        """Return the name of the requested voice; ``None`` for the default one."""
        name = voice.id if isinstance(voice, VoiceReference) else voice
        if name and name.lower() in VOICES and name not in self._library:
            return name if self._presets.find(name) else None
        return name or None

    def _length_scale(self, speed: float | None, voice: str | None) -> float | None:
        """Return the length for a speed; that of the preset or the settings is the speed of 1."""
        if speed is None or speed == 1:
            return None
        preset = self._presets.find(voice) if voice else self._presets.default
        length = (preset and preset.length_scale) or self._length_of_speed_1
        return min(max(length / speed, SCALE.low), SCALE.high)
