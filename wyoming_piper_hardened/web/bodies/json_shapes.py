"""JSON and JSON Schema of dataclasses: a shape is declared once, where its data is made."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from ...reporting.json_values import WITH_MESSAGE

Schema = Mapping[str, Any]
"""A JSON Schema as OpenAPI 3.1 has it."""

_SCALARS: Mapping[Any, Schema] = {
    str: {"type": "string"},
    Path: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    Any: {},
}


def schema_of(annotation: Any) -> Schema:  # noqa: PLR0911 - one for each kind of type
    """Return the JSON Schema of what `reporting.json_values` makes of a value of that type.

    Raises:
        TypeError: the type has no JSON form here.
    """
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if annotation is types.NoneType:
        return {"type": "null"}
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in {typing.Union, types.UnionType}:
        return {"anyOf": [schema_of(argument) for argument in arguments]}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": schema_of(arguments[1])}
    if origin is not None and issubclass(origin, Sequence):
        return {"type": "array", "items": schema_of(arguments[0])}
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        values = [str(item) for item in annotation]
        return {"title": annotation.__name__, "type": "string", "enum": values}
    if dataclasses.is_dataclass(annotation):
        return _object_schema(typing.cast("type", annotation))
    raise TypeError(f"{annotation!r} has no JSON form")


def described(schema: Schema, description: str) -> Schema:
    """Return a schema with a description of its own, also if it is a shape with a name."""
    if not description:
        return schema
    return {**({"allOf": [schema]} if "title" in schema else schema), "description": description}


def description_of(kind: type) -> str:
    """Return a type's docstring up to its sections, on one line for each paragraph."""
    paragraphs = (inspect.getdoc(kind) or "").partition("\n\nArgs:")[0].split("\n\n")
    return "\n\n".join(" ".join(one.split()) for one in paragraphs)


def field_descriptions(kind: type) -> Mapping[str, str]:
    """Return the strings below a type's fields, by field; empty without its source."""
    return _descriptions(kind.__module__).get(kind.__qualname__, {})


@functools.cache
def _descriptions(module: str) -> Mapping[str, Mapping[str, str]]:
    """Return the descriptions of the fields of a module's classes."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, KeyError):
        return {}
    found: dict[str, dict[str, str]] = {}
    for one in tree.body:
        if isinstance(one, ast.ClassDef):
            for field, text in zip(one.body, one.body[1:], strict=False):
                match field, text:
                    case (
                        ast.AnnAssign(target=ast.Name(id=name)),
                        ast.Expr(value=ast.Constant(value=str(words))),
                    ):
                        found.setdefault(one.name, {})[name] = " ".join(words.split())
    return found


def _object_schema(kind: type) -> Schema:
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    texts = field_descriptions(kind)
    properties: dict[str, Schema] = {
        name: described(schema_of(hints[name]), texts.get(name, "")) for name in names
    }
    if issubclass(kind, WITH_MESSAGE):
        properties["message"] = {"type": "string"}
    return {
        "title": kind.__name__,
        "description": description_of(kind),
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
