"""A network without any way out, whose name server takes every question and answers none.

`no_network` gives it to a test; the file itself, run as a program in new namespaces, is the
name server.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.client import Client

NAME_SERVER = "127.0.0.1"
_CLONE_NEWNET = 0x40000000  # linux/sched.h; Python has it from 3.12 on
_FILES = {
    "/etc/resolv.conf": f"nameserver {NAME_SERVER}\noptions timeout:30 attempts:5\n",
    "/etc/nsswitch.conf": "hosts: files dns\n",
}


class NoNetwork:
    """The namespaces; use through `no_network`."""

    def __init__(self, name_server: asyncio.subprocess.Process) -> None:
        self._name_server = name_server
        self._namespaces = f"/proc/{name_server.pid}/ns"

    async def start(self, *command: str) -> asyncio.subprocess.Process:
        """Start a program inside; its process is the one that is returned."""
        return await asyncio.create_subprocess_exec(
            *("nsenter", f"--net={self._namespaces}/net", f"--mount={self._namespaces}/mnt", "--"),
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def asked(self, name: str) -> None:
        """Wait until somebody asks for the address of `name`; each look-up asks more than once."""
        assert self._name_server.stdout
        while (line := await self._name_server.stdout.readline()) != f"{name}\n".encode():
            assert line, "the name server ended"

    @contextlib.asynccontextmanager
    async def connected(self, port: int) -> AsyncIterator[Client]:
        """Return a client that is inside as well."""
        namespace = os.open(f"{self._namespaces}/net", os.O_RDONLY | os.O_CLOEXEC)
        libc = ctypes.CDLL(None, use_errno=True)
        with ThreadPoolExecutor(1, initializer=lambda: libc.setns(namespace, _CLONE_NEWNET)) as one:
            address = ("127.0.0.1", port)
            connecting = one.submit(socket.create_connection, address, 5)
            connection = await asyncio.wrap_future(connecting)
        os.close(namespace)
        connection.setblocking(False)  # noqa: FBT003 - the standard library's own signature
        reader, writer = await asyncio.open_connection(sock=connection)
        try:
            yield Client(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def no_network(folder: Path) -> AsyncIterator[NoNetwork]:
    """Make the namespaces; `folder` is for files. Skips the test where that is not permitted."""
    unshare = ("unshare", "--net", "--mount", "--")
    if not all(map(shutil.which, ("unshare", "nsenter", "ip", "mount"))):
        pytest.skip("the programs for namespaces are missing")
    if await (await asyncio.create_subprocess_exec(*unshare, "true")).wait():
        pytest.skip("namespaces are not permitted here")
    name_server = await asyncio.create_subprocess_exec(
        *(*unshare, sys.executable, __file__, str(folder)),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert name_server.stdout
    try:
        assert await name_server.stdout.readline() == b"ready\n"
        yield NoNetwork(name_server)
    finally:
        with contextlib.suppress(ProcessLookupError):
            name_server.kill()
        await name_server.communicate()


def main() -> None:
    """Act as name server: print the name in every question, answer none."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for place, content in _FILES.items():
        file = Path(sys.argv[1]) / Path(place).name
        file.write_text(content, encoding="ascii")
        if Path(place).exists():
            subprocess.run(["mount", "--bind", str(file), str(Path(place).resolve())], check=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as questions:
        questions.bind((NAME_SERVER, 53))
        sys.stdout.write("ready\n")
        while True:
            sys.stdout.flush()
            sys.stdout.write(f"{_name(questions.recv(512))}\n")


def _name(question: bytes) -> str:
    """Return the name of a query: after the header, labels that begin with their length."""
    labels, place = [], 12
    while size := question[place]:
        labels.append(question[place + 1 : place + 1 + size].decode())
        place += 1 + size
    return ".".join(labels)


if __name__ == "__main__":
    main()
