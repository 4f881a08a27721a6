"""JSON of what happened: events' parameters, issues, failures, rows of a snapshot."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from .issues import Damage, Failure, Issue

_PLAIN = (str, bool, int, float, types.NoneType)
WITH_MESSAGE = (Damage, Failure, Issue)
"""Data that has an English sentence: its JSON has it as ``message``."""


def json_of(value: Any) -> Any:
    """Return plain JSON data for a value of dataclasses, enumerations, mappings and sequences.

    Whatever else a parameter of an event may be becomes its text.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            field.name: json_of(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
        return {**fields, "message": str(value)} if isinstance(value, WITH_MESSAGE) else fields
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): json_of(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [json_of(item) for item in value]
    return value if isinstance(value, _PLAIN) else str(value)
