"""Very long sentences are spoken in phrases.

The encoder's attention grows with the square of a sentence's length: 500 characters of prose took
880 MB, as many digits twice that. Cut at a clause it needs no more than a sentence of 300, and
voices were trained on nothing longer anyway. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

MOST_PHONEMES = 320
"""About 320 characters of English, 640 phoneme ids: an ordinary sentence is never cut."""

_CLAUSES = frozenset(",;:—–،；，、")
_BLANKS = frozenset(" \t\n")
_LEAST = 0.6


def phrases(phonemes: Sequence[str], most: int = MOST_PHONEMES) -> list[list[str]]:
    """Cut `phonemes` into pieces of at most `most`, of about equal length.

    Each cut is at the clause mark nearest to where equal lengths would have it, else at the
    nearest blank, else right there. Joining the pieces gives back all that was given.
    """
    rest = list(phonemes)
    pieces: list[list[str]] = []
    while len(rest) > most:
        wanted = ceil(len(rest) / ceil(len(rest) / most))
        place = _nearest(rest, _CLAUSES, wanted, most) or _nearest(rest, _BLANKS, wanted, most)
        place = place or wanted
        pieces.append(rest[:place])
        rest = rest[place:]
    return [*pieces, rest] if rest else pieces


def _nearest(phonemes: list[str], marks: frozenset[str], wanted: int, most: int) -> int:
    """Return the place after a mark that is nearest to `wanted`; 0 if there is none."""
    places = (
        place for place in range(int(wanted * _LEAST), most + 1) if phonemes[place - 1] in marks
    )
    return min(places, key=lambda place: abs(place - wanted), default=0)
