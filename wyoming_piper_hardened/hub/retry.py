"""Retries of requests to the hub: how many, and after which pauses."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import tenacity

from ..reporting.events import Event
from .errors import DownloadError

_LOGGER = logging.getLogger(__name__)

T = TypeVar("T")


class TransientError(Exception):
    """A failure that may be over soon; `error` is raised in the end if it is not.

    `wait` is the number of seconds that the hub asked to wait. `progress`: the attempt brought so
    much that it does not count as one.
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
    """At most `retries` in a row without progress, pauses doubling from `first_delay` seconds.

    Up to `jitter` seconds are added to each, so that many servers do not come back together. A
    wait that the hub asks for is honoured up to `longest_wait`; beyond that the failure is final.
    Tests pass their own `sleep` and `random`.
    """

    retries: int = 3
    first_delay: float = 1.0
    jitter: float = 0.5
    longest_wait: float = 60.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random

    async def run(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `attempt`, made as often as the policy allows.

        Raises:
            DownloadError: the last attempt's, or one that no further attempt would change.
        """
        retrying = _Run(self).retrying()
        try:
            return await retrying(attempt)
        except TransientError as err:
            raise err.error from None


class _Run:
    """One `RetryPolicy.run`: counts failures since the last progress."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._failures = 0

    def retrying(self) -> tenacity.AsyncRetrying:
        return tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            after=self._count,
            wait=self._pause,
            stop=self._is_over,
            before_sleep=_log,
            sleep=self._policy.sleep,
            reraise=True,
        )

    def _count(self, state: tenacity.RetryCallState) -> None:
        self._failures = 1 if _failure(state).progress else self._failures + 1

    def _pause(self, state: tenacity.RetryCallState) -> float:
        policy = self._policy
        backoff: float = policy.first_delay * 2 ** (self._failures - 1)
        return max(backoff, _failure(state).wait or 0) + policy.jitter * policy.random()

    def _is_over(self, state: tenacity.RetryCallState) -> bool:
        too_long = (_failure(state).wait or 0) > self._policy.longest_wait
        return too_long or self._failures > self._policy.retries


def _log(state: tenacity.RetryCallState) -> None:
    delay = state.next_action.sleep if state.next_action else 0
    _LOGGER.info(Event("download-retry", reason=str(_failure(state)), delay=delay))


def _failure(state: tenacity.RetryCallState) -> TransientError:
    failure = state.outcome.exception() if state.outcome else None
    assert isinstance(failure, TransientError)
    return failure
