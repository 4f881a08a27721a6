"""How much of what the workers can do is taken: real-time streams, measured on this machine."""

from __future__ import annotations

import math
from dataclasses import dataclass

_WINDOW = 60.0
"""Seconds of computing in which an older measurement loses two thirds of its weight."""


@dataclass(slots=True)
class Throughput:
    """Audio that one thread makes in a second of computing: a moving average."""

    _audio: float = 0.0
    _seconds: float = 0.0

    def observe(self, seconds: float, audio: float) -> None:
        """Take into account that a thread made `audio` seconds in `seconds` of computing."""
        kept = math.exp(-seconds / _WINDOW)
        self._seconds = kept * self._seconds + seconds
        self._audio = kept * self._audio + audio

    @property
    def rate(self) -> float:
        """Real-time streams for a thread; before anything was measured one, so not too many."""
        return self._audio / self._seconds if self._audio > 0 and self._seconds > 0 else 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """Load of the workers, in streams: requests that are heard while they are made."""

    streams: int
    """Requests that are admitted at present."""
    capacity: float
    """Streams that the workers can make in real time."""

    @property
    def saturation(self) -> float:
        """The part of the capacity that is taken; above 1 some listeners wait."""
        return self.streams / self.capacity
