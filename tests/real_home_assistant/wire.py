"""Wyoming events as they lie on the wire: a JSON line, then data, then a payload."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

LONGEST_LINE = 16 * 1024 * 1024
"""Limit for the stream readers, in bytes; far over what any server may send in one line."""

DESCRIBE = b'{"type": "describe"}\n'


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `raw` holds its bytes as they came, to be passed on unchanged."""

    type: str
    data: Mapping[str, Any]
    payload: bytes
    raw: bytes


async def read_event(reader: asyncio.StreamReader) -> Event | None:
    """Return the next event, or None at a clean end of the stream.

    Raises ValueError for a line that is no event, asyncio.IncompleteReadError for one cut short.
    """
    line = await reader.readline()
    if not line:
        return None
    header = json.loads(line)
    data_bytes = await reader.readexactly(header.get("data_length") or 0)
    payload = await reader.readexactly(header.get("payload_length") or 0)
    data = dict(header.get("data") or {})
    if data_bytes:
        data |= json.loads(data_bytes)
    return Event(header["type"], data, payload, line + data_bytes + payload)


async def ask_for_info(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Mapping[str, Any]:
    """Send `describe`, return the data of the `info` that answers it, and close the connection.

    Raises ConnectionError when the server closes without an answer.
    """
    try:
        writer.write(DESCRIBE)
        await writer.drain()
        while (event := await read_event(reader)) is not None:
            if event.type == "info":
                return event.data
    finally:
        writer.close()
    raise ConnectionError("the server closed the connection without an info event")


def installed_voices(info: Mapping[str, Any]) -> list[str]:
    """Return the names of the voices that Home Assistant would offer to its user."""
    return [
        voice["name"]
        for program in info.get("tts", [])
        if program.get("installed")
        for voice in program.get("voices", [])
        if voice.get("installed") and voice.get("languages")
    ]
