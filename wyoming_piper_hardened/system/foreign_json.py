"""JSON from outside, which must not hold up the event loop.

The parser keeps the interpreter's lock until it is done: in a thread, too, a million values stop
the loop for a second and take a hundred megabytes.
"""

from __future__ import annotations

import json
from typing import Any

MAX_TOKENS = 101_000
"""A text of 100,000 characters may consist of commas; so many lists are parsed in 10 ms."""


def parse_json(raw: bytes, **hooks: Any) -> Any:
    """Return the value of a JSON text; `hooks` are those of `json.loads`.

    Raises:
        ValueError: it is none, is nested too deeply, or has more values than any request needs.
    """
    if sum(map(raw.count, (b"[", b"{", b",", b":"))) > MAX_TOKENS:
        raise ValueError(f"more than {MAX_TOKENS} values")
    try:
        return json.loads(raw, **hooks)
    except RecursionError:
        raise ValueError("nested too deeply") from None
