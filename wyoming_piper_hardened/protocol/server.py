"""The Wyoming server: accepts connections and bounds their number."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from wyoming.error import Error
from wyoming.event import Event, async_write_event

from ..errors import TooManyConnectionsError
from ..reporting.events import Event as LogEvent, LimitedLog
from ..speech.synthesizer import Synthesizer
from ..speech.voice_resolver import VoiceResolver
from ..system.framing import MAX_HEADER_BYTES
from ..system.sockets import bind_error, open_listener, tune_socket, with_port
from .session import Session
from .timings import SessionTimings

_LOGGER = logging.getLogger(__name__)


class WyomingServer:
    """Accepts Wyoming clients on one address.

    Args:
        uri: ``tcp://HOST:PORT`` (port 0: any free one; no host: IPv4 and IPv6) or ``unix://PATH``.
        resolver: chooses who speaks.
        synthesizer: speaks for every session.
        describe: makes the ``info`` event.
        max_connections: beyond that the connection idle for longest makes room; when none is
            idle the new one is refused with an ``error``.
        timings: time limits of every session.
    """

    def __init__(
        self,
        uri: str,
        resolver: VoiceResolver,
        synthesizer: Synthesizer,
        describe: Callable[[], Event],
        *,
        max_connections: int,
        timings: SessionTimings,
    ) -> None:
        self._uri = uri
        self._resolver = resolver
        self._synthesizer = synthesizer
        self._describe = describe
        self._max_connections = max_connections
        self._timings = timings
        self._server: asyncio.Server | None = None
        self._log = LimitedLog(_LOGGER)
        self._socket = Path()
        self._socket_file: tuple[int, int] | None = None
        self._sessions: dict[Session, asyncio.Task[None]] = {}

    @property
    def port(self) -> int | None:
        """The TCP port in use, once started."""
        if self._server is None or not self._uri.startswith("tcp:"):
            return None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def address(self) -> str:
        """Address that clients connect to; with the real port where port 0 was asked for."""
        return with_port(self._uri, self.port)

    @property
    def hosts(self) -> frozenset[str]:
        """Addresses that are listened on, once started; ``::`` is every one of both families."""
        if self._server is None or self.port is None:
            return frozenset()
        return frozenset(listener.getsockname()[0] for listener in self._server.sockets)

    @property
    def under_way(self) -> int:
        """Number of connections with a request under way."""
        return sum(session.busy for session in self._sessions)

    @property
    def connections(self) -> int:
        """Number of connected clients."""
        return len(self._sessions)

    async def start(self) -> None:
        """Listen.

        Raises:
            AddressInUseError: names who listens there already, as far as that can be seen.
            StartError: the address cannot be used.
        """
        parts = urlsplit(self._uri)
        try:
            if parts.scheme == "unix":
                await asyncio.to_thread(_remove_stale_socket, Path(parts.path))
                self._server = await asyncio.start_unix_server(
                    self._accept, parts.path, limit=MAX_HEADER_BYTES
                )
                self._socket = Path(parts.path)
                self._socket_file = await asyncio.to_thread(_identity, self._socket)
            else:
                listener = await asyncio.to_thread(open_listener, self._uri)
                self._server = await asyncio.start_server(
                    self._accept, **listener, limit=MAX_HEADER_BYTES
                )
        except (OSError, UnicodeError) as err:
            raise await bind_error(err, self._uri) from None

    async def drain(self) -> None:
        """Accept no more connections, and take no more requests on those that are there."""
        await asyncio.sleep(0)  # those that have just connected are accepted
        if self._server is not None:
            self._server.close()
            self._server = None
        for session in self._sessions:
            session.drain()

    async def drained(self) -> None:
        """Wait until every connection has ended."""
        while self._sessions:
            await asyncio.wait(self._sessions.values())

    async def stop(self) -> None:
        """Stop accepting, and cut off what has not ended."""
        await self.drain()
        tasks = set(self._sessions.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket_file is not None:
            await asyncio.to_thread(_unlink_if_same, self._socket, self._socket_file)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._sessions) >= self._max_connections and not self._make_room():
            await self._refuse(writer)
            return
        tune_socket(writer.get_extra_info("socket"), self._timings.send)
        session = Session(
            reader,
            writer,
            resolver=self._resolver,
            synthesizer=self._synthesizer,
            describe=self._describe,
            timings=self._timings,
            log=self._log,
        )
        self._sessions[session] = task
        if self._server is None:
            session.drain()
        try:
            await session.run()
        except asyncio.CancelledError:
            pass  # the server stops or makes room; asyncio's own callback would log it
        finally:
            self._sessions.pop(session, None)

    def _make_room(self) -> bool:
        idle = [session for session in self._sessions if session.may_make_room]
        if not idle:
            return False
        oldest = min(idle, key=lambda session: session.last_activity)
        self._log.info(LogEvent("connection-closed-for-another", client=oldest.peer))
        oldest.make_room()
        self._sessions.pop(oldest).cancel()
        return True

    async def _refuse(self, writer: asyncio.StreamWriter) -> None:
        error = TooManyConnectionsError("every connection is busy; try again in a moment")
        self._log.warning(LogEvent("connection-refused", reason=str(error)))
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._timings.linger):
                await async_write_event(Error(str(error), error.code).event(), writer)
        writer.close()


def _identity(path: Path) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        found = path.stat()
        return found.st_dev, found.st_ino
    return None


def _unlink_if_same(path: Path, identity: tuple[int, int]) -> None:
    """Remove our socket, but not one that a newer server has put in its place."""
    if _identity(path) == identity:
        path.unlink(missing_ok=True)


def _remove_stale_socket(path: Path) -> None:
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise FileExistsError(errno.EEXIST, f"{path} exists and is not a socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(str(path)) == 0:
            raise OSError(errno.EADDRINUSE, "in use")
    path.unlink()
