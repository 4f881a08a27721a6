"""A network that leads nowhere, and notes who would like to leave it.

It belongs to a container that sleeps. All others join it, and so does this process: clients, a hub
of voices and a Supervisor then stand on the same loopback as the program. Everything sent elsewhere
comes out of a tunnel that ends here.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import ipaddress
import os
import struct
import subprocess
from collections.abc import AsyncIterator, Iterator
from typing import Final

from .container import Container, ContainerEngine

NAMESERVER: Final = "192.0.2.53"
"""Of the addresses kept for documentation: it is on the other side of the tunnel."""

_TUNSETIFF: Final = 0x400454CA  # linux/if_tun.h
_IFF_TUN: Final = 0x1001  # with IFF_NO_PI: bare packets
_PROTOCOLS: Final = {6: "tcp", 17: "udp"}
_DEVICE: Final = "outside"
_CLONE_NEWNET: Final = 0x40000000  # linux/sched.h


class IsolatedNetwork:
    """Use through `entered`."""

    def __init__(self, home: int, container: Container) -> None:
        self.home = home
        """The network namespace that this process came from, as an open file."""
        self.left: list[str] = []
        """Packets sent off the isolated network, one line each."""
        self.network = f"container:{container.name}"
        """For the engine's option ``--network``."""

    @staticmethod
    @contextlib.asynccontextmanager
    async def entered(engine: ContainerEngine, image: str) -> AsyncIterator[IsolatedNetwork]:
        """Move this process to a new isolated network until the context ends."""
        options = ("--network", "none", "--entrypoint", "sleep")
        async with Container.created(engine, image, options=options, command=["infinity"]) as one:
            await one.start()
            home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            there = os.open(f"/proc/{await one.pid()}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            isolated_network = IsolatedNetwork(home, one)
            move_to(there)
            try:
                with isolated_network._tunnel():
                    yield isolated_network
            finally:
                move_to(home)
                os.close(there)
                os.close(home)

    @contextlib.contextmanager
    def _tunnel(self) -> Iterator[None]:
        tunnel = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.ioctl(tunnel, _TUNSETIFF, struct.pack("16sH22x", _DEVICE.encode(), _IFF_TUN))
            _ip("link", "set", "lo", "up")
            _ip("address", "add", "192.0.2.1/24", "dev", _DEVICE)
            _ip("link", "set", _DEVICE, "up")
            _ip("route", "add", "default", "dev", _DEVICE)
            with contextlib.suppress(subprocess.CalledProcessError):  # a kernel without IPv6
                _ip("-6", "address", "add", "2001:db8::1/64", "dev", _DEVICE, "nodad")
                _ip("-6", "route", "add", "default", "dev", _DEVICE)
            loop = asyncio.get_running_loop()
            loop.add_reader(tunnel, self._note, tunnel)
            yield
            loop.remove_reader(tunnel)
        finally:
            os.close(tunnel)

    def _note(self, tunnel: int) -> None:
        with contextlib.suppress(BlockingIOError):
            while packet := os.read(tunnel, 65535):
                if line := _describe(packet):
                    self.left.append(line)


def move_to(namespace: int) -> None:
    """Go on in another network; Python's own function for it is younger than our oldest Python."""
    if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "cannot change the network; this needs root")


def _describe(packet: bytes) -> str | None:
    """Protocol and destination; ``None`` for what the kernel says by itself, such as groups."""
    if packet[0] >> 4 == 4:
        protocol, address, header = packet[9], packet[16:20], (packet[0] & 15) * 4
    else:
        protocol, address, header = packet[6], packet[24:40], 40
    if protocol not in _PROTOCOLS:
        return None
    port = int.from_bytes(packet[header + 2 : header + 4], "big")
    return f"{_PROTOCOLS[protocol]} {ipaddress.ip_address(address)} port {port}"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
