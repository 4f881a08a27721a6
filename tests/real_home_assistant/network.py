"""A network of our own that has nothing but loopback, and a way out to the server under test.

Home Assistant then finds the same empty network on every machine, cannot reach the internet,
and any number of runs can use the same ports at once.
"""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from .wire import LONGEST_LINE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

CONNECT_WITHIN = 5.0


class Outside:
    """The network this process was started in; connections are made there by one thread."""

    def __init__(self, namespace: int) -> None:
        """Take an open file descriptor of the network namespace."""
        self._thread = ThreadPoolExecutor(
            max_workers=1, initializer=os.setns, initargs=(namespace, os.CLONE_NEWNET)
        )

    async def connect(self, host: str, port: int) -> Streams:
        """Return the streams of a new connection to a server of the outer network.

        Raises OSError when it cannot be reached.
        """
        dial = functools.partial(socket.create_connection, (host, port), CONNECT_WITHIN)
        connection = await asyncio.get_running_loop().run_in_executor(self._thread, dial)
        connection.setblocking(False)  # noqa: FBT003 - the standard library's own signature
        return await asyncio.open_connection(sock=connection, limit=LONGEST_LINE)

    @asynccontextmanager
    async def passage(self, host: str, port: int) -> AsyncIterator[int]:
        """Carry connections to a server of the outer network; yields a port of this one."""

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                far_reader, far_writer = await self.connect(host, port)
            except OSError:
                writer.close()
                return
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, far_writer))
                group.create_task(_pump(far_reader, writer))

        server = await asyncio.start_server(carry, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
    sink.close()


def leave() -> Outside:
    """Move this process, and the children it will start, to a network with only loopback."""
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    os.unshare(os.CLONE_NEWNET)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # Home Assistant's zeroconf joins a multicast group and wants a route for it
    subprocess.run(["ip", "route", "add", "224.0.0.0/4", "dev", "lo"], check=True)
    return Outside(namespace)
