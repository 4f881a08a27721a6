"""Parsing of paths and queries."""

from __future__ import annotations

from aiohttp import web

from ..errors import BadRequestError, VoiceError
from ..store.voice import check_voice_name


def query_flag(request: web.Request, key: str) -> bool | None:
    """Return ``true`` or ``false`` of the query, or ``None`` when it is missing or empty."""
    value = request.query.get(key, "")
    if value not in {"", "true", "false"}:
        raise BadRequestError(f"{key} must be true or false", key)
    return value == "true" if value else None


def checked_voice_name(name: str) -> str:
    """Return a name that a voice may have, which never leads out of a folder."""
    try:
        check_voice_name(name)
    except VoiceError as err:
        raise BadRequestError(str(err), "name") from None
    return name
