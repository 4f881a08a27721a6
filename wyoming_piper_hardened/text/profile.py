"""The circumstances that decide how text is spoken."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .dictionary.entries import Dictionary
from .segmenter import MAX_SEGMENT_CHARS


class TextMode(StrEnum):
    """Degree to which a text is changed before it is spoken."""

    ON = "on"
    MARKS = "marks"
    """Characters, Markdown, thoughts and punctuation, but no numbers."""
    OFF = "off"


class TextFormat(StrEnum):
    """Markup of a text."""

    AUTO = "auto"
    """SSML if it begins with ``<speak``, else Markdown or plain text."""
    TEXT = "text"
    SSML = "ssml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Who speaks a text, and what is done to it.

    Args:
        language: the voice's language, as ``de``, ``de_DE`` or ``de-de``.
        phoneme_type: of the voice; numbers and marks are changed for ``espeak`` alone, other
            phonemizers have rules of their own.
        mode: how much is changed.
        text_format: what the text is written in.
        dictionary: the user's own pronunciations.
        phonemes: the voice's phonemes; ``[[ ]]`` in a text holds phonemes only if all of them
            are among these.
        max_chars: no segment's text is longer.
        early_start: whether the first sentence of a text that arrives as a stream is cut at its
            first clause mark behind at least three words.
    """

    language: str = "en"
    phoneme_type: str = "espeak"
    mode: TextMode = TextMode.ON
    text_format: TextFormat = TextFormat.AUTO
    dictionary: Dictionary = field(default_factory=Dictionary)
    phonemes: frozenset[str] = frozenset()
    max_chars: int = MAX_SEGMENT_CHARS
    early_start: bool = False

    @property
    def numbers(self) -> bool:
        """Whether numbers and units are put into words."""
        return self.mode is TextMode.ON and self.phoneme_type == "espeak"
