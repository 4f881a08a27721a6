"""Characters that no engine can speak are removed where text enters."""

from __future__ import annotations

import re
import unicodedata

import regex

_UNSPEAKABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
# Emoji with what joins and colours them, but not the signs among them that are spoken.
_PICTOGRAPH = regex.compile(
    r"[[\p{Extended_Pictographic}\p{Regional_Indicator}\p{Emoji_Modifier}\u200d\ufe0f\u20e3]"
    r"--[©®™°‼⁉]]",
    regex.VERSION1,
)
_SPOKEN_CATEGORIES = ("L", "N", "Sc")


def clean(text: str) -> str:
    """Replace control characters and lone surrogates by a space.

    Works character by character, so cleaning pieces equals cleaning the whole, and the length
    stays. White space, line ends and blank lines are kept: they are sentence boundaries.
    """
    return _UNSPEAKABLE.sub(" ", text)


def has_words(text: str) -> bool:
    """Return whether there is anything to say: a letter, a number or a currency sign.

    Emoji, markdown marks and blanks alone are not words; a segment of them is a silence.
    """
    return any(unicodedata.category(char).startswith(_SPOKEN_CATEGORIES) for char in text)


def without_pictographs(text: str) -> str:
    """Return `text` with a blank for each pictograph; a joiner within a word is none."""
    if text.isascii():
        return text
    return _PICTOGRAPH.sub(" ", text)


def speakable(text: str) -> str:
    """One line of text as the engine should get it.

    Line ends become spaces and pictographs are left out: espeak would read out the name of each,
    a minute of speech for a line of them. Without a final punctuation mark many voices clip the
    last sound, so a full stop is added where a letter or a number ends the text.
    """
    text = " ".join(_PICTOGRAPH.sub(" ", text).split())
    return text + "." if text and unicodedata.category(text[-1])[0] in "LN" else text
