"""The last lines of the log, for people who never see a terminal."""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..system.log_format import escaped
from .events import Event
from .public import public

_KEPT = 200
_MAX_CHARS = 1000


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of the log.

    `at` is in seconds since the epoch, `level` such as ``info`` or ``warning``. `event` and
    `params` are those of the event; `event` is empty for a line that is none. `text` is English.
    """

    at: float
    level: str
    event: str
    text: str
    params: Mapping[str, Any] = field(default_factory=dict)


class RecentLog(logging.Handler):
    """Keeps the package's last log lines; like the log itself it never holds spoken text."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: deque[LogEntry] = deque(maxlen=_KEPT)
        self._public: deque[LogEntry] = deque(maxlen=_KEPT)

    def __iter__(self) -> Iterator[LogEntry]:
        """Iterate over the entries, oldest first."""
        return iter(tuple(self._entries))

    def public(self) -> tuple[LogEntry, ...]:
        """Return the entries for others than the owner, without lines that are no events."""
        return tuple(self._public)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line, without a traceback."""
        level = record.levelname.lower()
        try:
            if isinstance(record.msg, Event):
                name, params = record.msg.name, public(record.msg.params)
                self._entries.append(_entry(record.created, level, record.msg))
                self._public.append(_entry(record.created, level, Event(name, **params)))
            else:
                text = escaped(record.getMessage(), _MAX_CHARS)
                self._entries.append(LogEntry(record.created, level, "", text))
        except Exception:  # noqa: BLE001 - as every handler, or a wrong format ends the program
            self.handleError(record)


def _entry(at: float, level: str, event: Event) -> LogEntry:
    params = {
        key: escaped(value, _MAX_CHARS) if isinstance(value, str) else value
        for key, value in event.params.items()
    }
    return LogEntry(at, level, event.name, escaped(str(event), _MAX_CHARS), params)


@contextlib.contextmanager
def collect_log() -> Iterator[RecentLog]:
    """Collect everything that the package logs within the context."""
    recent, logger = RecentLog(), logging.getLogger(__name__.partition(".")[0])
    logger.addHandler(recent)
    try:
        yield recent
    finally:
        logger.removeHandler(recent)
