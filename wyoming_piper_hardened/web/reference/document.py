"""The OpenAPI document, made from the same rows as the routes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from ... import __version__
from ..bodies.shapes import ErrorBody, OpenAIErrorBody
from ..endpoint import Access, Endpoint, json_body
from .components import Components

_COMMON_ERRORS = (400, 401, 403)
_CHANGE_ERRORS = (429,)

_TAGS = (
    ("Speech", "Speak, and see beforehand how a text will be spoken.", ("/api/say", "/api/text")),
    ("OpenAI", "The same calls as OpenAI's API has, for its clients.", ("/v1/",)),
    (
        "Voices",
        "List, install, verify, repair and remove voices.",
        ("/api/voices", "/api/catalogue"),
    ),
    ("Dictionary", "The words of the user's own dictionary.", ("/api/dictionary",)),
    (
        "State",
        "Health, metrics, what is wrong, and what can be done about it.",
        ("/health/", "/metrics", "/api/"),
    ),
    ("Reference", "This description.", ("/",)),
)
"""Groups of calls: name, description, and how their paths begin; the first that fits counts."""

_PROTECTED = "once web_token is set, with the token"
_NO_PAGES = "From pages of other origins it is refused unless web_origins names them."
RIGHTS = {
    Access.IDENTITY: "Everybody may call it, without a token, too.",
    Access.HEALTH: "Everybody may call it, without a token, too.",
    Access.READ: f"Everybody may call it; {_PROTECTED}.",
    Access.SPEAK: f"Everybody may call it; {_PROTECTED}. {_NO_PAGES}",
    Access.CHANGE: f"This machine may call it; {_PROTECTED}, everybody may. {_NO_PAGES}",
}
"""Who may call, by the right that is needed."""


def make_document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """Return the document of these calls."""
    components = Components()
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operation = components.shared(_operation(endpoint))
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "wyoming-piper-hardened",
            "version": __version__,
            "description": "Text-to-speech with Piper voices. The token of "
            "web_token may be needed.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "./"}],
        "security": [{}, {"token": []}],
        "tags": [{"name": name, "description": text} for name, text, _ in _TAGS],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.schemas.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _tag(path: str) -> str:
    return next(name for name, _, begins in _TAGS if path.startswith(begins))


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    answers: dict[str, Any] = {
        str(status): {"description": HTTPStatus(status).phrase, "content": _content(kinds)}
        for status, kinds in endpoint.answers.items()
    }
    error = json_body(OpenAIErrorBody if endpoint.path.startswith("/v1/") else ErrorBody)
    change = _CHANGE_ERRORS if endpoint.access is Access.CHANGE else ()
    for status in sorted({*_COMMON_ERRORS, *change, *endpoint.errors}):
        refusal = {"description": HTTPStatus(status).phrase, "content": _content(error)}
        answers.setdefault(str(status), refusal)
    summary, _, details = endpoint.summary.partition(". ")
    operation: dict[str, Any] = {
        "operationId": "_".join(re.findall(r"\w+", f"{endpoint.method.lower()} {endpoint.path}")),
        "tags": [_tag(endpoint.path)],
        "summary": summary.removesuffix("."),
        "description": " ".join(filter(None, (details, RIGHTS[endpoint.access]))),
        "responses": answers,
    }
    if endpoint.parameters:
        operation["parameters"] = [
            {
                "name": parameter.name,
                "in": "path" if parameter.in_path else "query",
                "required": parameter.in_path,
                "description": parameter.text,
                "schema": parameter.schema,
            }
            for parameter in endpoint.parameters
        ]
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": endpoint.body_required,
            "content": _content(endpoint.body),
        }
    return operation


def _content(kinds: Any) -> dict[str, Any]:
    return {
        kind: {"schema": schema() if callable(schema) else schema} for kind, schema in kinds.items()
    }
