"""Sockets of both servers: addresses to listen on, slow clients, and clients that are gone."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import select
import socket
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

import psutil

from ..errors import AddressInUseError, StartError

SEND_TIMEOUT = 180.0
"""Seconds after which a client that accepts nothing has left. One that plays what it gets in real
time may let its system accept nothing for a minute and then much at once."""

_UNSENT = 64 * 1024  # bytes
_GONE_INTERVAL = 0.25  # seconds
_KEPT_CHARACTERS = 15  # of a process's name, by Linux


def open_listener(uri: str) -> dict[str, Any]:
    """Return what asyncio's functions that make servers need to listen on ``SCHEME://HOST:PORT``.

    No host, or ``[::]``, stands for IPv4 and IPv6 alike; asyncio would take the latter for IPv6
    alone, and choose a port for each where any free one will do.

    Raises:
        OSError: the port cannot be used.
    """
    parts = urlsplit(uri)
    if not _is_everywhere(parts.hostname):
        return {"host": parts.hostname, "port": parts.port}
    if socket.has_dualstack_ipv6():
        family = socket.AF_INET6
        return {
            "sock": socket.create_server(("", parts.port or 0), family=family, dualstack_ipv6=True)
        }
    return {"host": "0.0.0.0", "port": parts.port}  # noqa: S104 - as the address asks


def with_port(uri: str, port: int | None) -> str:
    """Return an address to listen on with the port that is really in use, fit to be shown."""
    parts = urlsplit(uri)
    host = parts.netloc.rpartition(":")[0] or "[::]"
    return uri if port is None else f"{parts.scheme}://{host}:{port}"


def peer_name(peer: tuple[Any, ...]) -> str:
    """Return the address and port of a peer as text; of an IPv4 one although it came by IPv6."""
    host = str(peer[0]).removeprefix("::ffff:")
    return f"[{host}]:{peer[1]}" if ":" in host else f"{host}:{peer[1]}"


def _is_everywhere(host: str | None) -> bool:
    try:
        return not host or ip_address(host) == IPv6Address(0)
    except ValueError:  # a name
        return False


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


async def until_gone(connection: socket.socket) -> None:
    """Return when a client that has closed its side turns out to have left altogether.

    One that only has no more to send looks the same until something is written: then its system
    answers that nobody is there.
    """
    watched = select.poll()
    while (descriptor := connection.fileno()) >= 0:
        watched.register(descriptor, 0)  # a reset or a hang-up is reported unasked
        if watched.poll(0):
            break
        await asyncio.sleep(_GONE_INTERVAL)


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
                name = _name(psutil.Process(connection.pid))
                return f" by {name} (pid {connection.pid})"
    return f"; `ss -ltnp 'sport = :{port}'` shows by whom" if port else " by another server"


def _name(process: psutil.Process) -> str:
    """Return the whole name of a program, of which the system keeps 15 characters.

    A script's own name is that of an argument; its first one is the interpreter.
    """
    name = process.name()
    if len(name) == _KEPT_CHARACTERS:
        arguments = (argument.rpartition("/")[2] for argument in process.cmdline()[:3])
        return next((one for one in arguments if one.startswith(name)), name)
    return name
