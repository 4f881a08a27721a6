"""Events as data: a name and parameters, rendered to English only for the log.

An event is logged like a message, ``_LOGGER.info(Event("voice-removed", voice=name))``: whatever
prints the record gets the sentence of `messages`, and `recent_log` keeps the data.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from ..system.rate_limit import RateLimit
from . import messages


class Event:
    """Something that happened: `name` is a key of `messages.EVENTS`, `params` fill its template."""

    __slots__ = ("name", "params")

    def __init__(self, name: str, /, **params: Any) -> None:
        self.name = name
        self.params = params

    def __str__(self) -> str:
        return messages.event_text(self.name, self.params)


class LimitedLog:
    """Logs events that outsiders can cause as often as they like; belongs to an event loop.

    Each level has a limit of its own. What is beyond it is a debug message, and one line says
    afterwards how many they were.
    """

    def __init__(
        self,
        logger: logging.Logger,
        limit: int = 4,
        period: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logger = logger
        self._clock = clock
        self._period = period
        self._limits = defaultdict[int, RateLimit](lambda: RateLimit(limit, period))
        self._left_out = 0

    def info(self, event: Event) -> None:
        """Log what is normal."""
        self.log(logging.INFO, event)

    def warning(self, event: Event) -> None:
        """Log what went wrong."""
        self.log(logging.WARNING, event)

    def exception(self, event: Event) -> None:
        """Log an error with the traceback of the exception that is being handled."""
        self.log(logging.ERROR, event, exc_info=True)

    def log(self, level: int, event: Event, *, exc_info: bool | None = None) -> None:
        """Log an event at a level, with the traceback of what is being handled if asked for."""
        if self._limits[level].allow(self._clock()):
            self._logger.log(level, event, exc_info=exc_info)
            return
        self._logger.debug(event, exc_info=exc_info)
        if not self._left_out:
            asyncio.get_running_loop().call_later(self._period, self._summarise)
        self._left_out += 1

    def _summarise(self) -> None:
        self._logger.warning(Event("messages-left-out", count=self._left_out))
        self._left_out = 0
