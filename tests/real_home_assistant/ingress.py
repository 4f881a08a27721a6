"""Home Assistant's ingress, applied to a request and its answer on their way to an app and back.

Two proxies stand there: Core, and behind it the Supervisor. They are nearly the same
(``components/hassio/ingress.py`` of Core 2026.11 and 2026.2, ``api/ingress.py`` of the Supervisor
of August 2026): headers are filtered, small answers are read whole, the others are passed on as
they come, and one that breaks off is ended as if it were complete.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError, ClientSession, ClientTimeout, hdrs, web
from multidict import CIMultiDict
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection

    PassOn = Callable[[web.StreamResponse, bytes], Awaitable[None]]

MAX_BODY = 16 << 20
"""Bytes of a request that either reads whole; streams may be longer."""

OF_BODIES = {hdrs.CONTENT_LENGTH, hdrs.CONTENT_ENCODING, hdrs.TRANSFER_ENCODING}
"""Headers of a request that are not passed on."""

_READ_WHOLE = 4_194_000  # bytes of an answer
_NO_CONTENT = {204, 304}


class Supervisor:
    """The proxy before the app. It knows who has signed in, which is left out here.

    Args:
        app: the app's address, without a slash at its end.
        streams_bodies: whether the app's configuration says `ingress_stream`.
    """

    def __init__(self, app: str, *, streams_bodies: bool) -> None:
        self._app = app
        self._streams_bodies = streams_bodies

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[str]:
        """Serve within the context; yields its address, without a slash at its end."""
        async with session() as self._session, listening(self._handle, port) as address:
            yield address

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        # Core asks for /ingress/TOKEN/PATH; the Supervisor finds the app by its token.
        below = request.rel_url.raw_path.split("/", 3)[3]
        headers = without(request.headers, OF_BODIES)
        headers["X-Remote-User-Name"] = "somebody"
        headers[hdrs.X_FORWARDED_FOR] = f"{headers.get(hdrs.X_FORWARDED_FOR)}, {request.remote}"
        streamed = request.method == "POST" and self._streams_bodies
        body = request.content if streamed else await request.read()
        return await relay(self._session, request, f"{self._app}/{below}", headers, body)


async def relay(
    outgoing: ClientSession,
    request: web.Request,
    address: str,
    headers: CIMultiDict[str],
    body: Any,
    *,
    compresses: Callable[[str], bool] = lambda _: False,
    pass_on: PassOn = web.StreamResponse.write,
) -> web.StreamResponse:
    """Answer `request` with what `address` answers.

    Args:
        outgoing: asks there.
        request: what came; its method and its query are passed on.
        address: where to ask.
        headers: what to say there.
        body: what to send there, if anything.
        compresses: whether an answer of some type is compressed.
        pass_on: sends a piece of a streamed answer.
    """
    url = URL(address, encoded=True).with_query(request.rel_url.query)
    try:
        async with outgoing.request(
            request.method,
            url,
            headers=headers,
            data=body,
            allow_redirects=False,
            skip_auto_headers={hdrs.CONTENT_TYPE},
        ) as answer:
            passed_on = without(answer.headers, OF_BODIES | {hdrs.CONTENT_TYPE})
            kind = answer.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0]
            if request.method == "HEAD" or answer.status in _NO_CONTENT:
                return web.Response(status=answer.status, headers=passed_on)
            length = answer.headers.get(hdrs.CONTENT_LENGTH)
            response: web.StreamResponse
            if length is not None and int(length) <= _READ_WHOLE:
                whole = await answer.read()
                response = web.Response(
                    status=answer.status, headers=passed_on, content_type=kind, body=whole
                )
                if compresses(kind):
                    response.enable_compression()
                return response
            response = web.StreamResponse(status=answer.status, headers=passed_on)
            response.content_type = kind
            if compresses(kind):
                response.enable_compression()
            await response.prepare(request)
            with suppress(ClientError, ConnectionError):
                async for chunk, _ in answer.content.iter_chunks():
                    await pass_on(response, chunk)
            return response
    except ClientError:
        raise web.HTTPBadGateway from None


def session() -> ClientSession:
    """Return a client without timeout or proxy."""
    return ClientSession(timeout=ClientTimeout(total=None))


@asynccontextmanager
async def listening(handle: Any, port: int = 0) -> AsyncIterator[str]:
    """Serve on loopback within the context; yields the address, without a slash at its end."""
    application = web.Application(client_max_size=MAX_BODY)
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def without(headers: Any, names: Collection[Any]) -> CIMultiDict[str]:
    """Headers but for some."""
    return CIMultiDict((name, value) for name, value in headers.items() if name not in names)
