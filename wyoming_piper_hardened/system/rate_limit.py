"""Rate limit: pure, over a clock that is passed in."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field


@dataclass(slots=True)
class RateLimit:
    """Allows `limit` times within any `period` seconds of one clock."""

    limit: int = 30
    period: float = 60.0
    _times: deque[float] = field(default_factory=deque)

    def allow(self, now: float) -> bool:
        """Return whether it may be done at time `now`; that counts as done."""
        while self._times and now - self._times[0] >= self.period:
            self._times.popleft()
        if len(self._times) >= self.limit:
            return False
        self._times.append(now)
        return True


@dataclass(slots=True)
class RateLimits:
    """A `RateLimit` for each of some callers.

    Remembers at most `callers` that have done anything within the last `period` seconds; those
    beyond share one limit, so that no crowd takes memory.
    """

    limit: int = 30
    period: float = 60.0
    callers: int = 1000
    _limits: dict[Hashable, RateLimit] = field(default_factory=dict)
    _last: dict[Hashable, float] = field(default_factory=dict)

    def allow(self, caller: Hashable, now: float) -> bool:
        """Return whether `caller` may do it at time `now`; that counts as done."""
        if caller not in self._limits and len(self._limits) >= self.callers:
            for idle in [one for one, last in self._last.items() if now - last >= self.period]:
                del self._limits[idle], self._last[idle]
            if len(self._limits) >= self.callers:
                caller = None
        self._last[caller] = now
        return self._limits.setdefault(caller, RateLimit(self.limit, self.period)).allow(now)
