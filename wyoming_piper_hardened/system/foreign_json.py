"""JSON from outside, which is parsed in the event loop and must not hold it up."""

from __future__ import annotations

import json
from typing import Any

MAX_TOKENS = 101_000
"""A text of 100,000 characters may consist of commas; so many lists are parsed in 10 ms."""


def parse_json(raw: bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: it is none, is nested too deeply, or has more values than any request needs.
    """
    if sum(map(raw.count, (b"[", b"{", b",", b":"))) > MAX_TOKENS:
        raise ValueError(f"more than {MAX_TOKENS} values")
    try:
        return json.loads(raw)
    except RecursionError:
        raise ValueError("nested too deeply") from None
