"""The event loop of the program: its clock stands still while the process does.

A process that was stopped, or whose machine slept, did not see what its peers did meanwhile; none
of them is late. Without this, all that was due in such a pause would be given up in the moment in
which the process goes on, before it has read anything.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable

_LOOK_INTERVAL = 1.0
"""Seconds that the loop waits at most before it looks at the clock."""
_PAUSE = 3.0
"""Seconds between two looks that show a pause; a loop that is merely busy takes less."""


class RunningClock:
    """Seconds of a monotonic clock without the pauses, as far as looks at it show them. Pure."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, pause: float = _PAUSE) -> None:
        self._clock = clock
        self._pause = pause
        self._last = clock()
        self._paused = 0.0

    def __call__(self) -> float:
        """Return the time; a gap of more than `pause` since the last look does not count."""
        now = self._clock()
        if now - self._last > self._pause:
            self._paused += now - self._last
        self._last = now
        return now - self._paused


class _BriefSelector(selectors.DefaultSelector):
    """Waits briefly, so that the loop looks at its clock."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready, perhaps nothing although `timeout` is not over."""
        brief = _LOOK_INTERVAL if timeout is None else min(timeout, _LOOK_INTERVAL)
        return super().select(brief)


class RunningLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is that of a `RunningClock`; timers of all libraries follow it."""

    def __init__(self, clock: RunningClock | None = None) -> None:
        self._running_clock = clock or RunningClock()
        super().__init__(_BriefSelector())

    def time(self) -> float:
        """Return the seconds that timers refer to."""
        return self._running_clock()
