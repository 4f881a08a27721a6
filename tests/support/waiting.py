"""Waiting for something that sends no event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PATIENCE = 3
"""Factor of the usual time that a machine may take which does other work beside."""


async def eventually(condition: Callable[[], object], seconds: float = 20) -> None:
    """Return as soon as `condition` holds; fail after `seconds`, and some more."""
    async with asyncio.timeout(PATIENCE * seconds):
        while not condition():  # noqa: ASYNC110 - a file or a process sends no event
            await asyncio.sleep(0.01)
