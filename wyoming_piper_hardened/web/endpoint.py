"""One row of the API: the router, the rights and the OpenAPI document are made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web

Schema = Mapping[str, Any]
"""A JSON Schema as OpenAPI 3.1 has it."""


EVENT_STREAM = "text/event-stream"


class Access(StrEnum):
    """What a call needs to be allowed, the least first."""

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
        body: what may be sent, by media type; ``body_required`` tells whether something must be.
        answers: by status and then by media type what comes when it succeeds.
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
        """How it may be called: what can be got can be asked for its head, unless it never ends."""
        endless = any(EVENT_STREAM in kinds for kinds in self.answers.values())
        return ("GET", "HEAD") if self.method == "GET" and not endless else (self.method,)
