"""Zeroconf: what is announced, and that others find it."""

from __future__ import annotations

import socket
import uuid
from pathlib import Path

import psutil
import pytest
from zeroconf import IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from conftest import Script, Serve
from wyoming_piper_hardened import __version__
from wyoming_piper_hardened.protocol.announcement import reachable

SERVICE, COMPANION = "_wyoming._tcp.local.", "_piper-hardened._tcp.local."
PATIENCE = 60_000  # milliseconds that a busy machine may take for what is at once
PAUSE = 500  # milliseconds between two requests
OWN = (
    *("127.0.0.1", "192.168.1.5", "10.0.0.2", "169.254.3.4", "::1", "fe80::1%eth0"),
    *("fd00::5", "2001:db8::7%eth1"),
)


def test_announced_addresses_are_those_that_others_reach() -> None:
    ipv4 = ["10.0.0.2", "169.254.3.4", "192.168.1.5"]
    assert reachable(OWN, ipv6=False) == ipv4
    assert reachable(OWN, ipv6=True) == [*ipv4, "2001:db8::7", "fd00::5"]
    assert reachable(["127.0.0.1", "::1"], ipv6=True) == []


def own_addresses(*, ipv6: bool) -> list[str]:
    families = {socket.AF_INET, socket.AF_INET6}
    own = [one for found in psutil.net_if_addrs().values() for one in found]
    return reachable([one.address for one in own if one.family in families], ipv6=ipv6)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "[::]", ""])
async def test_a_server_is_found_where_it_listens(
    start_server: Serve, script: Script, host: str
) -> None:
    """By a search on loopback, so that nothing leaves this machine but the announcement."""
    name = f"Piper {uuid.uuid4().hex[:8]}"
    everywhere = own_addresses(ipv6=host in {"[::]", ""})
    server = await start_server(script(), uri=f"tcp://{host}:0", zeroconf=name)
    found = await search(SERVICE, name, PATIENCE)
    assert found is not None
    addresses = found.parsed_addresses(IPVersion.All)
    assert set(addresses) == ({host} if host == "127.0.0.1" else set(everywhere))
    assert found.port == server.port


async def search(kind: str, name: str, milliseconds: int) -> AsyncServiceInfo | None:
    searcher = AsyncZeroconf(interfaces=["127.0.0.1"])
    try:
        found = AsyncServiceInfo(kind, f"{name}.{kind}")
        # An address that comes before the name of its host is overlooked, and found in the cache
        # by the next request.
        for _ in range(0, milliseconds, PAUSE):
            if await found.async_request(searcher.zeroconf, PAUSE):
                return found
        return None
    finally:
        await searcher.async_close()


@pytest.mark.parametrize("token", [None, "correct-horse-battery"])
async def test_web_server_is_announced_to_the_companion_with_its_identity(
    start_server: Serve, script: Script, prepared_data: Path, token: str | None
) -> None:
    name = f"Piper {uuid.uuid4().hex[:8]}"
    server = await start_server(
        script(), zeroconf=name, web_uri="http://0.0.0.0:0", web_token=token
    )
    assert server.web is not None
    found = await search(COMPANION, name, PATIENCE)
    assert found is not None
    assert found.port == server.web.port
    assert set(found.parsed_addresses(IPVersion.All)) == set(own_addresses(ipv6=False))
    assert found.decoded_properties == {
        "server_id": (prepared_data / "server-id").read_text().strip(),
        "version": __version__,
        "api": "1",
        "auth": "none" if token is None else "token",
    }


async def test_wyoming_server_of_the_same_addresses_is_announced_beside_it(
    start_server: Serve, script: Script
) -> None:
    name = f"Piper {uuid.uuid4().hex[:8]}"
    web_uri = "http://0.0.0.0:0"
    server = await start_server(script(), uri="tcp://0.0.0.0:0", zeroconf=name, web_uri=web_uri)
    assert server.web is not None
    wyoming, web = await search(SERVICE, name, PATIENCE), await search(COMPANION, name, PATIENCE)
    assert wyoming is not None
    assert web is not None
    assert (wyoming.port, web.port) == (server.port, server.web.port)


@pytest.mark.parametrize("web_uri", [None, "http://127.0.0.1:0"])
async def test_web_server_that_others_cannot_reach_is_not_announced(
    start_server: Serve, script: Script, web_uri: str | None
) -> None:
    name = f"Piper {uuid.uuid4().hex[:8]}"
    await start_server(script(), zeroconf=name, web_uri=web_uri)
    assert await search(SERVICE, name, PATIENCE)
    assert await search(COMPANION, name, 1500) is None
