"""Requests that are being answered, and their end when the server stops."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from ..errors import ShuttingDownError


class UnderWay:
    """Counts the requests that are being answered, and cuts off those that are left."""

    def __init__(self) -> None:
        self._scopes: set[asyncio.Timeout] = set()
        self._none = asyncio.Event()
        self._none.set()

    def __len__(self) -> int:
        return len(self._scopes)

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Count a request within the context.

        Raises:
            ShuttingDownError: the request was cut off.
        """
        scope = asyncio.timeout(None)
        self._scopes.add(scope)
        self._none.clear()
        try:
            async with scope:
                yield
        except TimeoutError:
            if not scope.expired():
                raise
            raise ShuttingDownError from None
        finally:
            self._scopes.discard(scope)
            if not self._scopes:
                self._none.set()

    async def none(self) -> None:
        """Wait until there are none."""
        await self._none.wait()

    def cut_off(self) -> None:
        """End all of them with an error."""
        now = asyncio.get_running_loop().time()
        for scope in self._scopes:
            scope.reschedule(now)
