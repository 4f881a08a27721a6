"""A text as it will be spoken, without speaking it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..engine.messages import PhonemesRequest, VoiceVersion
from ..errors import HardenedError
from ..processes.phonemizer import Phonemizer
from ..text.cleaner import has_words
from ..text.language_codes import in_espeak
from ..text.profile import Profile
from ..text.speech import segments, spoken


@dataclass(frozen=True, slots=True)
class SegmentPreview:
    """One segment: as it came and as the engine gets it."""

    text: str
    spoken: str
    phonemes: Sequence[str] | None
    """Those that the voice gets, by sentence; ``None`` if they were not asked for or not made."""
    pause: float
    """Seconds of silence behind it, besides what belongs between sentences."""
    rate: float
    gain: float


@dataclass(frozen=True, slots=True)
class PreviewProblem:
    """The reason why there are no phonemes."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class TextPreview:
    """Every segment of a text, in order."""

    segments: Sequence[SegmentPreview]
    problem: PreviewProblem | None = None


async def preview(
    text: str,
    profile: Profile,
    phonemizer: Phonemizer | None = None,
    voice: VoiceVersion | None = None,
) -> TextPreview:
    """Return how a whole text will be spoken.

    Args:
        text: the text.
        profile: how it is spoken.
        phonemizer: makes the phonemes; ``None`` leaves them out.
        voice: whose phonemes; ``None`` for those of the profile's language.
    """
    shown = await asyncio.to_thread(_segments, text, profile)
    if phonemizer is None:
        return TextPreview(shown)
    languages = () if voice is not None else in_espeak(profile.language)
    requests = [
        PhonemesRequest(segment.spoken, voice, languages)
        for segment in shown
        if has_words(segment.spoken)  # else the engine never gets it
    ]
    try:
        answers = iter(await phonemizer.phonemize(requests))
    except HardenedError as err:
        return TextPreview(shown, PreviewProblem(err.code, str(err)))
    return TextPreview(
        [
            replace(segment, phonemes=next(answers) if has_words(segment.spoken) else ())
            for segment in shown
        ]
    )


def _segments(text: str, profile: Profile) -> list[SegmentPreview]:
    return [
        SegmentPreview(part.text, spoken(part, profile), None, part.pause, part.rate, part.gain)
        for part in segments(text, profile)
    ]
