"""Events as data: a name and parameters, rendered to English only for the log.

An event is logged like a message, ``_LOGGER.info(Event("voice-removed", voice=name))``: whatever
prints the record gets the sentence of `messages`, and `recent_log` keeps the data.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from . import messages
from .rate_limit import RateLimit


class Event:
    """Something that happened: `name` is a key of `messages.EVENTS`, `params` fill its template."""

    __slots__ = ("name", "params")

    def __init__(self, name: str, /, **params: Any) -> None:
        self.name = name
        self.params = params

    def __str__(self) -> str:
        return messages.event_text(self.name, self.params)


class LimitedLog:
    """Logs events as warnings, and as debug messages once there are very many of them."""

    def __init__(self, logger: logging.Logger, limit: RateLimit | None = None) -> None:
        self._logger = logger
        self._limit = limit or RateLimit()

    def warning(self, event: Event) -> None:
        """Log an event that outsiders can cause as often as they like."""
        allowed = self._limit.allow(time.monotonic())
        self._logger.log(logging.WARNING if allowed else logging.DEBUG, event)
