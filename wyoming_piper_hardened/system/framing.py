"""Reading Wyoming events from a peer that is not trusted.

The library's reader buffers whatever length a peer announces and raises many kinds of exception
on malformed input. This one has limits and raises `ProtocolError` alone. Events are the
library's own `wyoming.event.Event`; writing needs no guard and is left to the library.

A frame is one line of JSON (``type``, optional ``data``, ``data_length``, ``payload_length``),
then ``data_length`` bytes of JSON that are merged into ``data``, then the payload.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from wyoming.event import Event

from ..errors import EventCutShortError, EventTooLargeError, ProtocolError
from .foreign_json import parse_json

MAX_HEADER_BYTES = 64 * 1024
"""Longest header line; also the limit to give to the `asyncio.StreamReader`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one event: sizes in bytes, time for its body in seconds."""

    data: int
    payload: int
    body_timeout: float | None = None


async def read_event(  # noqa: C901 - one frame, read top-down
    reader: asyncio.StreamReader, limits: Limits
) -> Event | None:
    """Read one event; ``None`` at a clean end of the stream, which also ends a header line.

    Raises:
        EventCutShortError: the stream ended within the event.
        EventTooLargeError: the event announces more than `limits` allow.
        ProtocolError: anything else that is not a whole, well-formed event.
    """
    try:
        line = await reader.readline()
    except ValueError:
        raise ProtocolError(f"header line longer than {MAX_HEADER_BYTES} bytes") from None
    if not line:
        return None
    try:
        header = _json_object(line, "header")
    except ProtocolError:
        if line.endswith(b"\n"):
            raise
        raise EventCutShortError(
            f"the stream ended within a header line of {len(line)} bytes"
        ) from None
    event_type = header.get("type")
    if not isinstance(event_type, str) or not event_type:
        raise ProtocolError("the header has no type")
    data = header.get("data")
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise ProtocolError(f"data of {event_type[:40]!r} is not an object")
    data_length = _length(header, "data_length", limits.data, event_type)
    payload_length = _length(header, "payload_length", limits.payload, event_type)

    payload: bytes | None = None
    try:
        async with asyncio.timeout(limits.body_timeout):
            if data_length:
                data |= _json_object(await reader.readexactly(data_length), "data")
            if payload_length:
                payload = await reader.readexactly(payload_length)
    except asyncio.IncompleteReadError as err:
        raise EventCutShortError(
            f"the stream ended {err.expected or 0} bytes too early"
            if not err.partial
            else f"the stream ended after {len(err.partial)} of {err.expected} bytes"
        ) from None
    except TimeoutError:
        raise ProtocolError(f"the rest of {event_type[:40]!r} did not come in time") from None
    return Event(type=event_type, data=data, payload=payload)


def _json_object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        value = parse_json(raw)
    except ValueError:  # not JSON, not UTF-8, a giant number, deep nesting, very many values
        raise ProtocolError(f"the {what} is not JSON") from None
    if not isinstance(value, dict):
        raise ProtocolError(f"the {what} is not a JSON object")
    return value


def _length(header: dict[str, Any], key: str, limit: int, event_type: str) -> int:
    value = header.get(key)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ProtocolError(f"{key} is not a whole number")
    if value > limit:
        raise EventTooLargeError(
            f"{event_type[:40]!r} announces a {key} above {limit} bytes",
            event_type,
        )
    return value
