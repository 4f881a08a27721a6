"""The cost of a JSON document, before it is parsed."""

from __future__ import annotations

_MOST_ITEMS = 100_000


def check_json_size(data: bytes, most: int = _MOST_ITEMS) -> None:
    """Check that a document has few enough values.

    The parser holds the interpreter's lock until it is done: in a thread, too, a million values
    stop the event loop for a second, and take a hundred megabytes.

    Raises:
        ValueError: it has, or may have, more than `most` keys and values.
    """
    if data.count(b",") + data.count(b":") > most:
        raise ValueError("too many values")
