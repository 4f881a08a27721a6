"""A connection of aiohttp that answers invalid HTTP like any other error."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Any

from aiohttp import web

from ..errors import BadRequestError, HardenedError
from ..system.sockets import until_gone
from . import errors

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self' blob:; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "wyoming-piper-hardened",
}
"""Headers of every answer."""

_FIRST_SERVER_ERROR = 500
_LOOK_INTERVAL = 0.1  # seconds


class Connection(web.RequestHandler):
    """Reads requests from one client and answers them."""

    __slots__ = ("_finishing", "unfinished")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.unfinished = False
        """Set while an answer is begun that must not look whole if the connection ends now."""
        self._finishing: asyncio.Task[None] | None = None

    def eof_received(self) -> bool:  # type: ignore[override] # aiohttp never keeps a connection
        """Return whether a client that sends no more has asked for something and waits for it."""
        if self.transport is None or not self._has_whole_requests:
            return False
        if not self._messages:
            super().close()  # as soon as the last request is answered
        self._finishing = self._loop.create_task(self._finish(self.transport))
        return True

    async def _finish(self, transport: asyncio.Transport) -> None:
        """End the connection when its requests are answered, or nobody is there any more."""
        gone = asyncio.create_task(until_gone(transport.get_extra_info("socket")))
        try:
            while self._has_whole_requests and not gone.done():
                await asyncio.wait({gone}, timeout=_LOOK_INTERVAL)
        finally:
            gone.cancel()
        if self._has_whole_requests:
            transport.abort()
        else:
            transport.close()

    @property
    def _has_whole_requests(self) -> bool:
        """Return whether there is a request to answer, and the last one came whole."""
        if self._waiter is not None and not self._waiter.done():
            return False
        if self._messages:
            return bool(self._messages[-1][1].is_eof())
        return self._current_request is None or self._current_request.content.is_eof()

    def close(self) -> None:
        """Answer no further request; end the connection at once if none is being answered."""
        super().close()
        if self._current_request is None and not self._messages:
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the unfinished answer: the connection has ended already."""
        self.unfinished = False
        if self._finishing is not None:
            self._finishing.cancel()
        super().connection_lost(exc)

    def force_close(self) -> None:
        """End the connection, as the server stops."""
        if self.unfinished and self.transport is not None:
            reset(self.transport)
        super().force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = _FIRST_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to what never became a request; it names no software."""
        super().handle_error(request, status, exc, message)  # logs it
        error = HardenedError("internal error; see the log")
        if status < _FIRST_SERVER_ERROR:
            error = BadRequestError("this is no HTTP request")
        answer = errors.response(error, like_openai=False)
        add_headers(answer)
        answer.force_close()
        return answer


def reset(transport: asyncio.Transport) -> None:
    """End a connection so that it is an error for any client, never the end of a file."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def add_headers(response: web.StreamResponse) -> None:
    """Add the headers of every answer."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
