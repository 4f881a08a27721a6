"""Speech as clients of OpenAI's API ask for it."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ...control import Operations
from ...errors import BadRequestError, NotSupportedError
from .. import request_parsing as fields
from ..endpoint import Access, Endpoint, Parameter, Schema
from ..errors import NotFoundError
from ..schemas import JSON, SPOKEN_TEXT, TEXT, WHOLE, array, choice, maybe, ranged, record
from .encoding import FORMATS
from .speech import ERRORS, RANGES, Speech, Wanted

MODELS = ("piper", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""What clients choose from; all of them, and any other name, are the same."""

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

_SLOWEST, _FASTEST = 0.25, 4.0


class OpenAI:
    """``/v1/…``.

    Args:
        operations: knows the voices.
        speech: speaks.
    """

    def __init__(self, operations: Operations, speech: Speech) -> None:
        self._operations = operations
        self._speech = speech

    def endpoints(self) -> tuple[Endpoint, ...]:
        """See there."""
        model = record({"id": TEXT, "object": TEXT, "created": WHOLE, "owned_by": TEXT})
        voice = record({"id": TEXT, "name": TEXT, "language": TEXT})
        asked = {
            "model": maybe(TEXT),
            "input": SPOKEN_TEXT,
            "voice": {"anyOf": [TEXT, _open(record({"id": TEXT})), {"type": "null"}]},
            "speaker": maybe(TEXT),
            "response_format": maybe(choice(*FORMATS)),
            "speed": ranged(_SLOWEST, _FASTEST),
            "stream_format": maybe(choice("audio")),
        }
        return (
            Endpoint(
                method="POST",
                path="/v1/audio/speech",
                handle=self._speak,
                summary="Speak a text as OpenAI's API does; model, instructions and unknown "
                "fields change nothing. pcm is 24 kHz, 16 bit, mono, little-endian.",
                access=Access.SPEAK,
                body={JSON: _open(record(asked, needed=("input",)))},
                answers={200: {kind.content_type: TEXT for kind in FORMATS.values()}},
                errors=ERRORS,
            ),
            Endpoint(
                method="GET",
                path="/v1/models",
                handle=self._models,
                summary="Names of models for clients that need one; they are all the same.",
                answers={200: {JSON: record({"object": TEXT, "data": array(model)})}},
            ),
            Endpoint(
                method="GET",
                path="/v1/models/{id}",
                handle=self._model,
                summary="One of them.",
                parameters=(Parameter("id", "its name", in_path=True),),
                answers={200: {JSON: model}},
                errors=(404,),
            ),
            Endpoint(
                method="GET",
                path="/v1/audio/voices",
                handle=self._voices,
                summary="The installed voices.",
                answers={200: {JSON: record({"voices": array(voice)})}},
            ),
        )

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        data = await fields.read_json(request)
        fields.text(data, "model")
        wanted = Wanted(
            text=fields.needed_text(data, "input"),
            voice=self._voice(data.get("voice")),
            speaker=fields.text(data, "speaker"),
            length_scale=self._length_scale(fields.number(data, "speed", _SLOWEST, _FASTEST)),
        )
        kind = fields.text(data, "response_format") or "mp3"
        if kind not in FORMATS:
            known = ", ".join(FORMATS)
            raise NotSupportedError(
                f"response_format {kind[:20]!r} is not made here; there are: {known}",
                "response_format",
            )
        if (fields.text(data, "stream_format") or "audio") != "audio":
            raise NotSupportedError("stream_format can only be audio", "stream_format")
        return await self._speech.answer(request, wanted, FORMATS[kind])

    async def _models(self, _: web.Request) -> web.Response:
        models = [self._described(name) for name in MODELS]
        return web.json_response({"object": "list", "data": models})

    async def _model(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if name not in MODELS:
            raise NotFoundError(f"there is no model {name[:40]!r}; there are: {', '.join(MODELS)}")
        return web.json_response(self._described(name))

    def _described(self, model: str) -> dict[str, Any]:
        created = int(self._operations.status().started_at)
        return {"id": model, "object": "model", "created": created, "owned_by": "piper"}

    async def _voices(self, _: web.Request) -> web.Response:
        voices = [
            {"id": voice.name, "name": voice.name, "language": voice.language}
            for voice in self._operations.voices
        ]
        return web.json_response({"voices": voices})

    def _voice(self, value: Any) -> str | None:
        """The voice that is asked for; ``None`` for the default one."""
        name = fields.needed_text(value, "id") if isinstance(value, dict) else value
        if name is not None and not isinstance(name, str):
            raise BadRequestError("voice must be a name", "voice")
        if name in VOICES and name not in self._operations.synthesizer.library:
            return None
        return name or None

    def _length_scale(self, speed: float | None) -> float | None:
        """Slower is longer; what the settings say counts as the speed of 1."""
        if speed is None or speed == 1:
            return None
        low, high = RANGES["length_scale"]
        usual = self._operations.synthesizer.defaults.options.length_scale or 1.0
        return min(max(usual / speed, low), high)


def _open(schema: Schema) -> Schema:
    """An object that may have other fields too; clients send some that change nothing here."""
    return {**schema, "additionalProperties": True}
