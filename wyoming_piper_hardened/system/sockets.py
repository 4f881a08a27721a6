"""Sockets of both servers: why one cannot listen, and options for slow clients."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from urllib.parse import urlsplit

import psutil

from ..errors import AddressInUseError, StartError

SEND_TIMEOUT = 180.0
"""Seconds after which a client that accepts nothing has left. One that plays what it gets in real
time may let its system accept nothing for a minute and then much at once."""

_UNSENT = 64 * 1024  # bytes


def tune_socket(connection: socket.socket, send_timeout: float = SEND_TIMEOUT) -> None:
    """Set the options of an accepted connection for a client that plays audio in real time.

    The system keeps little of what the client has no room for, so every byte it accepts is soon
    noticed here; by default only a third of some megabytes would be.
    """
    if connection.family == socket.AF_UNIX:
        return
    for level, option, value in (
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),  # its machine may be gone
        (socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(1000 * send_timeout)),
    ):
        with contextlib.suppress(OSError):  # an old system has not all of them
            connection.setsockopt(level, option, value)


async def bind_error(err: OSError | UnicodeError, uri: str) -> StartError:
    """Return the error to raise when listening on `uri` failed; it names who listens there."""
    if isinstance(err, UnicodeError):
        return StartError(f"cannot listen on {uri}: that is no host name")
    if err.errno == errno.EADDRINUSE:
        parts = urlsplit(uri)
        port = parts.port if parts.scheme != "unix" else None
        who = await asyncio.to_thread(_who_listens, port)
        return AddressInUseError(f"{uri} is in use{who}")
    return StartError(f"cannot listen on {uri}: {err.strerror or err}")


def _who_listens(port: int | None) -> str:
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            listening = connection.status == psutil.CONN_LISTEN
            if listening and connection.laddr and connection.laddr.port == port:
                if connection.pid is None:
                    break
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return f"; `ss -ltnp 'sport = :{port}'` shows by whom" if port else " by another server"
