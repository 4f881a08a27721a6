"""The way to one client: events are written until it accepts them, or is gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from wyoming.error import Error
from wyoming.event import Event, Eventable, async_write_event

from ..errors import ClientGoneError, HardenedError
from ..system.sockets import peer_name, until_gone


class ClientWriter:
    """Writes events to one client.

    Args:
        reader, writer: the connection.
        send: seconds in which the client must accept what is written.
        linger: seconds to wait for the client to close.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        send: float,
        linger: float,
    ) -> None:
        self.peer = _peer(writer)
        """The client's address."""
        self.error_sent = False
        self._reader = reader
        self._writer = writer
        self._send = send
        self._linger = linger

    async def write(self, event: Event | Eventable) -> None:
        """Write an event, and wait while the client is behind.

        Raises:
            ClientGoneError: it accepts nothing.
            OSError: it has left.
        """
        if isinstance(event, Eventable):
            event = event.event()
        async with self._client_accepts():
            await async_write_event(event, self._writer)

    async def write_error(self, error: HardenedError) -> None:
        """Write an error; no other follows. Raises as `write`."""
        self.error_sent = True
        await self.write(Error(str(error), error.code))

    async def flush(self) -> None:
        """Wait until the system has taken all that was written. Raises as `write`."""
        self._writer.transport.set_write_buffer_limits(0)
        async with self._client_accepts():
            await self._writer.drain()

    async def until_gone(self) -> None:
        """Return when a client that sends no more has left altogether."""
        await until_gone(self._writer.get_extra_info("socket"))

    async def end(self, error: HardenedError | None = None) -> None:
        """Send an error, unless one was sent; then wait a moment for the client to close.

        Closing while unread input waits would reset the connection, and the client might never
        see the error.
        """
        with contextlib.suppress(OSError, TimeoutError, HardenedError):
            async with asyncio.timeout(self._linger):
                if error is not None and not self.error_sent:
                    await self.write_error(error)
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                while await self._reader.read(64 * 1024):
                    pass

    async def close(self) -> None:
        """Close the connection; what the client does not take in a moment is lost."""
        self._writer.close()
        try:
            async with asyncio.timeout(self._linger):
                await self._writer.wait_closed()
        except (OSError, TimeoutError, asyncio.CancelledError):
            self._writer.transport.abort()

    @contextlib.asynccontextmanager
    async def _client_accepts(self) -> AsyncIterator[None]:
        """Require that the client accepts what is written within the context."""
        try:
            async with asyncio.timeout(self._send):
                yield
        except TimeoutError:
            raise ClientGoneError(f"the client accepted nothing for {self._send:g} s") from None


def _peer(writer: asyncio.StreamWriter) -> str:
    address = writer.get_extra_info("peername")
    if isinstance(address, tuple):
        return peer_name(address)
    return "unix socket"
