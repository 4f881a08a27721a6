"""The heartbeat of an engine: progress with what it computes, or answers to pings. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .answers import OpenSegment


@dataclass(frozen=True, slots=True)
class Hung:
    """An engine makes no progress: with these segments, for so many seconds."""

    segments: Sequence[OpenSegment]
    seconds: float


@dataclass(frozen=True, slots=True)
class PingDue:
    """An idle engine has to be sent a ping."""


@dataclass(slots=True)
class Heartbeat:
    """Knows how long an engine has been quiet.

    Args:
        idle: seconds after which an idle engine is sent a ping, and within which it answers it.
        margin: seconds that an event may have come before the look that counts it.
    """

    idle: float
    margin: float
    _quiet: float = 0.0
    _pinged: bool = False

    def heard(self, segment: OpenSegment | None = None) -> None:
        """Count from now on: an event has come, or something has been asked for."""
        self._quiet = 0.0
        if segment is not None:
            segment.quiet = 0.0

    def answered(self) -> bool:
        """Take the answer to a ping; return whether there was one to answer."""
        pinged, self._pinged = self._pinged, False
        return pinged

    def look(
        self,
        seconds: float,
        segments: Iterable[OpenSegment],
        timeout: Callable[[OpenSegment], float],
    ) -> Hung | PingDue | None:
        """Let `seconds` pass, and return what is to be done.

        Args:
            seconds: since the last look.
            segments: those that are being computed.
            timeout: seconds that one may be quiet.
        """
        self._quiet += seconds
        computing = list(segments)
        for segment in computing:
            segment.quiet += seconds
        late = [s for s in computing if s.quiet >= timeout(s) + self.margin]
        if late:
            alive = self._quiet < late[0].quiet  # it goes on with others
            return Hung(late if alive else computing, timeout(late[0]))
        if computing or self._quiet < self.idle + self.margin:
            return None
        if self._pinged:
            return Hung((), self.idle)
        self._pinged, self._quiet = True, 0.0
        return PingDue()
