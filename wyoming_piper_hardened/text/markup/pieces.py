"""The parts that a text is read as: text, ends, changes of style."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Boundary:
    """An end of a segment that the text's form gives, and seconds of silence behind it."""

    ends_sentence: bool = True
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Style:
    """Style of what follows: its speed and its loudness, each as a factor."""

    rate: float = 1.0
    gain: float = 1.0


Piece = str | Boundary | Style
"""Consecutive strings are one text, wherever they are cut."""
