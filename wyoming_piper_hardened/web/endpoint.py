"""One row of the API: the router, the rights and the OpenAPI document are made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web

from .bodies.json_shapes import Schema, json_of, schema_of

JSON = "application/json"
EVENT_STREAM = "text/event-stream"
BYTES: Schema = {"type": "string"}
"""A body that is no JSON."""


class Access(StrEnum):
    """Rights that a call needs, the least first."""

    HEALTH = "health"
    READ = "read"
    SPEAK = "speak"
    CHANGE = "change"


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
    body: Mapping[str, Schema] | None = None
    body_required: bool = True
    answers: Mapping[int, Mapping[str, Schema]]
    errors: tuple[int, ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods of HTTP: a GET also allows HEAD, unless its answer never ends."""
        endless = any(EVENT_STREAM in kinds for kinds in self.answers.values())
        return ("GET", "HEAD") if self.method == "GET" and not endless else (self.method,)


def json_body(kind: Any) -> Mapping[str, Schema]:
    """Return the description of a JSON body of that type."""
    return {JSON: schema_of(kind)}


def json_answer(value: Any, status: int = 200) -> web.Response:
    """Return an answer whose body is the JSON of a value."""
    return web.json_response(json_of(value), status=status)
