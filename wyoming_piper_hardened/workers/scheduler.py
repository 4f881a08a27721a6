"""Precedence among the requests that wait for a chunk.

Pure, over a clock that is passed in; times in seconds. A request is heard by somebody who plays it:
its *lead* is the audio that was made for it and has not been played yet. The chunk is the unit of
time: one that has begun is finished, then the next request is chosen.

A request waits for its next chunk at most `Limits.patience`, and then for one chunk of each request
that has waited longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from ..engine.schedule import OVERHEAD

KeyT = TypeVar("KeyT")

_FULL_MARGIN: Final = 3.0
"""What is added to the margin when the machine makes as many streams as it can. Found by simulation
of crowds, as the next: with less, those beyond the capacity made others run dry."""
_DEVIATIONS: Final = 2.0
"""Mean deviations that are added to the margin: no machine computes equally fast all the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of the precedence, in seconds."""

    patience: float = 30.0
    """Whoever has waited so long for a chunk comes first."""
    buffer: float = 10.0
    """Audio that is made and not taken yet, beyond which nothing more is made for a request."""


@dataclass(slots=True)
class Playback:
    """The clock of one listener, who plays audio from the moment when it is made."""

    made: float = 0.0
    """Seconds of audio so far."""
    taken: float = 0.0
    """Seconds that the client has accepted."""
    _begin: float | None = None

    @property
    def begun(self) -> bool:
        """Return whether any audio has been made."""
        return self._begin is not None

    @property
    def buffered(self) -> float:
        """Seconds that are made and not taken."""
        return self.made - self.taken

    def add(self, seconds: float, now: float) -> None:
        """Count audio that was made; a listener who had run dry goes on playing now."""
        if self._begin is None or now - self._begin > self.made:
            self._begin = now - self.made
        self.made += seconds

    def lead(self, now: float, since: float) -> float | None:
        """Seconds until the listener runs dry; below zero since then, ``None`` before any audio.

        `since` is when there was something to make: missing text is nobody's delay.
        """
        if self._begin is None:
            return None
        return max(self.made - (now - self._begin), min(0.0, since - now))


@dataclass(slots=True)
class Pace:
    """Time that a chunk takes on this machine: moving averages.

    Args:
        first: seconds of the first chunk of a sentence, with what comes before it.
        frame: seconds of each frame of any other, margins included.
        deviation: of what was measured from what was expected, as a part of that.
    """

    first: float = 0.1
    frame: float = 0.001
    deviation: float = 0.0
    weight: float = 0.2

    def observe(self, seconds: float, frames: int | None) -> None:
        """Take a chunk into account; `frames` as in `expected`."""
        deviation = abs(seconds / self.expected(frames) - 1)
        self.deviation += self.weight * (deviation - self.deviation)
        if frames is None:
            self.first += self.weight * (seconds - self.first)
        else:
            self.frame += self.weight * (seconds / (frames + OVERHEAD) - self.frame)

    def expected(self, frames: int | None) -> float:
        """Return the seconds that a chunk will take.

        `frames` is ``None`` for the first chunk of a sentence, and for a whole one.
        """
        return self.first if frames is None else self.frame * (frames + OVERHEAD)


@dataclass(frozen=True, slots=True)
class Claim(Generic[KeyT]):
    """A request for which a chunk can be computed now."""

    key: KeyT
    since: float
    """When it began to wait for this chunk."""
    lead: float | None
    """As `Playback.lead`."""
    seconds: float = 0.0
    """What its chunk is expected to take."""
    computing: int = 0
    """Chunks that are being computed for it already."""


def precedence(
    claims: Iterable[Claim[KeyT]],
    now: float,
    *,
    pace: Pace,
    threads: int,
    capacity: float,
    patience: float,
) -> list[Claim[KeyT]]:
    """Return the claims in the order in which they are served.

    1. Those that have waited longer than `patience`, the longest first.
    2. Those who would run dry if a newcomer came first, the least lead first.
    3. Those who have heard nothing yet, in the order in which they came. A connection has one
       request at a time, so that is fair to all.
    4. Those with lead, the least first.
    5. Further chunks of those for whom one is being computed.

    Args:
        claims: of each request at most one; those who share a chunk may have one together.
        now: the time.
        pace: what a chunk takes.
        threads: chunks that are computed at once.
        capacity: streams that can be made in real time.
        patience: seconds.
    """
    waiting, overdue, served = list[Claim[KeyT]](), list[Claim[KeyT]](), list[Claim[KeyT]]()
    for claim in claims:
        kind = served if claim.computing else overdue if now - claim.since >= patience else waiting
        kind.append(claim)
    newcomers = sorted((c for c in waiting if c.lead is None), key=lambda claim: claim.since)
    begun = sorted((c for c in waiting if c.lead is not None), key=_lead)
    urgent = count_urgent(begun, pace, threads, capacity)
    return [
        *sorted(overdue, key=lambda claim: claim.since),
        *begun[:urgent],
        *newcomers,
        *begun[urgent:],
        *sorted(served, key=lambda claim: (claim.computing, _lead(claim))),
    ]


def count_urgent(begun: Sequence[Claim[KeyT]], pace: Pace, threads: int, capacity: float) -> int:
    """Return how many of the begun, by lead, come before a newcomer's first chunk.

    The others outlast it: each would get its next chunk in time if all are served one after the
    other behind the newcomer, even if everything took some times as long. That margin grows with
    how unevenly the machine computes, and with the square of the part of its capacity that is
    taken: a newcomer beyond the capacity takes from the others for as long as it is heard, one
    within it only for the moment.
    """
    taken = min(1.0, len(begun) / capacity)
    margin = 1.0 + _DEVIATIONS * pace.deviation + _FULL_MARGIN * taken**2
    urgent, work, longest = 0, 0.0, 0.0
    for number, claim in enumerate(begun, start=1):
        work += claim.seconds
        longest = max(longest, claim.seconds)
        if _lead(claim) < margin * (pace.first + max(work / threads, longest)):
            urgent = number
    return urgent


def _lead(claim: Claim[KeyT]) -> float:
    return 0.0 if claim.lead is None else claim.lead
