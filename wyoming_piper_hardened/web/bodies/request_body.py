"""JSON bodies of requests: a dataclass declares the fields, their parsing and their schema."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aiohttp import web

from ...errors import BadRequestError, NotSupportedError, RequestTimeoutError
from ...system.foreign_json import parse_json
from .json_shapes import Schema, described, description_of, field_descriptions

T = TypeVar("T")

_STRINGS = tuple[str, ...]
_TYPES = {str: "string", bool: "boolean", float: "number"}


@dataclass(frozen=True, slots=True)
class Range:
    """Allows numbers from `low` to `high`, and texts that `text` describes and that are such."""

    low: float
    high: float
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Allows some strings, all in lower case, in any case; an empty one counts as missing."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """Describes a field to readers of the schema, and what is checked elsewhere by a pattern."""

    text: str
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Lines:
    """Describes a list of at most `most` strings; it is checked elsewhere.

    Each has at most `length` characters and fits `pattern`.
    """

    most: int
    length: int
    pattern: str


class RequestBody(Generic[T]):
    """A JSON object that becomes a `kind`.

    Fields of `kind` are strings, booleans, ``Annotated[float | None, Range(…)]``, lists of strings
    as ``tuple[str, ...]``, or objects that are dataclasses themselves; those with a default may be
    missing or null.

    Args:
        kind: a dataclass.
        open_ended: whether unknown fields are ignored instead of refused.
    """

    def __init__(self, kind: type[T], *, open_ended: bool = False) -> None:
        self._kind = kind
        self._open_ended = open_ended

    def schema(self) -> Schema:
        """Return its JSON Schema; reads source code for the descriptions."""
        return self._object_schema(self._kind)

    async def read(self, request: web.Request, timeout: float) -> T:  # noqa: ASYNC109 - it raises
        """Return the body of a request.

        Raises:
            BadRequestError: it is not such an object.
            RequestTimeoutError: it did not come within `timeout` seconds.
        """
        return typing.cast("T", self._parse(self._kind, await _read_json(request, timeout)))

    def _parse(self, kind: type[Any], data: Mapping[str, Any]) -> Any:
        fields, hints = _fields(kind)
        for key in data:
            if key not in fields and not self._open_ended:
                raise BadRequestError(
                    f"{key[:40]!r} is not a field; there are: {', '.join(fields)}", key[:40]
                )
        values = {}
        for name, field in fields.items():
            value = data.get(name)
            if value is None:
                if field.default is dataclasses.MISSING:
                    raise BadRequestError(f"{name} is missing", name)
            else:
                values[name] = self._value(name, hints[name], value)
        return kind(**values)

    def _value(self, name: str, annotation: Any, value: Any) -> Any:
        options, extras = _options(annotation)
        for extra in extras:
            if isinstance(extra, Range):
                return _number(name, value, extra)
            if isinstance(extra, Choice) and isinstance(value, str):
                return _chosen(name, value, extra)
        for option in options:
            if option in {str, bool} and isinstance(value, option):
                return value
            if option == _STRINGS and isinstance(value, list):
                if all(isinstance(item, str) for item in value):
                    return tuple(value)
            elif dataclasses.is_dataclass(option) and isinstance(value, Mapping):
                return self._parse(typing.cast("type", option), value)
        wanted = "true or false" if bool in options else "a string"
        wanted = "a list of strings" if _STRINGS in options else wanted
        raise BadRequestError(f"{name} must be {wanted}", name)

    def _object_schema(self, kind: type[Any]) -> Schema:
        fields, hints = _fields(kind)
        needed = [name for name, field in fields.items() if field.default is dataclasses.MISSING]
        texts = field_descriptions(kind)
        return {
            "title": kind.__name__,
            "description": description_of(kind),
            "type": "object",
            "properties": {
                name: described(self._field_schema(hints[name]), texts.get(name, ""))
                for name in fields
            },
            "additionalProperties": self._open_ended,
            **({"required": needed} if needed else {}),
        }

    def _field_schema(self, annotation: Any) -> Schema:
        options, extras = _options(annotation)
        schemas = [self._option_schema(option, extras) for option in options]
        texts = [extra.text for extra in extras if isinstance(extra, Range) and extra.text]
        schemas += [{"type": "string", "pattern": f"^(?:{text})$"} for text in texts]
        notes = " ".join(extra.text for extra in extras if isinstance(extra, Note))
        return described(schemas[0] if len(schemas) == 1 else {"anyOf": schemas}, notes)

    def _option_schema(self, option: Any, extras: tuple[Any, ...]) -> Schema:
        if option is types.NoneType:
            return {"type": "null"}
        if dataclasses.is_dataclass(option):
            return self._object_schema(typing.cast("type", option))
        if option == _STRINGS:
            return _list_schema(extras)
        schema: dict[str, Any] = {"type": _TYPES[option]}
        for extra in extras:
            match extra:
                case Range():
                    schema |= {"minimum": extra.low, "maximum": extra.high}
                case Choice():
                    schema["enum"] = list(extra.values)
                case Note(pattern=str(pattern)):
                    schema["pattern"] = pattern
        return schema


def _list_schema(extras: tuple[Any, ...]) -> Schema:
    schema: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
    for extra in extras:
        if isinstance(extra, Lines):
            items = {"maxLength": extra.length, "pattern": f"^(?:{extra.pattern})$"}
            schema |= {"maxItems": extra.most, "items": {"type": "string", **items}}
    return schema


def _fields(kind: type[Any]) -> tuple[dict[str, dataclasses.Field[Any]], dict[str, Any]]:
    fields = {field.name: field for field in dataclasses.fields(kind)}
    return fields, typing.get_type_hints(kind, include_extras=True)


def _options(annotation: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the types that a field may have, and what its annotation adds."""
    extras: tuple[Any, ...] = ()
    if typing.get_origin(annotation) is typing.Annotated:
        annotation, *more = typing.get_args(annotation)
        extras = tuple(more)
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        return typing.get_args(annotation), extras
    return (annotation,), extras


def _chosen(name: str, value: str, choice: Choice) -> str:
    chosen = value.strip().lower()
    if chosen and chosen not in choice.values:
        known = ", ".join(choice.values)
        raise NotSupportedError(f"{name} {value!r:.40} is none of: {known}", name)
    return chosen


def _number(name: str, value: Any, allowed: Range) -> float:
    low, high = allowed.low, allowed.high
    if isinstance(value, str) and allowed.text and re.fullmatch(allowed.text, value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadRequestError(f"{name} must be a number from {low:g} to {high:g}", name)
    return float(value)


async def _read_json(request: web.Request, timeout: float) -> Mapping[str, Any]:  # noqa: ASYNC109
    """Return the object in a request's body; an empty body counts as an empty object."""
    try:
        async with asyncio.timeout(timeout):
            body = await request.read()
    except TimeoutError:
        raise RequestTimeoutError(f"the body did not come within {timeout:g} s") from None
    if not body:
        return {}
    if request.content_type != "application/json":
        raise BadRequestError("the body must be JSON: Content-Type: application/json")
    try:
        data = parse_json(body)
    except ValueError:
        raise BadRequestError("the body is not valid JSON") from None
    if not isinstance(data, dict):
        raise BadRequestError("the body must be a JSON object")
    return data
