"""asyncio helpers: ending tasks, running in threads, waking who waits, time limits for peers."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

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
    return await finish(asyncio.create_task(asyncio.to_thread(call, *args, **kwargs)))


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

    return await finish(asyncio.create_task(asyncio.to_thread(call, check)), stopped.set)


async def finish(task: asyncio.Task[T], on_cancel: Callable[[], None] = lambda: None) -> T:
    """Wait until a task has ended by itself, even if the caller is cancelled.

    Args:
        task: what must not be left in the middle.
        on_cancel: called at each cancellation, to have the task end sooner.
    """
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


@dataclass(slots=True)
class RunningTime:
    """The time that this process has run since it was last reset. Pure.

    A process that was stopped, or whose machine slept, did not see what its peers did meanwhile.
    Between two looks at the clock at most `step` seconds count.
    """

    last: float
    step: float = 1.0
    seconds: float = 0.0

    def reset(self, now: float) -> None:
        """Count from `now` on."""
        self.last, self.seconds = now, 0.0

    def look(self, now: float) -> bool:
        """Count the time since the last look; return whether the process stood still in it."""
        gap, self.last = now - self.last, now
        self.seconds += min(gap, self.step)
        return gap > self.step


class Watchdog:
    """`asyncio.timeout` that counts only the time in which this process ran.

    Args:
        limit: seconds after which the context is left with `TimeoutError`.
        interval: seconds between two looks at the clock.
        clock: seconds of a monotonic clock.
    """

    def __init__(
        self, limit: float, interval: float = 0.5, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._interval = interval
        self._clock = clock
        self._ran = RunningTime(clock(), step=2 * interval)
        self._timeout = asyncio.timeout(None)
        self._next: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self.restart(self._limit)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._next is not None
        self._next.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def restart(self, limit: float) -> None:
        """Allow `limit` seconds from now on."""
        self._limit = limit
        self._ran.reset(self._clock())
        if self._next is None or self._next.when() > asyncio.get_running_loop().time() + limit:
            self._look_in(limit)

    def _look(self) -> None:
        stood_still = self._ran.look(self._clock())
        left = self._limit - self._ran.seconds
        if left > 0:
            self._look_in(left)
        elif stood_still:  # what came meanwhile has not been read yet
            self._look_in(self._interval)
        else:
            self._timeout.reschedule(asyncio.get_running_loop().time())

    def _look_in(self, seconds: float) -> None:
        if self._next is not None:
            self._next.cancel()
        loop = asyncio.get_running_loop()
        self._next = loop.call_later(min(seconds, self._interval), self._look)
