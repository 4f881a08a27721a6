"""Presets: voices with options of their own, under names of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from ..system.foreign_json import parse_json
from . import types
from .types import Check, NotAllowedError

MOST = 100
NAME_LENGTH = 60
MOST_LINES = 50
LINE_LENGTH = 260
_NO_TEXT = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
LINE = rf"[^={_NO_TEXT}]*[^\W_][^={_NO_TEXT}]*=[^{_NO_TEXT}]*"
"""A line of a preset's dictionary: a word with a letter or digit, ``=``, what is spoken for it."""
_SECONDS = types.number(0, 5, " (seconds)")

SPEAKER = Check("a speaker's name or number", types.speaker)
SCALES: Mapping[str, Check] = {
    "length_scale": types.number(0.25, 4),
    "noise_scale": types.number(0, 2),
    "noise_w_scale": types.number(0, 2),
    "volume": types.number(0, 4),
}
SILENCES: Mapping[str, Check] = {
    "sentence_silence": _SECONDS,
    "silence_before": _SECONDS,
    "silence_after": _SECONDS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A voice with options of its own; what is ``None`` is as the settings say."""

    name: str
    voice: str
    speaker: str | None = None
    length_scale: float | None = None
    noise_scale: float | None = None
    noise_w_scale: float | None = None
    volume: float | None = None
    sentence_silence: float | None = None
    silence_before: float | None = None
    silence_after: float | None = None
    dictionary: tuple[str, ...] = ()
    """Lines ``WORD = SPOKEN``, which win over the user's dictionary; of two for a word the last."""


def split_line(line: str) -> tuple[str, str]:
    """Return the word of a dictionary's line, and what is spoken for it."""
    word, _, spoken = line.partition("=")
    return " ".join(word.split()), spoken.strip()


def _dictionary(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError
    lines = tuple(types.text(item) for item in value if item != "")
    "".join(lines).encode()  # raises for half of a character
    if len(lines) > MOST_LINES or not all(map(_is_line, lines)):
        raise ValueError
    return lines


def _is_line(text: str) -> bool:
    return len(text) <= LINE_LENGTH and re.fullmatch(LINE, text) is not None


def preset_name(value: object) -> str:
    """Return the name of a preset without blanks around it; raises ValueError."""
    name = types.text(value)
    if len(name) > NAME_LENGTH or not name.isprintable():
        raise ValueError
    return name


_CHECKS: Mapping[str, Check] = {
    "name": Check(f"a text of at most {NAME_LENGTH} characters", preset_name),
    "voice": Check("the name of a voice, such as en_US-joe-medium", types.text),
    "speaker": SPEAKER,
    **SCALES,
    **SILENCES,
    "dictionary": Check(
        f"a list of at most {MOST_LINES} texts WORD = SPOKEN of at most {LINE_LENGTH} characters",
        _dictionary,
    ),
}
_REQUIRED = [f.name for f in fields(Preset) if f.default is MISSING]


def _parse(value: object) -> tuple[Preset, ...]:
    if isinstance(value, str):  # of a variable or a flag
        value = parse_json(value.encode())
    if not isinstance(value, list | tuple) or len(value) > MOST:
        raise ValueError
    presets = tuple(_preset(f"preset {number}", item) for number, item in enumerate(value, 1))
    _check_names(presets)
    return presets


def preset_of(values: Mapping[str, object]) -> Preset:
    """Return a preset of a name, a voice and options, checked as those of the setting.

    Raises:
        NotAllowedError: says which part is not allowed, and what would be.
    """
    return _preset("the preset", dict(values))


def _preset(shown: str, value: object) -> Preset:
    if isinstance(value, Preset):
        return value
    if not isinstance(value, dict):
        raise NotAllowedError(f"{shown} is no object with a name and a voice")
    given = {key: item for key, item in value.items() if item is not None and item != ""}
    if unknown := [repr(key)[:40] for key in given if key not in _CHECKS]:
        known = ", ".join(_CHECKS)
        raise NotAllowedError(f"{shown}: {unknown[0]} is no part of a preset; there are: {known}")
    if missing := [key for key in _REQUIRED if key not in given]:
        raise NotAllowedError(f"{shown} has no {missing[0]}")
    return Preset(**{key: _part(shown, key, item) for key, item in given.items()})


def _part(shown: str, key: str, value: object) -> Any:
    try:
        return _CHECKS[key](value)
    except (ValueError, TypeError):
        allowed = _CHECKS[key].allowed
        raise NotAllowedError(
            f"{shown}: {key}: {repr(value)[:80]} is not allowed; allowed: {allowed}"
        ) from None


def _check_names(presets: tuple[Preset, ...]) -> None:
    """Raise NotAllowedError for a name that stands twice, or is that of a voice or of a preset."""
    voices = {preset.voice for preset in presets}
    seen: set[str] = set()
    for preset in presets:
        name = preset.name.casefold()
        if name in seen:
            raise NotAllowedError(f"two presets are called {preset.name!r}")
        seen.add(name)
        if preset.name in voices:
            raise NotAllowedError(f"the preset {preset.name!r} is called like the voice of one")


PRESETS = Check(
    f"a list of at most {MOST} objects with a name, a voice, and any of speaker, "
    f"{', '.join((*SCALES, *SILENCES))}, dictionary; as JSON in a flag or variable",
    _parse,
)
