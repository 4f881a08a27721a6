"""Why a server cannot listen where it should."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from urllib.parse import urlsplit

import psutil

from .errors import AddressInUseError, StartError


async def explained(err: OSError | UnicodeError, uri: str) -> StartError:
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
