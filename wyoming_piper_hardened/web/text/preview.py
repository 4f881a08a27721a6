"""``/api/text``: a text as it will be spoken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from aiohttp import web

from ...processes.phonemizer import Phonemizer
from ...speech.preview import TextPreview, preview
from ...speech.synthesizer import Synthesizer
from ...speech.text_stream import TextStream
from ...speech.voice_resolver import VoiceResolver
from ..audio.speech import FORMATS, MODES, SpokenText, treatment
from ..bodies.request_body import Note, RequestBody
from ..endpoint import JSON, Access, Endpoint, json_answer, json_body
from ..limits import WebLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBody:
    """A text to be shown as it will be spoken; ``None`` leaves it to the settings."""

    text: SpokenText
    voice: str | None = None
    text_format: Annotated[str | None, FORMATS] = None
    text_mode: Annotated[str | None, MODES] = None
    phonemes: Annotated[bool, Note("false leaves them out, which is faster")] = True


_TEXT = RequestBody(TextBody)


class PreviewEndpoint:
    """Shows how a text will be spoken.

    Args:
        resolver: chooses who would speak.
        synthesizer: knows how.
        phonemizer: makes the phonemes.
        limits: timeouts.
    """

    def __init__(
        self,
        resolver: VoiceResolver,
        synthesizer: Synthesizer,
        phonemizer: Phonemizer,
        limits: WebLimits,
    ) -> None:
        self._resolver = resolver
        self._synthesizer = synthesizer
        self._phonemizer = phonemizer
        self._limits = limits

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
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

    async def _preview(self, request: web.Request) -> web.Response:
        body = await _TEXT.read(request, self._limits.body_timeout)
        TextStream.of(body.text)  # raises for one that is too long
        target = self._resolver.resolve(body.voice)
        profile = self._synthesizer.profile(target, *treatment(body.text_mode, body.text_format))
        phonemizer = self._phonemizer if body.phonemes else None
        return json_answer(await preview(body.text, profile, phonemizer, target.voice.version))
