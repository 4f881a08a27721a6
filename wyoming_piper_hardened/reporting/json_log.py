"""The log as JSON, for programs that collect it: one object a line."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from ..system.log_format import escaped
from .events import Event
from .json_values import json_of

_MAX_CHARS = 4000
_MAX_TRACEBACK = 16000


class JsonFormatter(logging.Formatter):
    """Formats a record as one line: a JSON object of ASCII characters.

    It has ``time`` (RFC 3339, UTC), ``level``, ``logger`` and ``message``, which is English; an
    event has its name and parameters as ``event`` and ``params``, an exception is ``traceback``.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        time = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if isinstance(record.msg, Event):
            line["event"] = record.msg.name
            line["params"] = _bounded(json_of(record.msg.params))
        line["message"] = escaped(record.getMessage(), _MAX_CHARS)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)[-_MAX_TRACEBACK:]
        return json.dumps(line)


def _bounded(params: Any) -> Any:
    """Return parameters that are not too long for a line; else their text, cut."""
    text = json.dumps(params)
    return params if len(text) <= _MAX_CHARS else f"{text[: _MAX_CHARS - 1]}…"
