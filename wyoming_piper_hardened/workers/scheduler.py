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
from math import ceil
from typing import Final, Generic, TypeVar

KeyT = TypeVar("KeyT")

_LEAST_MARGIN: Final = 1.0
_FULL_MARGIN: Final = 3.0
"""What is added when the machine makes as many streams as it can: a newcomer needs its second chunk
soon, and chunks grow. Found by simulation of crowds: with less, those beyond the capacity made
others run dry; with as much on a machine that has time, newcomers waited longer for nothing."""


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
    """Time that a chunk takes on this machine: moving averages of seconds.

    Args:
        first: the first chunk of a sentence, with what comes before it.
        further: any other.
    """

    first: float = 0.1
    further: float = 0.1
    weight: float = 0.2

    def observe(self, seconds: float, *, first: bool) -> None:
        """Take a chunk into account."""
        if first:
            self.first += self.weight * (seconds - self.first)
        else:
            self.further += self.weight * (seconds - self.further)


@dataclass(frozen=True, slots=True)
class Claim(Generic[KeyT]):
    """A request for which a chunk can be computed now."""

    key: KeyT
    since: float
    """When it began to wait for this chunk."""
    lead: float | None
    """As `Playback.lead`."""
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
        claims: of each request at most one.
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
    urgent = count_urgent([_lead(claim) for claim in begun], pace, threads, capacity)
    return [
        *sorted(overdue, key=lambda claim: claim.since),
        *begun[:urgent],
        *newcomers,
        *begun[urgent:],
        *sorted(served, key=lambda claim: (claim.computing, _lead(claim))),
    ]


def count_urgent(leads: Sequence[float], pace: Pace, threads: int, capacity: float) -> int:
    """Return how many of the begun, by lead, come before a newcomer's first chunk.

    The others outlast it: each would get its next chunk in time if all are served one after the
    other behind the newcomer, even if everything took some times as long. So the reserve grows with
    what a chunk takes, with the number of those who have begun, and with the part of the capacity
    that they take.
    """
    taken = min(1.0, len(leads) / capacity)
    margin = _LEAST_MARGIN + _FULL_MARGIN * taken
    for number in range(len(leads), 0, -1):
        behind = pace.first + pace.further * ceil(number / threads)
        if leads[number - 1] < margin * behind:
            return number
    return 0


def _lead(claim: Claim[KeyT]) -> float:
    return 0.0 if claim.lead is None else claim.lead
