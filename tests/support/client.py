"""A Wyoming client that keeps everything it is sent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from wyoming.event import Event, async_read_event, async_write_event


@dataclass
class Outcome:
    """Every event of one request, in order."""

    events: list[Event] = field(default_factory=list)

    @property
    def types(self) -> list[str]:
        """Types in order, runs of the same type shown once."""
        types: list[str] = []
        for event in self.events:
            if not types or types[-1] != event.type:
                types.append(event.type)
        return types

    @property
    def pcm(self) -> bytes:
        return b"".join(e.payload or b"" for e in self.events if e.type == "audio-chunk")

    @property
    def error(self) -> str | None:
        """The code of the error, if one came."""
        return next((e.data["code"] for e in self.events if e.type == "error"), None)

    @property
    def rate(self) -> int:
        return int(next(e.data["rate"] for e in self.events if e.type == "audio-start"))


class Client:
    """One connection; use through `connected`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, event_type: str, /, **data: Any) -> None:
        await async_write_event(Event(event_type, data), self.writer)

    async def read(self) -> Event | None:
        return await async_read_event(self.reader)

    async def until(self, *last: str) -> Outcome:
        """Read to an event of one of these types, an error, or the end of the connection."""
        outcome = Outcome()
        while (event := await self.read()) is not None:
            outcome.events.append(event)
            if event.type in (*last, "error"):
                break
        return outcome

    async def say(self, text: str, **data: Any) -> Outcome:
        """Send a plain request; return its outcome."""
        await self.send("synthesize", text=text, **data)
        return await self.until("audio-stop")

    async def stream(self, *chunks: str, **data: Any) -> Outcome:
        """Send a streamed request as Home Assistant does; return its outcome."""
        await self.send("synthesize-start", **data)
        for chunk in chunks:
            await self.send("synthesize-chunk", text=chunk)
        await self.send("synthesize", text="".join(chunks), **data)
        await self.send("synthesize-stop")
        return await self.until("synthesize-stopped")

    async def ended(self) -> bool:
        """Return whether the server closes the connection and sends nothing more before."""
        return await self.read() is None


def connected(port: int) -> AbstractAsyncContextManager[Client]:
    return connected_to("127.0.0.1", port)


@contextlib.asynccontextmanager
async def connected_to(address: str, port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(address, port, limit=1 << 20)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
