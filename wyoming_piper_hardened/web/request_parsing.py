"""Parsing of paths and queries."""

from __future__ import annotations

from aiohttp import web

from ..errors import BadRequestError, VoiceError
from ..store.voice import check_voice_name

MAX_QUERY_CHARS = 200


def query_flag(request: web.Request, key: str) -> bool | None:
    """Return ``true`` or ``false`` of the query, or ``None`` when it is missing or empty."""
    value = request.query.get(key, "")
    if value not in {"", "true", "false"}:
        raise BadRequestError(f"{key} must be true or false", key)
    return value == "true" if value else None


def query_text(request: web.Request, key: str) -> str:
    """Return a text of the query that is compared with every voice; empty when it is missing."""
    value = request.query.get(key, "")
    if len(value) > MAX_QUERY_CHARS:
        raise BadRequestError(f"{key} may have {MAX_QUERY_CHARS} characters", key)
    return value


def checked_voice_name(name: str) -> str:
    """Return a name that a voice may have, which never leads out of a folder."""
    try:
        check_voice_name(name)
    except VoiceError as err:
        raise BadRequestError(str(err), "name") from None
    return name
