"""asyncio helpers: ending tasks, running in threads, waking who waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def cancel_and_wait(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they are done; their results are left to look at.

    Awaiting a cancelled task and suppressing its CancelledError would also swallow a cancellation
    that arrives for the caller in that very moment; waiting does not.
    """
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


async def run_in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `call` in a thread; a cancellation takes effect only when that has returned.

    A thread cannot be stopped in the middle: `asyncio.to_thread` would leave it alone, and what it
    gets hold of from then on would be nobody's.
    """
    return await _finished(asyncio.create_task(asyncio.to_thread(call, *args, **kwargs)))


class StoppedError(Exception):
    """The caller of `run_stoppable` was cancelled; no OSError, or it would be taken for one."""


async def run_stoppable(call: Callable[[Callable[[], None]], T]) -> T:
    """Run `call` in a thread as `run_in_thread`; a cancellation ends it early.

    Args:
        call: gets a function that it calls again and again; that raises StoppedError once the
            caller is cancelled.
    """
    stopped = threading.Event()

    def check() -> None:
        if stopped.is_set():
            raise StoppedError

    return await _finished(asyncio.create_task(asyncio.to_thread(call, check)), stopped.set)


async def _finished(task: asyncio.Task[T], on_cancel: Callable[[], None] = lambda: None) -> T:
    """Wait until a task has ended by itself, even if the caller is cancelled."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as err:
            cancelled = err
            on_cancel()
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # looked at, for nobody else will
    raise cancelled


class Notifier:
    """Wakes everyone who waits for a change. Only on the event loop."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def notify(self) -> None:
        """Wake everyone who waits."""
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self) -> None:
        """Wait for the next change."""
        await self._next.wait()
