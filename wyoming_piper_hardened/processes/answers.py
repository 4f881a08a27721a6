"""Segments that an engine has open, and its answers."""

from __future__ import annotations

from dataclasses import dataclass

from ..engine.cost import MAX_PIECE_SECONDS
from ..engine.messages import BYTES_PER_SAMPLE, SegmentRequest
from ..errors import SynthesisError, VoiceError

_MAX_RATE = 192_000  # hertz


@dataclass(slots=True, eq=False)
class OpenSegment:
    """A segment as the server sees it that had it opened."""

    id: int
    request: SegmentRequest
    computing: int = 0
    """Chunks that the engine has been told to compute and has not answered."""
    cancelled: bool = False
    rate: int = 0
    """Hertz, once the engine has said so."""
    size: int = 0
    """Bytes of audio so far."""
    quiet: float = 0.0
    """Seconds without progress, as long as it is being computed."""

    def begin(self, rate: object) -> bool:
        """Take the rate; return whether it can be one and is the first."""
        if self.rate or not isinstance(rate, int) or not 0 < rate <= _MAX_RATE:
            return False
        self.rate = rate
        return True

    def count(self, size: int) -> bool:
        """Count bytes of audio; return whether a piece can have so many."""
        self.size += size
        most = int(MAX_PIECE_SECONDS * self.rate) * BYTES_PER_SAMPLE
        return self.size <= most and size % BYTES_PER_SAMPLE == 0


@dataclass(frozen=True, slots=True)
class Audio:
    """Some PCM, 16-bit mono."""

    segment: OpenSegment
    pcm: bytes

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.pcm) / BYTES_PER_SAMPLE / self.segment.rate


@dataclass(frozen=True, slots=True)
class Computed:
    """A chunk is complete; `left` are known to follow."""

    segment: OpenSegment
    left: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The segment is complete, or cancelled; `rest` is the phrase to continue from, if any."""

    segment: OpenSegment
    rest: int | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The engine lives, but cannot load the voice or cannot speak the segment."""

    segment: OpenSegment
    error: SynthesisError | VoiceError


Answer = Audio | Computed | Ended | Rejected
