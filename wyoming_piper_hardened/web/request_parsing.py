"""Reading what a request carries: only what is named, only of the right type, only in time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from ..errors import BadRequestError, RequestTimeoutError, VoiceError
from ..store.voice import check_voice_name

MAX_BODY = 1280 * 1024
"""Bytes; the longest allowed text in JSON's longest form fits."""

_BODY_TIMEOUT = 30.0


async def read_json(request: web.Request) -> dict[str, Any]:
    """The object in the request's body; an empty body counts as an empty object.

    Raises:
        BadRequestError: it is not a JSON object, or not called one.
        RequestTimeoutError: it did not come in time.
    """
    try:
        async with asyncio.timeout(_BODY_TIMEOUT):
            body = await request.read()
    except TimeoutError:
        raise RequestTimeoutError(f"the body did not come within {_BODY_TIMEOUT:g} s") from None
    if not body:
        return {}
    if request.content_type != "application/json":
        raise BadRequestError("the body must be JSON: Content-Type: application/json")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequestError("the body is not valid JSON") from None
    if not isinstance(data, dict):
        raise BadRequestError("the body must be a JSON object")
    return data


def only(data: Mapping[str, Any], *known: str) -> None:
    """Raise BadRequestError for a field that is not `known`: a typing error must not be silent."""
    for key in data:
        if key not in known:
            raise BadRequestError(
                f"{key[:40]!r} is not a field; there are: {', '.join(known)}", key[:40]
            )


def text(data: Mapping[str, Any], key: str) -> str | None:
    """A string, or ``None`` when it is missing or null."""
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        raise BadRequestError(f"{key} must be a string", key)
    return value


def needed_text(data: Mapping[str, Any], key: str) -> str:
    """A string that may be empty but not missing."""
    value = text(data, key)
    if value is None:
        raise BadRequestError(f"{key} is missing", key)
    return value


def number(data: Mapping[str, Any], key: str, low: float, high: float) -> float | None:
    """A number in a range, or ``None`` when it is missing or null."""
    value = data.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadRequestError(f"{key} must be a number from {low:g} to {high:g}", key)
    return float(value)


def flag(request: web.Request, key: str) -> bool | None:
    """``true`` or ``false`` in the query, or ``None`` when it is missing or empty."""
    value = request.query.get(key, "")
    if value not in {"", "true", "false"}:
        raise BadRequestError(f"{key} must be true or false", key)
    return value == "true" if value else None


def voice_name(name: str) -> str:
    """A name that a voice may have, which never leads out of a folder."""
    try:
        check_voice_name(name)
    except VoiceError as err:
        raise BadRequestError(str(err), "name") from None
    return name
