"""Phonemizers that voices are made for, and which of them are here.

piper-tts brings those of espeak, of text and of Hebrew. Those of Japanese and Thai need packages of
their own; they are used where somebody has installed them. That of pinyin would fetch a model from
elsewhere at its first sentence, so it is never used.
"""

from __future__ import annotations

from enum import StrEnum
from importlib.util import find_spec
from typing import Final, Self

from ...errors import PhonemizerMissingError

_PREFIX: Final = "phonemetype."
"""Prefix by which Python shows piper's own enumeration, in configurations of its training."""
_OTHER_NAMES: Final = {"espeak-ng": "espeak", "codepoints": "text"}


class Phonemizer(StrEnum):
    """The ways to make phonemes of a text, as ``phoneme_type`` of a configuration names them."""

    ESPEAK = "espeak"
    TEXT = "text"
    """Each character is a phoneme."""
    PINYIN = "pinyin"
    HEBREW = "hebrew"
    JAPANESE = "japanese"
    THAI = "thai"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the phonemizer of that name, as people and programs write it.

        Raises:
            ValueError: there is none.
        """
        name = text.strip().lower().removeprefix(_PREFIX).replace("_", "-")
        return cls(_OTHER_NAMES.get(name, name))


_PACKAGES: Final = {
    Phonemizer.JAPANESE: ("pyopenjtalk",),
    Phonemizer.THAI: ("tltk", "pandas", "unicode_rbnf"),
}
_EXTRAS: Final = {Phonemizer.JAPANESE: "ja", Phonemizer.THAI: "th"}


def _is_here(phonemizer: Phonemizer) -> bool:
    packages = _PACKAGES.get(phonemizer, ())
    return phonemizer is not Phonemizer.PINYIN and all(map(find_spec, packages))


AVAILABLE: Final = frozenset(filter(_is_here, Phonemizer))
"""The phonemizers that can be used in this process and its children."""


def check_available(phonemizer: Phonemizer, voice: str) -> None:
    """Raise PhonemizerMissingError if a voice needs a phonemizer that is not here."""
    if phonemizer in AVAILABLE:
        return
    extra = _EXTRAS.get(phonemizer)
    hint = f"install the extra {extra!r} of piper-tts beside this program, or " if extra else ""
    raise PhonemizerMissingError(
        f"{voice} has the phoneme_type {phonemizer}, which cannot be spoken here; {hint}"
        "choose another voice of its language"
    )
