"""The state as a stream of server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from aiohttp import web
from aiohttp_sse import sse_response

from ...errors import BadRequestError, TooManyConnectionsError
from ...status.rows import Status
from ...system.aio import Notifier
from ..bodies.companion import CompanionCounters, CompanionState
from ..endpoint import Endpoint, Parameter, event_body
from ..limits import WebLimits
from .feed import Feed, Render

_RECONNECT = 2000  # milliseconds


class View(StrEnum):
    """The views of the state."""

    STATUS = "status"
    COMPANION = "companion"


class Policy(Protocol):
    """Knows who asks; see `AccessPolicy`."""

    def is_privileged(self, request: web.Request) -> bool:
        """Return whether a request may use the reserved streams."""
        ...

    def may_change(self, request: web.Request) -> bool:
        """Return whether it is the owner's."""
        ...


class EventsEndpoint:
    """``/api/events``; `run` must run beside it.

    Args:
        views: return what is sent.
        changes: notifies when that has changed.
        policy: knows who asks.
        limits: how often, how slowly, and to how many.
    """

    def __init__(
        self,
        views: Mapping[View, Render],
        changes: Notifier,
        policy: Policy,
        limits: WebLimits,
    ) -> None:
        self._feeds = {view: Feed(render, changes, limits) for view, render in views.items()}
        self._policy = policy
        self._limits = limits

    @property
    def followers(self) -> int:
        """Streams that are open."""
        return sum(feed.followers for feed in self._feeds.values())

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        views = {"type": "string", "enum": ["", *View]}
        return (
            Endpoint(
                method="GET",
                path="/api/events",
                handle=self._send,
                summary="Server-sent events, at most four a second: named status, each with the "
                "object of /api/status, one at once, then one after every change. With "
                "view=companion, named state and counters, both at once: state again after every "
                "change, counters at most every 30 seconds.",
                parameters=(
                    Parameter("view", "companion for programs that listen for ever", views),
                ),
                answers={200: event_body(Status, CompanionState, CompanionCounters)},
                errors=(503,),
            ),
        )

    async def run(self) -> None:
        """Render while there are followers; until cancelled."""
        async with asyncio.TaskGroup() as group:
            for feed in self._feeds.values():
                group.create_task(feed.run())

    def close(self) -> None:
        """End every stream."""
        for feed in self._feeds.values():
            feed.close()

    async def _send(self, request: web.Request) -> web.StreamResponse:
        limits = self._limits
        feed = self._feed(request.query.get("view", ""))
        privileged = self._policy.is_privileged(request)
        allowed = limits.all_followers if privileged else limits.followers
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
                contextlib.aclosing(feed.follow(self._policy.may_change(request))) as messages,
            ):
                async for message in messages:
                    await stream.send(
                        message.data, id=str(message.id), event=message.name, retry=_RECONNECT
                    )
        return stream

    def _feed(self, view: str) -> Feed:
        try:
            return self._feeds[View(view or View.STATUS)]
        except (KeyError, ValueError):
            raise BadRequestError(f"view must be one of {', '.join(View)}", "view") from None
