"""Home Assistant's ingress as the page and the server meet it, with a simulated Core.

`real_home_assistant` sends the same through a real one. Here an answer can be held back, so that a
test decides how much of it has come.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import ClientSession, hdrs, web

from real_home_assistant.ingress import (
    OF_BODIES,
    Supervisor,
    listening,
    relay,
    session,
    without,
)
from supervisor.simulator import app_config

TOKEN = "Zm9vYmFyLXRva2Vu"  # noqa: S105 - of the tests' own ingress
PREFIX = f"/api/hassio_ingress/{TOKEN}"


class Ingress:
    """Passes on what comes below `PREFIX` to `target`, the server's address.

    Args:
        target: ends with a slash.
        compresses_events: as Core until 2026.2 does, which keeps them back.
    """

    def __init__(self, target: str, *, compresses_events: bool = False) -> None:
        self.url = ""
        self.strays: list[str] = []
        """Paths outside the prefix that were requested."""
        self.paths: list[str] = []
        """Paths below the prefix that were requested."""
        self.hold_after: int | None = None
        """So many bytes of an answer of ``api/say`` are passed on before `release`."""
        self.cut = False
        """Break the browser's connection off instead of passing the rest on."""
        self._compresses_events = compresses_events
        self._target = target.rstrip("/")
        self._supervisor = ""
        self._session: ClientSession | None = None
        self._released = asyncio.Event()

    def release(self) -> None:
        """Pass on what was held back."""
        self._released.set()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen within the context."""
        streams_bodies = bool(app_config().get("ingress_stream"))
        supervisor = Supervisor(self._target, streams_bodies=streams_bodies)
        async with (
            session() as self._session,
            supervisor.listening() as self._supervisor,
            listening(self.handle) as core,
        ):
            self.url = f"{core}{PREFIX}/"
            try:
                yield
            finally:
                self.release()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer as Core does."""
        assert self._session is not None
        path = request.rel_url.raw_path
        if not path.startswith(f"{PREFIX}/"):
            self.strays.append(path)
            return web.Response(status=404)
        below = path.removeprefix(f"{PREFIX}/")
        self.paths.append(below)
        headers = without(request.headers, OF_BODIES | {hdrs.ACCEPT_ENCODING})
        headers["X-Hass-Source"] = "core.ingress"
        headers["X-Ingress-Path"] = PREFIX
        headers[hdrs.X_FORWARDED_FOR] = request.remote or ""
        headers[hdrs.X_FORWARDED_HOST] = request.host
        headers[hdrs.X_FORWARDED_PROTO] = request.scheme
        left = self.hold_after if below == "api/say" else None

        async def pass_on(response: web.StreamResponse, chunk: bytes) -> None:
            nonlocal left
            if left is None or len(chunk) < left:
                left = None if left is None else left - len(chunk)
                await response.write(chunk)
                return
            held, left = left, None
            await response.write(chunk[:held])
            await self._released.wait()
            if self.cut:
                assert request.transport is not None
                request.transport.abort()
            await response.write(chunk[held:])

        return await relay(
            self._session,
            request,
            f"{self._supervisor}/ingress/{TOKEN}/{below}",
            headers,
            request.content if request.method != "GET" else None,
            compresses=self._compresses,
            pass_on=pass_on,
        )

    def _compresses(self, kind: str) -> bool:
        if kind == "text/event-stream":
            return self._compresses_events
        if kind.startswith(("image/", "application/")):
            return any(part in kind for part in ("svg", "json", "xml", "javascript"))
        return not kind.startswith(("audio/", "font/", "video/"))


@contextlib.asynccontextmanager
async def ingress(target: str, *, compresses_events: bool = False) -> AsyncIterator[Ingress]:
    """Serve an ingress on loopback; `target` ends with a slash."""
    proxy = Ingress(target, compresses_events=compresses_events)
    async with proxy.serving():
        yield proxy
