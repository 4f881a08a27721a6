"""The listening side: accepts connections and keeps their number bounded."""

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
from ..rate_limit import RateLimit
from ..speech.synthesizer import Synthesizer
from ..system.framing import MAX_HEADER_BYTES
from ..system.sockets import bind_error, tune_socket
from .session import Session

_LOGGER = logging.getLogger(__name__)


class WyomingServer:
    """Accepts Wyoming clients on one address.

    Args:
        uri: ``tcp://HOST:PORT`` (port 0: any free one) or ``unix://PATH``.
        synthesizer: speaks for every session.
        describe: tells which voices there are.
        max_connections: beyond that the connection idle for longest makes room; when none is
            idle the new one is refused with an ``error``.
        idle_timeout: see `Session`.
    """

    def __init__(
        self,
        uri: str,
        synthesizer: Synthesizer,
        describe: Callable[[], Event],
        *,
        max_connections: int,
        idle_timeout: float,
    ) -> None:
        self._uri = uri
        self._synthesizer = synthesizer
        self._describe = describe
        self._max_connections = max_connections
        self._idle_timeout = idle_timeout
        self._server: asyncio.Server | None = None
        self._rate_limit = RateLimit()
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
        """Where clients connect; tells the real port where any free one was asked for."""
        port = self.port
        return self._uri if port is None else self._uri.rpartition(":")[0] + f":{port}"

    @property
    def connections(self) -> int:
        """How many clients are connected."""
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
                self._server = await asyncio.start_server(
                    self._accept, parts.hostname, parts.port, limit=MAX_HEADER_BYTES
                )
        except (OSError, UnicodeError) as err:
            raise await bind_error(err, self._uri) from None

    async def stop(self, grace: float) -> None:
        """Accept nobody any more, give those being spoken to `grace` seconds, then cut off."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for session, task in self._sessions.items():
            if not session.busy:
                task.cancel()
        tasks = set(self._sessions.values())
        if tasks:
            await asyncio.wait(tasks, timeout=grace)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket_file is not None:
            await asyncio.to_thread(_unlink_if_same, self._socket, self._socket_file)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._sessions) >= self._max_connections and not self._make_room():
            await _refuse(writer)
            return
        tune_socket(writer.get_extra_info("socket"))
        session = Session(
            reader,
            writer,
            self._synthesizer,
            self._describe,
            idle_timeout=self._idle_timeout,
            rate_limit=self._rate_limit,
        )
        self._sessions[session] = task
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
        _LOGGER.info("%s: quiet for longest, makes room for another connection", oldest.peer)
        oldest.make_room()
        self._sessions.pop(oldest).cancel()
        return True


async def _refuse(writer: asyncio.StreamWriter) -> None:
    error = TooManyConnectionsError("every connection is busy; try again in a moment")
    _LOGGER.warning("refused a connection: %s", error)
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(1):
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
