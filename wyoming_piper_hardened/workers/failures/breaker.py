"""One breaker for each voice version: a voice that kills workers stops being tried.

Pure: the clock is passed in. A voice that was repaired has a new version, which starts with a
closed breaker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ...engine.messages import VoiceVersion
from ...processes.restart import RestartDecider, RestartHistory
from ...reporting.issues import Failure


class BreakerState(StrEnum):
    """The states of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(slots=True)
class _Breaker:
    history: RestartHistory = field(default_factory=RestartHistory)
    failure: Failure | None = None
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
    _breakers: dict[VoiceVersion, _Breaker] = field(default_factory=dict)

    def state(self, voice: VoiceVersion, now: float) -> BreakerState:
        """Return the state of a voice's breaker."""
        breaker = self._breakers.get(voice)
        if breaker is None or breaker.probe_at is None:
            return BreakerState.CLOSED
        waiting = now < breaker.probe_at or breaker.probing
        return BreakerState.OPEN if waiting else BreakerState.HALF_OPEN

    def admit(self, voice: VoiceVersion, now: float) -> bool:
        """Return whether a segment may be tried; when half-open exactly one is, as a probe."""
        state = self.state(voice, now)
        if state is BreakerState.HALF_OPEN:
            self._breakers[voice].probing = True
        return state is not BreakerState.OPEN

    def failed(
        self, voice: VoiceVersion, failure: Failure, now: float, *, permanent: bool = False
    ) -> bool:
        """Count a failure against the voice; returns whether its breaker is open now."""
        breaker = self._breakers.setdefault(voice, _Breaker())
        if breaker.probe_at is not None and not breaker.probing:
            return True  # it is open already: this was no probe
        verdict = self.decider.failed(breaker.history, now, permanent=permanent)
        breaker.history, breaker.failure, breaker.probing = verdict.history, failure, False
        breaker.probe_at = now + verdict.delay if verdict.fatal else None
        return verdict.fatal

    def succeeded(self, voice: VoiceVersion) -> None:
        """Close the breaker of a voice that has spoken."""
        self._breakers.pop(voice, None)

    def undecided(self, voice: VoiceVersion) -> None:
        """Allow another probe: this one ended without a result."""
        if breaker := self._breakers.get(voice):
            breaker.probing = False

    def reset(self, voice: VoiceVersion | None = None) -> None:
        """Close the breaker of one voice, or of all, by hand."""
        if voice is None:
            self._breakers.clear()
        else:
            self._breakers.pop(voice, None)

    def open_ones(self) -> dict[VoiceVersion, Failure]:
        """Return the voices whose breaker is open or half-open, and their last failures."""
        return {
            voice: breaker.failure
            for voice, breaker in self._breakers.items()
            if breaker.probe_at is not None and breaker.failure is not None
        }

    def probe_in(self, voice: VoiceVersion, now: float) -> float:
        """Return the seconds until the voice is tried again; 0 when it may be."""
        breaker = self._breakers.get(voice)
        if breaker is None or breaker.probe_at is None:
            return 0.0
        return max(0.0, breaker.probe_at - now)
