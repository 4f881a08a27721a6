"""The queue of segments, fair to every request."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass

from ..errors import HardenedError
from .segment_job import SegmentJob


@dataclass(slots=True)
class FairShare:
    """A request's claim among the others: the one that was served longest ago comes next."""

    last_served: int = -1


class JobQueue:
    """Waiting jobs: replays first, then those of the request that was served longest ago.

    So a short request never waits behind a long one for more than the segment under way.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, SegmentJob]] = []
        self._available = asyncio.Semaphore(0)
        self._arrival = itertools.count()
        self._served = itertools.count()

    def __len__(self) -> int:
        return sum(not job.cancelled.is_set() for _, job in self._waiting)

    def put(self, job: SegmentJob) -> None:
        """Add a job."""
        self._waiting.append((next(self._arrival), job))
        self._available.release()

    async def get(self) -> SegmentJob:
        """Wait for the next job that has not been cancelled, and take it out."""
        while True:
            await self._available.acquire()
            if (job := self._pick()) is not None:
                return job

    def fail_all(self, error: HardenedError) -> None:
        """Empty the queue; every job fails with `error`."""
        for _, job in self._waiting:
            job.fail(error)
        self._waiting.clear()

    def _pick(self) -> SegmentJob | None:
        self._waiting = [(n, job) for n, job in self._waiting if not job.cancelled.is_set()]
        if not self._waiting:
            return None
        chosen = min(
            self._waiting,
            key=lambda item: (item[1].attempts == 0, item[1].fair_share.last_served, item[0]),
        )
        self._waiting.remove(chosen)
        chosen[1].fair_share.last_served = next(self._served)
        return chosen[1]
