"""Wakes whoever waits for news."""

from __future__ import annotations

import asyncio


class Notifier:
    """Something has changed: `notify` says so, `wait` waits for it. Only on the event loop."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def notify(self) -> None:
        """Wake everyone who waits."""
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self) -> None:
        """Wait for the next change."""
        await self._next.wait()
