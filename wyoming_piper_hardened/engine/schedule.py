"""Schedules of frames that are decoded together. Pure; the unit is the frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Final

FIRST: Final = 20
"""First chunk on a machine that is fast enough: about a quarter of a second of speech."""

LARGEST: Final = 192
"""Chunks stop growing here: memory stays flat, and larger ones are not cheaper."""

FASTEST_GROWTH: Final = 2.0
OVERHEAD: Final = 22
"""Cost of a chunk's margins, as frames: 17 measured on a stock medium voice, and some more."""
_STEEPEST: Final = 16.0
"""Growth beyond which a request's schedule is surely a mistake."""
_MOST_STEPS: Final = 255
"""Chunks do not grow further than that: a higher power of the steepest growth would overflow."""
_UNCUT: Final = 1.5
"""A rest of up to so many chunks stays one chunk."""
_LONGEST: Final = 5.0
"""Seconds that a chunk may take: half of what an engine is given before it counts as hung."""
_RESERVE: Final = 1.3
"""Factor by which the machine may become slower than measured before playback waits."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Chunks of a sentence. Part of every request: equal bytes need equal chunks."""

    first: int
    growth: float
    largest: int

    def __post_init__(self) -> None:
        if not (1 <= self.first <= self.largest and 1.0 <= self.growth <= _STEEPEST):
            raise ValueError(f"not a schedule: {self}")

    def chunks(self, frames: int) -> Iterator[tuple[int, int]]:
        """(start, stop) of each chunk of a sentence, in order, without gaps.

        A rest of less than half a chunk joins the one before it: a short sentence is one chunk.
        """
        start, size = 0, float(self.first)
        while start < frames:
            rest = frames - start
            stop = frames if rest <= _UNCUT * int(size) else start + int(size)
            yield start, stop
            start, size = stop, min(size * self.growth, float(self.largest))

    def size(self, number: int) -> int:
        """Return the frames of a chunk by its number from 0 on; the last of a sentence differs."""
        growth = self.growth ** min(number, _MOST_STEPS)
        return int(min(self.first * growth, float(self.largest)))

    def to_list(self) -> list[float]:
        """For the wire: ``[first, growth, largest]``."""
        return [self.first, self.growth, self.largest]

    @classmethod
    def from_list(cls, values: list[float]) -> Schedule:
        """Read what `to_list` gave.

        Raises:
            ValueError: `values` is no schedule.
        """
        try:
            first, growth, largest = values
            return cls(int(first), float(growth), int(largest))
        except TypeError as error:
            raise ValueError(f"not a schedule: {values!r}") from error


DEFAULT: Final = Schedule(FIRST, FASTEST_GROWTH, LARGEST)
"""For a machine that is fast enough, when nothing is known of it."""

ONE_PASS: Final = Schedule(first=1 << 20, growth=1.0, largest=1 << 20)
"""Every sentence in one chunk."""


def choose(real_time_factor: float, frame: float = 256 / 22_050) -> Schedule:
    """Return the schedule where a frame of `frame` seconds takes `real_time_factor` times that.

    While a chunk plays the next one must be finished: ``(next + overhead) * factor <= chunk``. That
    bounds the growth and, on slow machines, the first chunk from below. A machine slower than
    speech gets the largest chunks: nothing avoids its pauses, so little of its time goes into
    margins. But not so large that the engine seems to hang.
    """
    factor = real_time_factor * _RESERVE
    if not factor < 1:  # also what is not a number
        longest_chunk = (_LONGEST / (factor * frame) - OVERHEAD) / _UNCUT
        largest = int(min(max(FIRST, longest_chunk), LARGEST))
        return Schedule(largest, 1.0, largest)
    first = min(max(FIRST, ceil(OVERHEAD * factor / (1 - factor))), LARGEST)
    growth = (first / factor - OVERHEAD) / first if factor > 0 else FASTEST_GROWTH
    return Schedule(first, round(min(max(growth, 1.0), FASTEST_GROWTH), 2), LARGEST)
