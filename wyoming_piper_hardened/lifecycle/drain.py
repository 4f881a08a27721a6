"""Graceful stop: not ready, then no new requests, then the end of those that have begun."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..reporting.events import Event
from ..status.reporter import StatusReporter

_LOGGER = logging.getLogger(__name__)


class Drainable(Protocol):
    """A server that can finish what it has begun."""

    @property
    def under_way(self) -> int:
        """Number of requests that have begun and are not finished."""

    async def drain(self) -> None:
        """Take no more requests."""

    async def drained(self) -> None:
        """Wait until what has begun is finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """Brings a server to where it can be stopped without a loss.

    Args:
        status: says from then on that the server is not ready.
        servers: what takes requests.
        withdraw: ends the announcement in the network.
        accept: seconds in which new requests are still taken: who balances the load needs a
            moment to see that the server is not ready.
        timeout: seconds that what has begun may then take.
    """

    status: StatusReporter
    servers: Sequence[Drainable]
    withdraw: Callable[[], Coroutine[Any, Any, None]]
    accept: float
    timeout: float

    async def run(self, at_once: asyncio.Event) -> None:
        """Return when nothing is under way or the time is up; early when `at_once` is set."""
        self.status.drain()
        _LOGGER.info(Event("server-draining", accept=self.accept, timeout=self.timeout))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.withdraw())
            hurry = tasks.create_task(at_once.wait())
            drained = tasks.create_task(self._drained(hurry))
            await asyncio.wait({drained, hurry}, return_when=asyncio.FIRST_COMPLETED)
            if under_way := sum(server.under_way for server in self.servers):
                _LOGGER.warning(Event("requests-cut-off", count=under_way))
            hurry.cancel()
            drained.cancel()

    async def _drained(self, hurry: asyncio.Task[bool]) -> None:
        if self.accept:
            await asyncio.wait({hurry}, timeout=self.accept)
        for server in self.servers:
            await server.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.timeout):
                for server in self.servers:
                    await server.drained()
