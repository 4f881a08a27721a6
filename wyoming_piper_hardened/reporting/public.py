"""Reported data for others than the owner: files by their names, without what only he may read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


class Private(str):
    """Text that may hold anything, such as another program's last words: for the owner alone."""

    __slots__ = ()


def public(value: T) -> T:
    """Return reported data with the name of each file and folder instead of its path.

    `Private` text becomes an ellipsis. Data classes, mappings and sequences are searched, and keep
    their types; sentences are not read, so they must not hold paths.
    """
    found: Any = _public(value)
    return found  # type: ignore[no-any-return]


def _public(value: Any) -> Any:
    if isinstance(value, Path):
        return value.name
    if isinstance(value, Private):
        return "…"
    if isinstance(value, Mapping):
        return {key: _public(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(map(_public, value))
    if is_dataclass(value) and not isinstance(value, type):
        held = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        found = {name: _public(item) for name, item in held.items()}
        return value if found == held else replace(value, **found)
    return value
