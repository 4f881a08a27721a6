"""Ending tasks without losing a cancellation of one's own."""

from __future__ import annotations

import asyncio
from typing import Any


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they are done; their results and errors are left to look at.

    Awaiting a cancelled task and suppressing its CancelledError would also swallow a cancellation
    that arrives for the caller in that very moment; waiting does not.
    """
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
