"""Cost of speaking a text, and the most that is spoken at once. Pure; the server uses it, too.

A character may be a sound or the name of a symbol, twenty times as long, so characters bound
nothing. The unit here is a phoneme at the voice's usual speed, 0.04 to 0.1 s of speech.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..errors import SynthesisError
from .synthesis.phrasing import MOST_PHONEMES

MAX_SEGMENT_COST: Final = 8000.0
"""A segment that costs more is refused: 500 characters of prose cost 600, of digits 1,900."""

MAX_PIECE_COST: Final = 1500.0
"""Most that is spoken at once, one or two minutes; what costs more is spoken in pieces."""

_PHRASE: Final = 20
"""Added for each phrase: the pause around it."""

_SECONDS: Final = 0.4
"""More audio for a unit than that is a mistake of the voice."""

MAX_PIECE_SECONDS: Final = MAX_PIECE_COST * _SECONDS
"""No piece has more audio."""

MAX_PHONEME_SECONDS: Final = 1.0
"""At the usual speed. At a high ``noise_w_scale`` some phonemes would last a minute."""

MAX_UNSPLIT_NOISE_W: Final = 1.0
"""The most of ``noise_w_scale`` that a voice gets whose durations cannot be bounded in between.

Some phonemes would last hours: at 1.0 none lasted 2 s at a quarter of the usual speed, at 2.0 some
more than a minute, and all of a phrase is made at once.
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """Phrases that are spoken at once, each with its number; `rest` is the number of the next."""

    phrases: tuple[tuple[int, list[int]], ...]
    rest: int | None


def slowness(length_scale: float) -> float:
    """Return the factor of a speed on costs; faster speech is computed no faster."""
    return max(1.0, length_scale)


def phrase_limit(length_scale: float) -> int:
    """Return the most phonemes of a phrase: slow speech needs the memory of a long sentence."""
    return int(MOST_PHONEMES / slowness(length_scale))


def phrase_cost(ids: Sequence[int], length_scale: float) -> float:
    """Return the cost of a phrase of phoneme ids, of which every other one is padding."""
    return (len(ids) // 2 + _PHRASE) * slowness(length_scale)


def choose_piece(phrases: Sequence[list[int]], start: int, length_scale: float) -> Piece:
    """Return what is spoken at once of a segment, from phrase `start` on.

    Raises:
        SynthesisError: the segment, or a phrase, costs too much.
    """
    costs = [phrase_cost(ids, length_scale) for ids in phrases]
    if sum(costs) > MAX_SEGMENT_COST or max(costs, default=0.0) > MAX_PIECE_COST:
        raise SynthesisError(
            f"{sum(costs) / slowness(length_scale):.0f} phonemes are too many for one segment: at "
            f"this speed {MAX_SEGMENT_COST / slowness(length_scale):.0f} are the most. A voice of "
            "the text's language does not read out the names of its characters"
        )
    cost, stop = 0.0, start
    while stop < len(costs) and cost + costs[stop] <= MAX_PIECE_COST:
        cost += costs[stop]
        stop += 1
    rest = stop if stop < len(costs) else None
    return Piece(tuple((index, phrases[index]) for index in range(start, stop)), rest)


def check_length(seconds: float, ids: Sequence[int], length_scale: float) -> None:
    """Raise SynthesisError for a phrase that lasts longer than speech can."""
    if seconds > _SECONDS * phrase_cost(ids, length_scale):
        raise SynthesisError(
            f"the voice makes {seconds:.0f} s of {len(ids) // 2} phonemes; lower noise_w_scale, or "
            "choose another voice"
        )
