"""Restart policy: when a process is started again; pure, over a clock that is passed in.

Back-off grows from failure to failure. `intensity` failures within `period` seconds are fatal: no
further start but one probe after `probe_delay`, which doubles from probe to probe. Success (a
process that became ready and served, or stayed healthy for `okay_delay`) forgets everything. The
terms are those of Erlang's supervisors and of Pebble.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """Limits of restarting; times in seconds."""

    backoff_delay: float = 0.5
    backoff_factor: float = 2.0
    backoff_limit: float = 30.0
    jitter: float = 0.1
    okay_delay: float = 30.0
    intensity: int = 5
    period: float = 60.0
    probe_delay: float = 300.0
    probe_limit: float = 3600.0


@dataclass(frozen=True, slots=True)
class RestartHistory:
    """Memory of earlier failures; the initial value remembers none."""

    failures: tuple[float, ...] = ()
    """Times of the failures within the last period, oldest first."""
    streak: int = 0
    """Failures since the last success."""
    probes: int = 0
    """Failed probes since the breaker opened; 0 while it is closed."""


@dataclass(frozen=True, slots=True)
class Restart:
    """The verdict on a failure: start again after `delay` seconds; `fatal`: it is a probe."""

    delay: float
    fatal: bool
    history: RestartHistory


@dataclass(frozen=True, slots=True)
class RestartDecider:
    """Applies a policy. `random` supplies the jitter, so that a test can fix it."""

    policy: RestartPolicy = field(default_factory=RestartPolicy)
    random: Random = field(default_factory=Random)

    def failed(self, history: RestartHistory, now: float, *, permanent: bool = False) -> Restart:
        """Judge a failure at time `now`.

        `permanent` marks one that a retry cannot repair (exit code 3: the engine could not start):
        it is fatal at once.
        """
        policy = self.policy
        recent = (*(t for t in history.failures if now - t < policy.period), now)
        recent = recent[-policy.intensity :]
        if permanent or history.probes or len(recent) >= policy.intensity:
            delay = min(policy.probe_delay * 2**history.probes, policy.probe_limit)
            probes = min(history.probes + 1, 32)
            return Restart(
                delay, fatal=True, history=RestartHistory(recent, history.streak + 1, probes)
            )
        delay = self._backoff(history.streak)
        return Restart(delay, fatal=False, history=RestartHistory(recent, history.streak + 1))

    def excused(self, history: RestartHistory) -> Restart:
        """Back off after a failure that is charged elsewhere: it never becomes fatal."""
        delay = self._backoff(history.streak)
        return Restart(delay, fatal=False, history=replace(history, streak=history.streak + 1))

    def _backoff(self, streak: int) -> float:
        policy = self.policy
        delay = policy.backoff_delay * policy.backoff_factor ** min(streak, 64)
        return min(delay, policy.backoff_limit) * (1 + policy.jitter * self.random.uniform(-1, 1))


def backoff(first: float, limit: float) -> Iterator[float]:
    """Yield delays without end: `first`, then twice the one before, at most `limit`."""
    delay = first
    while True:
        yield delay
        delay = min(2 * delay, limit)
