"""One view of the state, rendered once for all of its followers of a kind."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ...system.aio import Notifier, cancel_and_wait
from ..limits import WebLimits


class Render(Protocol):
    """Returns what is sent to the owner, or to others."""

    async def __call__(self, *, for_owner: bool) -> Mapping[str, Any]:
        """Return objects of JSON by the names of their events."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """An event: its name, its data as JSON, and a number that no other event of the feed has."""

    name: str
    data: str
    id: int


class Feed:
    """One view of the state; `run` must run beside it.

    A follower gets every event of the view at once, then each one that has changed; those in
    between are left out.

    Args:
        render: returns the view.
        changes: notifies when that has changed.
        limits: how often.
    """

    def __init__(self, render: Render, changes: Notifier, limits: WebLimits) -> None:
        self._render = render
        self._changes = changes
        self._limits = limits
        self._latest: dict[bool, dict[str, Message]] = {}
        self._ids = itertools.count(1)
        self._news = Notifier()
        self._followers = Counter[bool]()  # owners, and others
        self._followed = asyncio.Event()
        self._arrivals = Notifier()
        self._closed = False

    @property
    def followers(self) -> int:
        """Streams that are open."""
        return self._followers.total()

    async def run(self) -> None:
        """Render while there are followers; until cancelled."""
        while True:
            await self._followed.wait()
            change = asyncio.create_task(self._changes.wait())
            arrival = asyncio.create_task(self._arrivals.wait())
            try:
                await asyncio.sleep(0)  # they wait before the state is looked at
                kinds = [kind for kind in (True, False) if self._followers[kind]]
                views = {kind: self._messages(kind, await self._view(kind)) for kind in kinds}
                self._latest = {kind: views[kind] for kind in kinds if self._followers[kind]}
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

    async def follow(self, owner: bool) -> AsyncGenerator[Message, None]:  # noqa: FBT001 - a key
        """Yield the newest events, then each newer one; those in between are left out."""
        self._followers[owner] += 1
        self._followed.set()
        if owner not in self._latest:  # the first one, or the first after the others had left
            self._arrivals.notify()
        sent: dict[str, Message] = {}
        try:
            while not self._closed:
                latest = self._latest.get(owner, {})
                news = [one for one in latest.values() if one is not sent.get(one.name)]
                if not news:
                    await self._news.wait()
                for message in news:
                    yield message
                    sent[message.name] = message
        finally:
            self._followers[owner] -= 1
            if not self._followers[owner]:
                self._latest.pop(owner, None)
            if not self.followers:
                self._followed.clear()

    async def _view(self, owner: bool) -> dict[str, str]:  # noqa: FBT001 - a key
        view = await self._render(for_owner=owner)
        return {name: json.dumps(value) for name, value in view.items()}

    def _messages(self, owner: bool, view: Mapping[str, str]) -> dict[str, Message]:  # noqa: FBT001
        """Return the events of a view; those that are as before are the same objects."""
        before = self._latest.get(owner, {})
        return {
            name: before[name]
            if name in before and before[name].data == data
            else Message(name, data, next(self._ids))
            for name, data in view.items()
        }
