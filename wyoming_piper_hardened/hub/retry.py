"""How often, and after which pauses, something is asked for again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import tenacity

from ..errors import DownloadError

_LOGGER = logging.getLogger(__name__)

T = TypeVar("T")


class TransientError(Exception):
    """A failure that may be over soon; `error` is what the user meets when it is not.

    `wait` is how many seconds the hub asked to stay away. `progress`: the attempt brought so much
    that it does not count as one.
    """

    def __init__(
        self, error: DownloadError, *, wait: float | None = None, progress: bool = False
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait
        self.progress = progress


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """The policy: `retries` in a row without progress, pauses doubling from `first_delay` seconds.

    Up to `jitter` seconds are added to each, so that many servers do not come back together. What
    the hub asks for is honoured up to `longest_wait`, beyond that the failure stands at once.
    Tests give their own `sleep` and `random`.
    """

    retries: int = 3
    first_delay: float = 1.0
    jitter: float = 0.5
    longest_wait: float = 60.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random

    async def run(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what `attempt` returns, however often it has to be made.

        Raises:
            DownloadError: the last attempt's, or one that no further attempt would change.
        """
        retrying = _Course(self).retrying()
        try:
            return await retrying(attempt)
        except TransientError as err:
            raise err.error from None


class _Course:
    """One `RetryPolicy.run`: counts failures since the last progress."""

    def __init__(self, patience: RetryPolicy) -> None:
        self._patience = patience
        self._failures = 0

    def retrying(self) -> tenacity.AsyncRetrying:
        return tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            after=self._count,
            wait=self._pause,
            stop=self._is_over,
            before_sleep=self._tell,
            sleep=self._patience.sleep,
            reraise=True,
        )

    def _count(self, state: tenacity.RetryCallState) -> None:
        self._failures = 1 if _failure(state).progress else self._failures + 1

    def _pause(self, state: tenacity.RetryCallState) -> float:
        policy = self._patience
        backoff: float = policy.first_delay * 2 ** (self._failures - 1)
        return max(backoff, _failure(state).wait or 0) + policy.jitter * policy.random()

    def _is_over(self, state: tenacity.RetryCallState) -> bool:
        too_long = (_failure(state).wait or 0) > self._patience.longest_wait
        return too_long or self._failures > self._patience.retries

    def _tell(self, state: tenacity.RetryCallState) -> None:
        pause = state.next_action.sleep if state.next_action else 0
        _LOGGER.info("%s; trying again in %.0f s", _failure(state), pause)


def _failure(state: tenacity.RetryCallState) -> TransientError:
    failure = state.outcome.exception() if state.outcome else None
    assert isinstance(failure, TransientError)
    return failure
