"""A Wyoming proxy between Home Assistant and the server that notes each event and its time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Any

from .wire import LONGEST_LINE, Event, ask_for_info, read_event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from .network import Streams


class Side(StrEnum):
    """Who sent an event, or ended a connection."""

    HOME_ASSISTANT = ">"
    SERVER = "<"


@dataclass(frozen=True, slots=True)
class Seen:
    """One event that passed; `at` is in seconds of the monotonic clock."""

    at: float
    side: Side
    event: Event

    @property
    def audio_seconds(self) -> float:
        """Return how long the event's payload sounds."""
        data = self.event.data
        bytes_a_second: int = data["rate"] * data["width"] * data["channels"]
        return len(self.event.payload) / bytes_a_second


@dataclass(slots=True)
class Connection:
    """All that passed on one connection of Home Assistant's."""

    seen: list[Seen] = field(default_factory=list)
    ended_by: Side | None = None
    """Who closed first; None while it is open."""
    problem: str | None = None
    """Why it broke, for example a server that cannot be reached or an event cut short."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def when(self, *types: str) -> float | None:
        """Return the time of the first event of one of these types."""
        return next((one.at for one in self.seen if one.event.type in types), None)

    def data_of(self, *types: str) -> list[Mapping[str, Any]]:
        """Return the data of every event of these types."""
        return [one.event.data for one in self.seen if one.event.type in types]

    @property
    def is_speech(self) -> bool:
        """Say whether Home Assistant asked for speech here."""
        return self.when("synthesize", "synthesize-start") is not None

    @property
    def server_delay(self) -> float | None:
        """Return the seconds from the first text to the first audio, None without either."""
        asked = self.when("synthesize", "synthesize-chunk")
        heard = self.when("audio-chunk")
        return None if asked is None or heard is None else heard - asked

    @property
    def longest_gap(self) -> float:
        """Return the longest silence, in seconds, that a player without a buffer would make."""
        longest, played_until = 0.0, None
        for one in self.seen:
            if one.event.type != "audio-chunk":
                continue
            if played_until is None or one.at > played_until:
                longest = max(longest, one.at - (played_until or one.at))
                played_until = one.at
            played_until += one.audio_seconds
        return longest

    def transcript(self) -> list[str]:
        """Return the events in short, such as `> synthesize-chunk x 12`."""
        runs = groupby(f"{one.side} {one.event.type}" for one in self.seen)
        counted = ((label, sum(1 for _ in run)) for label, run in runs)
        lines = [label if count == 1 else f"{label} x {count}" for label, count in counted]
        if self.ended_by is not None:
            lines.append(f"{self.ended_by} closed")
        if self.problem:
            lines.append(f"! {self.problem}")
        return lines


class Tap:
    """Listens on loopback and passes everything on to the server."""

    def __init__(self, connect: Callable[[], Awaitable[Streams]]) -> None:
        """Take a function that opens a connection to the server."""
        self._connect = connect
        self.connections: list[Connection] = []

    async def listen(self) -> int:
        """Start to listen; return the port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LONGEST_LINE)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def describe(self) -> float:
        """Ask the server for its info past Home Assistant; return the seconds it took."""
        began = time.monotonic()
        await ask_for_info(*await self._connect())
        return time.monotonic() - began

    async def speech_since(self, position: int, within: float = 10.0) -> list[Connection]:
        """Return the connections for speech opened since `len(connections)` was `position`.

        Waits until they have ended, but `within` seconds at most.
        """
        speech = [one for one in self.connections[position:] if one.is_speech]
        await settle(speech, within)
        return speech

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection()
        self.connections.append(connection)
        try:
            server_reader, server_writer = await self._connect()
        except OSError as error:
            connection.problem = f"cannot reach the server: {error}"
            writer.close()
        else:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pass(connection, Side.HOME_ASSISTANT, reader, server_writer))
                group.create_task(_pass(connection, Side.SERVER, server_reader, writer))
        connection.ended.set()


async def settle(connections: list[Connection], within: float) -> None:
    """Wait until all have ended; one that has not in time still has `ended_by` None."""
    try:
        async with asyncio.timeout(within):
            for one in connections:
                await one.ended.wait()
    except TimeoutError:
        pass


async def _pass(
    connection: Connection, side: Side, source: asyncio.StreamReader, sink: asyncio.StreamWriter
) -> None:
    try:
        while (event := await read_event(source)) is not None:
            connection.seen.append(Seen(time.monotonic(), side, event))
            sink.write(event.raw)
            await sink.drain()
    except (OSError, EOFError, ValueError) as error:
        # once one side has closed, the other's pending bytes fail: that is no trouble
        if connection.ended_by is None:
            connection.problem = f"reading from {side.name}: {error!r}"
    finally:
        if connection.ended_by is None:
            connection.ended_by = side
        sink.close()
