"""Numbers that others wrote."""

from __future__ import annotations


def checked_int(value: object, low: int, high: int | None = None) -> int:
    """Return `value` if it is a whole number from `low` to `high`; a boolean is none.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r:.40} is not a whole number")
    if value < low or (high is not None and value > high):
        raise ValueError(f"{value!r:.40} is out of range")
    return value
