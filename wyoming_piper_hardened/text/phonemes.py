"""``[[ phonemes ]]`` within a text."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BLOCK = re.compile(r"\[\[([^\[\]]{0,300})\]\]")
_FOLLOWING = re.compile(r"(?:\s{0,3}[.,;:!?]){1,3}")
_STRESS = frozenset("ˈˌ")
_LONGEST = 200


def pieces(text: str, known: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """Yield the parts of `text`, and of each whether it is a block of phonemes.

    A block that is not phonemes of the voice is a wiki's link: its label is yielded as text.
    """
    if "[[" not in text:
        yield text, False
        return
    plain, done = "", 0
    for match in _BLOCK.finditer(text):
        plain += text[done : match.start()]
        done = match.end()
        if are_phonemes(match[1], known):
            yield plain, False
            yield match[0], True
            plain = ""
        else:
            plain += match[1].rpartition("|")[2]
    yield plain + text[done:], False


def are_phonemes(text: str, known: frozenset[str]) -> bool:
    """Return whether `text` is written in phonemes of the voice, and not a word in ASCII."""
    return (
        0 < len(text.strip()) <= _LONGEST
        and all(char in known for char in text)
        and (any(char in _STRESS for char in text) or not text.isascii())
    )


def block(phonemes: str) -> str:
    """Return phonemes as they stand in a text."""
    return f"[[{phonemes}]]"


def joined(parts: list[tuple[str, bool]]) -> str:
    """Join parts; a mark behind a block goes into it, for piper drops what follows a block."""
    text = ""
    for part, phonemes in parts:
        if not phonemes and text.endswith("]]") and (match := _FOLLOWING.match(part)):
            mark = match[0].strip()[0]
            text = f"{text[:-2].rstrip()}{mark}]]"
            part = part[match.end() :]  # noqa: PLW2901 - its mark is in the block
        text += part
    return text
