"""The last lines of the log, for people who never see a terminal."""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

_KEPT = 200
_MAX_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: when (seconds since the epoch), how grave (``info``, ``warning``, …), and what."""

    at: float
    level: str
    text: str


class RecentLog(logging.Handler):
    """Keeps what the package logs; like the log itself it never holds the text of a request."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: deque[Entry] = deque(maxlen=_KEPT)

    def __iter__(self) -> Iterator[Entry]:
        """The entries, oldest first."""
        return iter(tuple(self._entries))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line, without a traceback."""
        try:
            text = record.getMessage()[:_MAX_CHARS]
        except Exception:  # noqa: BLE001 - as every handler, or a wrong format ends the program
            self.handleError(record)
            return
        self._entries.append(Entry(record.created, record.levelname.lower(), text))


@contextlib.contextmanager
def collect_log() -> Iterator[RecentLog]:
    """A journal of everything that the package logs within the context."""
    journal, logger = RecentLog(), logging.getLogger(__package__)
    logger.addHandler(journal)
    try:
        yield journal
    finally:
        logger.removeHandler(journal)
