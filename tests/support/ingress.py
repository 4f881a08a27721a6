"""Home Assistant's ingress as the page and the server meet it: Core, and behind it the Supervisor.

What each of them does to a request and to its answer is that of their sources
(``components/hassio/ingress.py`` of Core 2026.11 and 2026.2, ``api/ingress.py`` of the Supervisor
of August 2026): both hide an answer that breaks off, the Supervisor reads bodies of up to 16 MB
unless the app wants them as a stream, and Core until 2026.2 compresses streams of events, which
keeps them back.

It can hold back an answer, so that a test decides how much of it has come.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, hdrs, web
from multidict import CIMultiDict
from yarl import URL

from supervisor.simulator import app_config

PREFIX = "/api/hassio_ingress/Zm9vYmFyLXRva2Vu"

_READ_AT_ONCE = 4_194_000  # bytes of an answer that are not streamed
_MAX_BODY = 16 << 20
_OF_REQUESTS = {hdrs.CONTENT_LENGTH, hdrs.CONTENT_ENCODING, hdrs.TRANSFER_ENCODING}
_OF_ANSWERS = _OF_REQUESTS | {hdrs.CONTENT_TYPE}


class Ingress:
    """Passes on what comes below `PREFIX` to `target`, the server's address.

    Args:
        target: ends with a slash.
        compresses_events: as Core until 2026.2 does.
    """

    def __init__(self, target: str, *, compresses_events: bool = False) -> None:
        self.url = ""
        self.strays: list[str] = []
        """Requests that came for something outside the prefix."""
        self.paths: list[str] = []
        """Paths below the prefix that were asked for."""
        self.hold_after: int | None = None
        """So many bytes of an answer of ``api/say`` are passed on before `release`."""
        self.cut = False
        """Break the browser's connection off instead of passing the rest on."""
        self._compresses_events = compresses_events
        self._target = target
        self._supervisor = ""
        self._streams_bodies = bool(app_config().get("ingress_stream"))
        self._session: ClientSession | None = None
        self._released = asyncio.Event()

    def release(self) -> None:
        """Pass on what was held back."""
        self._released.set()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen within the context."""
        async with (
            ClientSession(trust_env=False, timeout=ClientTimeout(total=None)) as self._session,
            _listening(self._supervise, _MAX_BODY) as self._supervisor,
            _listening(self.handle, _MAX_BODY) as core,
        ):
            self.url = f"{core}{PREFIX}/"
            try:
                yield
            finally:
                self.release()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """What Core does."""
        path = request.rel_url.raw_path
        if not path.startswith(f"{PREFIX}/"):
            self.strays.append(path)
            return web.Response(status=404)
        below = path.removeprefix(f"{PREFIX}/")
        self.paths.append(below)
        headers = _without(request.headers, _OF_REQUESTS | {hdrs.ACCEPT_ENCODING})
        headers["X-Hass-Source"] = "core.ingress"
        headers["X-Ingress-Path"] = PREFIX
        headers[hdrs.X_FORWARDED_FOR] = request.remote or ""
        headers[hdrs.X_FORWARDED_HOST] = request.host
        headers[hdrs.X_FORWARDED_PROTO] = request.scheme
        body = request.content if request.method != "GET" else None
        hold = self.hold_after if below == "api/say" else None
        return await self._relay(
            request, f"{self._supervisor}/{below}", headers, body, border=True, hold=hold
        )

    async def _supervise(self, request: web.Request) -> web.StreamResponse:
        """What the Supervisor does."""
        headers = _without(request.headers, _OF_REQUESTS)
        headers["X-Remote-User-Name"] = "somebody"
        headers[hdrs.X_FORWARDED_FOR] += f", {request.remote}"
        streamed = request.method == "POST" and self._streams_bodies
        body = request.content if streamed else await request.read()
        path = request.rel_url.raw_path.removeprefix("/")
        return await self._relay(request, f"{self._target}{path}", headers, body, border=False)

    async def _relay(
        self,
        request: web.Request,
        address: str,
        headers: CIMultiDict[str],
        body: Any,
        *,
        border: bool,
        hold: int | None = None,
    ) -> web.StreamResponse:
        """What they have in common; only at the `border` to the browser is anything compressed."""
        assert self._session is not None
        url = URL(address, encoded=True).with_query(request.rel_url.query)
        try:
            async with self._session.request(
                request.method,
                url,
                headers=headers,
                data=body,
                allow_redirects=False,
                skip_auto_headers={hdrs.CONTENT_TYPE},
            ) as answer:
                passed_on = _without(answer.headers, _OF_ANSWERS)
                kind = answer.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0]
                if request.method == "HEAD" or answer.status in {204, 304}:
                    return web.Response(status=answer.status, headers=passed_on)
                length = answer.headers.get(hdrs.CONTENT_LENGTH)
                response: web.StreamResponse
                if length is not None and int(length) <= _READ_AT_ONCE:
                    response = web.Response(
                        status=answer.status,
                        headers=passed_on,
                        content_type=kind,
                        body=await answer.read(),
                    )
                    if border and self._compresses(kind):
                        response.enable_compression()
                    return response
                response = web.StreamResponse(status=answer.status, headers=passed_on)
                response.content_type = kind
                if border and self._compresses(kind):
                    response.enable_compression()
                await response.prepare(request)
                with contextlib.suppress(ClientError, ConnectionError):  # both hide it
                    async for chunk, _ in answer.content.iter_chunks():
                        hold = await self._pass_on(request, response, chunk, hold)
                return response
        except ClientError:
            raise web.HTTPBadGateway from None

    async def _pass_on(
        self, request: web.Request, response: web.StreamResponse, chunk: bytes, hold: int | None
    ) -> int | None:
        """Send `chunk`, or wait in its middle; returns after how many more bytes to wait."""
        if hold is None or len(chunk) < hold:
            await response.write(chunk)
            return None if hold is None else hold - len(chunk)
        await response.write(chunk[:hold])
        await self._released.wait()
        if self.cut:
            assert request.transport is not None
            request.transport.abort()
        await response.write(chunk[hold:])
        return None

    def _compresses(self, kind: str) -> bool:
        if kind == "text/event-stream":
            return self._compresses_events
        if kind.startswith(("image/", "application/")):
            return any(part in kind for part in ("svg", "json", "xml", "javascript"))
        return not kind.startswith(("audio/", "font/", "video/"))


@contextlib.asynccontextmanager
async def ingress(target: str, *, compresses_events: bool = False) -> AsyncIterator[Ingress]:
    """An ingress on loopback; `target` ends with a slash."""
    proxy = Ingress(target, compresses_events=compresses_events)
    async with proxy.serving():
        yield proxy


@contextlib.asynccontextmanager
async def _listening(handler: Any, max_body: int) -> AsyncIterator[str]:
    """Yields the address of a server on loopback, without a slash at its end."""
    application = web.Application(client_max_size=max_body)
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _without(headers: Any, names: set[Any]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name not in names)
