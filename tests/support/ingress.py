"""A proxy as Home Assistant's ingress is one: a prefix that nobody knows, and streams passed on.

It can hold back what it passes on, so that a test decides how much of an answer has come.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, web
from multidict import CIMultiDict
from yarl import URL

PREFIX = "/api/hassio_ingress/Zm9vYmFyLXRva2Vu"
_HOP_BY_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


class Ingress:
    """Passes on what comes below `PREFIX` to `target`."""

    def __init__(self, target: str) -> None:
        self.url = ""
        self.strays: list[str] = []
        """Requests that came for something outside the prefix."""
        self.paths: list[str] = []
        """Paths below the prefix that were asked for."""
        self.hold_after: int | None = None
        """So many bytes of an answer of ``api/say`` are passed on before `release`."""
        self.cut = False
        """Break the connection off instead of passing the rest on."""
        self._target = URL(target)
        self._released = asyncio.Event()

    def release(self) -> None:
        """Pass on what was held back."""
        self._released.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path
        if not path.startswith(f"{PREFIX}/"):
            self.strays.append(path)
            return web.Response(status=404)
        below = path.removeprefix(f"{PREFIX}/")
        self.paths.append(below)
        headers = CIMultiDict(
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in _HOP_BY_HOP
        )
        headers["X-Ingress-Path"] = PREFIX
        target = URL(f"{self._target}{below}", encoded=True).with_query(request.rel_url.query)
        async with ClientSession(timeout=ClientTimeout(total=None), trust_env=False) as session:
            try:
                async with session.request(
                    request.method,
                    target,
                    headers=headers,
                    data=request.content if request.can_read_body else None,
                    allow_redirects=False,
                ) as answer:
                    return await self._pass_on(request, below, answer)
            except ClientError:
                return web.Response(status=502, text="Bad Gateway")

    async def _pass_on(
        self, request: web.Request, below: str, answer: ClientResponse
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                response.headers.add(name, value)
        await response.prepare(request)
        passed, held = 0, self.hold_after if below == "api/say" else None
        with contextlib.suppress(ConnectionError):
            async for received in answer.content.iter_any():
                chunk = received
                if held is not None and passed + len(chunk) >= held:
                    await response.write(chunk[: held - passed])
                    await self._released.wait()
                    if self.cut:
                        assert request.transport is not None
                        request.transport.abort()
                        return response
                    chunk, held = chunk[held - passed :], None
                await response.write(chunk)
                passed += len(chunk)
            await response.write_eof()
        return response


@contextlib.asynccontextmanager
async def ingress(target: str) -> AsyncIterator[Ingress]:
    """A proxy on loopback; `target` ends with a slash."""
    proxy = Ingress(target)
    async with served(proxy):
        yield proxy


@contextlib.asynccontextmanager
async def served(proxy: Ingress) -> AsyncIterator[None]:
    """Let a proxy listen within the context."""
    application = web.Application(client_max_size=1 << 30)
    application.router.add_route("*", "/{path:.*}", proxy.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}{PREFIX}/"
        yield
    finally:
        proxy.release()
        await runner.cleanup()
