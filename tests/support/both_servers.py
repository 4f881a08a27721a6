"""A server in this process with its web server, and a client of it; the fixtures that open some."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from conftest import Serve
from wyoming_piper_hardened.service import Running
from wyoming_piper_hardened.web.server import WebServer

Open = Callable[..., Awaitable["Site"]]


@dataclass
class Site:
    """Both servers, and a session of a web client whose base is the web server's address."""

    server: Running
    client: aiohttp.ClientSession

    @property
    def web(self) -> WebServer:
        assert self.server.web is not None
        return self.server.web

    @property
    def url(self) -> str:
        return self.web.address

    @property
    def connections(self) -> int:
        """Connections that the web server has."""
        assert self.web._runner is not None
        assert self.web._runner.server is not None
        return len(self.web._runner.server.connections)

    async def get(self, path: str, **options: Any) -> tuple[int, Any]:
        """Return status and JSON of an answer."""
        return await self.ask("GET", path, **options)

    async def post(self, path: str, **options: Any) -> tuple[int, Any]:
        return await self.ask("POST", path, **options)

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        async with self.client.request(method, path, **options) as answer:
            return answer.status, await answer.json()

    async def raw(self, request: bytes) -> bytes:
        """Return all bytes that answer a request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.web.port)
        writer.write(request)
        async with asyncio.timeout(20):
            answer = await reader.read()
        writer.close()
        return answer

    async def hear(self, path: str = "/api/say", **body: Any) -> bytes:
        """Return the bytes of a speech that must succeed."""
        async with self.client.post(path, json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read()


@contextlib.asynccontextmanager
async def opened(start_server: Serve, *engine: Any, **settings: Any) -> AsyncIterator[Site]:
    """Start a server whose web server is on some free port of loopback."""
    server: Running = await start_server(*engine, **{"web_uri": "http://127.0.0.1:0", **settings})
    assert server.web is not None
    async with aiohttp.ClientSession(server.web.address) as client:
        yield Site(server, client)


@pytest.fixture
async def open_site(start_server: Serve) -> AsyncIterator[Open]:
    """Open sites; the arguments are those of `start_server`."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(*engine: Any, **settings: Any) -> Site:
            return await stack.enter_async_context(opened(start_server, *engine, **settings))

        yield start


def own_address() -> str | None:
    """Return an address of this machine that is not loopback, if any; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return None
