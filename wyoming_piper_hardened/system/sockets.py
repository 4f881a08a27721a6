"""What both faces need to know of sockets: why one cannot listen, and how slow a client may be."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from urllib.parse import urlsplit

import psutil

from ..errors import AddressInUseError, StartError

SEND_TIMEOUT = 180.0
"""A client that takes nothing for so many seconds has left. One that plays what it gets, as slowly
as that is, may let its system take nothing for a minute and then much at once."""

_UNSENT = 64 * 1024  # bytes


def tune_socket(connection: socket.socket, send_timeout: float = SEND_TIMEOUT) -> None:
    """Prepare an accepted connection for a client that takes audio as slowly as it plays it.

    The system keeps little of what the client has no room for, so that every bit it takes is soon
    noticed here; by itself it would tell only when a third of some megabytes is gone.
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
    """The error to raise when listening on `uri` failed; tells who is there, if it can be seen."""
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
