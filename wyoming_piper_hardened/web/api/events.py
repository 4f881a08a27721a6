"""The state as a stream of server-sent events, rendered once for all followers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp_sse import sse_response

from ...errors import TooManyConnectionsError
from ...system.aio import Notifier, cancel_and_wait
from ..endpoint import BYTES, EVENT_STREAM, Endpoint
from ..limits import WebLimits


class EventsEndpoint:
    """``/api/events``; `run` must run beside it.

    Args:
        render: returns what is sent.
        changes: notifies when that has changed.
        is_privileged: returns whether a request may use the reserved streams.
        limits: how often, how slowly, and to how many.
    """

    def __init__(
        self,
        render: Callable[[], Awaitable[dict[str, Any]]],
        changes: Notifier,
        is_privileged: Callable[[web.Request], bool],
        limits: WebLimits,
    ) -> None:
        self._render = render
        self._changes = changes
        self._is_privileged = is_privileged
        self._limits = limits
        self._latest: str | None = None
        self._news = Notifier()
        self.followers = 0
        """Streams that are open."""
        self._followed = asyncio.Event()
        self._arrivals = Notifier()
        self._closed = False

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="GET",
                path="/api/events",
                handle=self._send,
                summary="Server-sent events named status, each with the object of /api/status: "
                "one at once, then one after every change, at most four a second.",
                answers={200: {EVENT_STREAM: BYTES}},
                errors=(503,),
            ),
        )

    async def run(self) -> None:
        """Render while there are followers; until cancelled."""
        while True:
            await self._followed.wait()
            change = asyncio.create_task(self._changes.wait())
            arrival = asyncio.create_task(self._arrivals.wait())
            try:
                await asyncio.sleep(0)  # they wait before the state is looked at
                state = json.dumps(await self._render())
                self._latest = state if self.followers else None
                self._news.notify()
                await asyncio.sleep(self._limits.event_interval)
                await asyncio.wait(
                    {change, arrival},
                    timeout=self._limits.event_refresh,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                await cancel_and_wait(change)
                await cancel_and_wait(arrival)

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        self._news.notify()

    async def _send(self, request: web.Request) -> web.StreamResponse:
        limits = self._limits
        allowed = limits.all_followers if self._is_privileged(request) else limits.followers
        if self.followers >= allowed:
            raise TooManyConnectionsError("too many pages are open; close one")
        stream: web.StreamResponse = web.Response()
        # Who is gone, or too slow, is dropped; a page connects anew by itself.
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with (
                sse_response(
                    request,
                    send_timeout=limits.event_send_timeout,
                    ping_interval=limits.event_keep_alive,
                ) as stream,
                contextlib.aclosing(self._follow()) as states,
            ):
                async for state in states:
                    await stream.send(state, event="status", retry=2000)
        return stream

    async def _follow(self) -> AsyncGenerator[str, None]:
        """Yield the newest state, then each newer one; those in between are left out."""
        self.followers += 1
        self._followed.set()
        if self._latest is None:  # the first one, or the first after everybody had left
            self._arrivals.notify()
        sent: str | None = None
        try:
            while not self._closed:
                if (latest := self._latest) is None or latest is sent:
                    await self._news.wait()
                else:
                    yield latest
                    sent = latest
        finally:
            self.followers -= 1
            if not self.followers:
                self._followed.clear()
                self._latest = None
