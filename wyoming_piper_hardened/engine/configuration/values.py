"""Values of a configuration that others wrote: what is plainly meant, or an error that names it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,30}(\.0{1,30})?", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?")
_SHOWN: Final = 60


class ValueRefusedError(ValueError):
    """A value is not as it must be; the message names its key, what it is and what is allowed."""


class Section:
    """An object of a configuration, whose parts may be missing or null.

    Args:
        values: by key.
        path: key of the object itself; empty for the whole configuration.
    """

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self.values = values
        self._path = path

    def get(self, key: str) -> Any:
        """Return a value as it is; ``None`` if it is missing or null."""
        return self.values.get(key)

    def section(self, key: str) -> Section:
        """Return the object at `key`; an empty one if it is missing or null."""
        value = self.get(key)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            self.refuse(key, "an object is needed")
        return Section(value, self._name(key))

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number; `default` if it is missing or null.

        Raises:
            ValueRefusedError: it is none from `low` to `high`, or is missing without a default.
        """
        value = self.get(key)
        if value is None and default is not None:
            return default
        number = whole_number(value)
        if number is None or not low <= number <= high:
            self.refuse(key, f"a whole number from {low} to {high} is needed")
        return number

    def number(self, key: str, low: float, high: float, default: float) -> float:
        """Return a number; `default` if it is missing or null.

        Raises:
            ValueRefusedError: it is none from `low` to `high`.
        """
        value = self.get(key)
        if value is None:
            return default
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            value = float(value)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not low <= value <= high:  # which holds for no NaN
            self.refuse(key, f"a number from {low} to {high} is needed")
        return float(value)

    def text(self, key: str, needed: str) -> str:
        """Return a text without blanks around it; empty if it is missing or null.

        Raises:
            ValueRefusedError: it is no text; `needed` says what is.
        """
        value = self.get(key)
        if value is not None and not isinstance(value, str):
            self.refuse(key, needed)
        return (value or "").strip()

    def refuse(self, key: str, needed: str) -> NoReturn:
        """Raise ValueRefusedError for the value at `key`; `needed` says what is allowed."""
        name = self._name(key)
        if key not in self.values:
            raise ValueRefusedError(f"{name} is missing; {needed}")
        raise ValueRefusedError(f"{name} is {shown(self.values[key])}; {needed}")

    def _name(self, key: str) -> str:
        if not re.fullmatch(r"\w{1,60}", key):
            return f"{self._path}[{shown(key)}]"
        return f"{self._path}.{key}" if self._path else key


def whole_number(value: object) -> int | None:
    """Return the whole number that a value means, perhaps as a text; ``None`` if it means none."""
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value.strip().partition(".")[0])
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def shown(value: object) -> str:
    """Return a value for people: as JSON writes it, its beginning only, on one printable line."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**_SHOWN:
        return "a number of many digits"  # which Python refuses to write
    value = value[: _SHOWN + 1] if isinstance(value, str) else value
    text = json.dumps(value, ensure_ascii=not (isinstance(value, str) and value.isprintable()))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
