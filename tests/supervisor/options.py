"""Validates an app's options against the `schema` of its ``config.yaml``, as the Supervisor does.

Unknown options are dropped, empty ones refused, missing ones refused unless their type ends in
``?``; texts and lists become what the type says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import voluptuous as vol

_TYPE = re.compile(
    r"(?P<name>bool|email|url|port|str|password|int|float|match|list)"
    r"(?:\((?P<arguments>.*)\))?\??"
)

_PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "bool": vol.Boolean(),
    "email": vol.Email(),
    "url": vol.Url(),
    "port": vol.All(vol.Coerce(int), vol.Range(1, 65535)),
}


def validate(schema: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options as they would be stored.

    Raises:
        vol.Invalid: the Supervisor would refuse them.
    """
    valid = {
        name: _element(schema[name], value, name)
        for name, value in options.items()
        if name in schema
    }
    for name in schema.keys() - valid.keys():
        kind = schema[name][0] if isinstance(schema[name], list) else schema[name]
        if not (isinstance(kind, str) and kind.endswith("?")):
            raise vol.Invalid(f"Missing option '{name}' in root")
    return valid


def _element(kind: Any, value: Any, name: str) -> Any:
    if isinstance(kind, list):
        if not isinstance(value, list):
            raise vol.Invalid(f"Invalid list for option '{name}'")
        return [_element(kind[0], one, name) for one in value]
    if isinstance(kind, dict):
        if not isinstance(value, dict):
            raise vol.Invalid(f"Invalid dict for option '{name}'")
        return validate(kind, value)
    if value is None:
        raise vol.Invalid(f"Missing required option '{name}'")
    match = _TYPE.fullmatch(kind)
    if match is None:
        raise vol.Invalid(f"Unknown type '{kind}'")
    return _single(match["name"], match["arguments"] or "", value)


def _single(kind: str, arguments: str, value: Any) -> Any:
    if kind in {"int", "float"}:
        low, _, high = arguments.partition(",")
        bounds = vol.Range(float(low) if low else None, float(high) if high else None)
        return vol.All(vol.Coerce(int if kind == "int" else float), bounds)(value)
    if kind in {"str", "password"}:
        low, _, high = arguments.partition(",")
        return vol.Length(int(low) if low else None, int(high) if high else None)(str(value))
    if kind in {"match", "list"}:
        allowed = vol.In(arguments.split("|")) if kind == "list" else vol.Match(arguments)
        return allowed(str(value))
    return _PLAIN[kind](value)
