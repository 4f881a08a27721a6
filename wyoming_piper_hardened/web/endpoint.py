"""One row of the API: the router, the rights and the OpenAPI document are made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

from aiohttp import web

from ..reporting.json_values import json_of
from .bodies.json_shapes import Schema, schema_of

JSON = "application/json"
EVENT_STREAM = "text/event-stream"
BYTES: Schema = {"type": "string"}
"""A body that is no JSON."""


class Access(StrEnum):
    """Rights that a call needs, the least first."""

    IDENTITY = "identity"
    HEALTH = "health"
    READ = "read"
    SPEAK = "speak"
    CHANGE = "change"


MakeSchema = Callable[[], Schema]
"""Makes a schema when the OpenAPI document is made, which most servers are never asked for."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of the path (``in_path``) or of the query, which is optional."""

    name: str
    text: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    in_path: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path.

    Args:
        method, path: as in HTTP; the path with ``{name}`` for its parts.
        handle: answers; whatever it raises as a `HardenedError` becomes the answer.
        summary: one sentence for people.
        access: who may call.
        parameters: of the path and the query.
        body: what may be sent, by media type; ``body_required`` is false if nothing need be.
        answers: by status and then by media type the bodies of success.
        errors: statuses of errors beside those that any call can have.
    """

    method: str
    path: str
    handle: Callable[[web.Request], Awaitable[web.StreamResponse]]
    summary: str
    access: Access = Access.READ
    parameters: tuple[Parameter, ...] = ()
    body: Mapping[str, Schema | MakeSchema] | None = None
    body_required: bool = True
    answers: Mapping[int, Mapping[str, Schema | MakeSchema]]
    errors: tuple[int, ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods of HTTP: a GET also allows HEAD, unless its answer never ends."""
        return ("GET", "HEAD") if self.method == "GET" and not self.endless else (self.method,)

    @property
    def endless(self) -> bool:
        """Return whether an answer goes on until the client or the server ends it."""
        streams = any(EVENT_STREAM in kinds for kinds in self.answers.values())
        return self.method == "GET" and streams


def json_body(kind: Any) -> Mapping[str, MakeSchema]:
    """Return the description of a JSON body of that type."""
    return {JSON: partial(schema_of, kind)}


def event_body(*kinds: Any) -> Mapping[str, MakeSchema]:
    """Return the description of a stream of server-sent events with JSON of these types."""
    return {EVENT_STREAM: partial(_event_schema, kinds)}


def _event_schema(kinds: Sequence[Any]) -> Schema:
    data = {
        "type": "string",
        "contentMediaType": JSON,
        "contentSchema": {"anyOf": [schema_of(kind) for kind in kinds]},
    }
    properties = {"event": {"type": "string"}, "data": data}
    shape = {"type": "object", "properties": properties, "required": ["data"]}
    title = f"{kinds[0].__name__}Event"
    return {"title": title, "description": "A server-sent event.", **shape}


def json_answer(value: Any, status: int = 200) -> web.Response:
    """Return an answer whose body is the JSON of a value."""
    return web.json_response(json_of(value), status=status)
