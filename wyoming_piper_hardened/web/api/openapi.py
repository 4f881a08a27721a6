"""The OpenAPI document, made from the same rows as the routes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from ... import __version__
from ..bodies.json_shapes import Schema
from ..bodies.shapes import ErrorBody, OpenAIErrorBody
from ..endpoint import JSON, Access, Endpoint, json_body

_COMMON_ERRORS = (400, 401, 403)
_CHANGE_ERRORS = (429,)


class OpenAPIEndpoint:
    """``/openapi.json``."""

    def __init__(self) -> None:
        self._text = "{}"

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="GET",
                path="/openapi.json",
                handle=self._show,
                summary="This document.",
                answers={200: {JSON: {"type": "object"}}},
            ),
        )

    def describe(self, endpoints: Iterable[Endpoint]) -> None:
        """Make the document."""
        paths: dict[str, dict[str, Any]] = {}
        for endpoint in endpoints:
            paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
        document = {
            "openapi": "3.1.0",
            "info": {
                "title": "wyoming-piper-hardened",
                "version": __version__,
                "description": "Text-to-speech with Piper voices. The token "
                "of web_token may be needed.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "./"}],
            "security": [{}, {"token": []}],
            "paths": paths,
            "components": {
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
        }
        self._text = json.dumps(document)

    async def _show(self, _: web.Request) -> web.Response:
        return web.json_response(text=self._text)


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
    operation: dict[str, Any] = {
        "operationId": "_".join(re.findall(r"\w+", f"{endpoint.method.lower()} {endpoint.path}")),
        "summary": endpoint.summary,
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


def _content(kinds: Mapping[str, Schema]) -> dict[str, Any]:
    return {kind: {"schema": schema} for kind, schema in kinds.items()}
