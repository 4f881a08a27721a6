"""Log lines that hold text of others: nothing in them ends a line or steers a terminal."""

from __future__ import annotations

import logging

_MAX_CHARS = 4000
_INDENT = "    "


def escaped(text: str, limit: int) -> str:
    """Return at most `limit` characters of `text` with escapes for those that are not printable.

    That is control, format and surrogate characters, and separators but the space: none is left
    that ends a line, changes the writing direction or steers a terminal.
    """
    if not text[: limit + 1].isprintable():
        text = "".join(map(_escaped, text[: limit + 1]))
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


class LineFormatter(logging.Formatter):
    """Formats a record as one line; those of a traceback follow, indented.

    No record of others can be forged: each begins at the start of a line.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - of the base class
        """Return the line without what an exception adds."""
        return escaped(super().formatMessage(record), _MAX_CHARS)

    def formatException(self, ei: logging._SysExcInfoType) -> str:  # noqa: N802 - likewise
        """Return the indented lines of a traceback."""
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - likewise
        """Return the indented lines of a stack."""
        return _indented(super().formatStack(stack_info))


def _indented(text: str) -> str:
    return "\n".join(f"{_INDENT}{escaped(line, _MAX_CHARS)}" for line in text.split("\n"))


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode()
