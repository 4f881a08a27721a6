"""Waiting for something that sends no event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def eventually(condition: Callable[[], object], seconds: float = 20) -> None:
    """Return as soon as `condition` holds; fail after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a file or a process sends no event
            await asyncio.sleep(0.01)
