"""One breaker for each voice version: a voice that kills workers stops being tried.

Pure: the clock is passed in. A version is named by the path of its model, so a voice that was
mended (a new version) starts with a closed breaker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ..restart import RestartDecider, RestartHistory


class BreakerState(StrEnum):
    """Whether a voice is tried."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(slots=True)
class _Breaker:
    history: RestartHistory = field(default_factory=RestartHistory)
    reason: str = ""
    probe_at: float | None = None
    probing: bool = False


@dataclass(slots=True)
class Breakers:
    """The breakers of all voices.

    Args:
        decider: the same policy as for restarts: `intensity` failures within `period` open a
            breaker, a permanent failure opens it at once, probes follow with growing delay.
    """

    decider: RestartDecider
    _breakers: dict[str, _Breaker] = field(default_factory=dict)

    def state(self, model: str, now: float) -> BreakerState:
        """How a voice stands."""
        breaker = self._breakers.get(model)
        if breaker is None or breaker.probe_at is None:
            return BreakerState.CLOSED
        waiting = now < breaker.probe_at or breaker.probing
        return BreakerState.OPEN if waiting else BreakerState.HALF_OPEN

    def admit(self, model: str, now: float) -> bool:
        """Whether a segment may be tried; in the half-open state exactly one is, as a probe."""
        state = self.state(model, now)
        if state is BreakerState.HALF_OPEN:
            self._breakers[model].probing = True
        return state is not BreakerState.OPEN

    def failed(self, model: str, reason: str, now: float, *, permanent: bool = False) -> bool:
        """Count a failure against the voice; returns whether its breaker is open now."""
        breaker = self._breakers.setdefault(model, _Breaker())
        if breaker.probe_at is not None and not breaker.probing:
            return True  # it is open already: this was no probe
        verdict = self.decider.failed(breaker.history, now, permanent=permanent)
        breaker.history, breaker.reason, breaker.probing = verdict.history, reason, False
        breaker.probe_at = now + verdict.delay if verdict.fatal else None
        return verdict.fatal

    def succeeded(self, model: str) -> None:
        """The voice spoke: close its breaker."""
        self._breakers.pop(model, None)

    def undecided(self, model: str) -> None:
        """A probe ended without telling anything about the voice; the next one may try."""
        if breaker := self._breakers.get(model):
            breaker.probing = False

    def reset(self, model: str | None = None) -> None:
        """Close the breaker of one voice, or of all, by hand."""
        if model is None:
            self._breakers.clear()
        else:
            self._breakers.pop(model, None)

    def reason(self, model: str) -> str:
        """Why the breaker is open; empty when it is closed."""
        breaker = self._breakers.get(model)
        return "" if breaker is None or breaker.probe_at is None else breaker.reason

    def open_ones(self) -> dict[str, str]:
        """The voices whose breaker is open or half-open, and why."""
        return {m: b.reason for m, b in self._breakers.items() if b.probe_at is not None}

    def probe_in(self, model: str, now: float) -> float:
        """Seconds until the voice is tried again; 0 when it may be."""
        breaker = self._breakers.get(model)
        if breaker is None or breaker.probe_at is None:
            return 0.0
        return max(0.0, breaker.probe_at - now)
