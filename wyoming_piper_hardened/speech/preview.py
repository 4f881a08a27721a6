"""A text as it will be spoken, without speaking it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..text.profile import Profile
from ..text.speech import segments, spoken


@dataclass(frozen=True, slots=True)
class SegmentPreview:
    """One segment: as it came and as the engine gets it."""

    text: str
    spoken: str
    pause: float
    """Seconds of silence behind it, besides what belongs between sentences."""
    rate: float
    gain: float


@dataclass(frozen=True, slots=True)
class TextPreview:
    """Every segment of a text, in order."""

    segments: Sequence[SegmentPreview]


def preview(text: str, profile: Profile) -> TextPreview:
    """Return how a whole text will be spoken. Takes a while for a long one."""
    return TextPreview(
        [
            SegmentPreview(part.text, spoken(part, profile), part.pause, part.rate, part.gain)
            for part in segments(text, profile)
        ]
    )
