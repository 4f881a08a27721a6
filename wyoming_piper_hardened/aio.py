"""Ending tasks without losing a cancellation of one's own, and threads that cannot be ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they are done; their results and errors are left to look at.

    Awaiting a cancelled task and suppressing its CancelledError would also swallow a cancellation
    that arrives for the caller in that very moment; waiting does not.
    """
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


async def run_in_thread(do: Callable[[], T]) -> T:
    """Do it in a thread, and be cancelled only when that is done.

    A thread cannot be stopped in the middle: `asyncio.to_thread` would leave it alone, and what it
    gets hold of from then on would be nobody's.
    """
    task = asyncio.create_task(asyncio.to_thread(do))
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as err:
            cancelled = err
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # looked at, for nobody else will
    raise cancelled
