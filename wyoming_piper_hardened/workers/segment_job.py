"""A segment on its way: filled by a worker, emptied by the request that waits for it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from ..engine.messages import SegmentRequest
from ..errors import HardenedError

MAX_ATTEMPTS = 2
"""A segment whose worker died is spoken once more, never more often."""

_BYTES_PER_SAMPLE = 2


@dataclass(slots=True)
class FairShare:
    """A request's place among the others: who was served longest ago comes next."""

    last_served: int = -1


class SegmentJob:
    """One segment, its attempts and its audio so far.

    The audio is buffered here (at most one segment), so that a slow client never holds a worker.
    """

    def __init__(self, request: SegmentRequest, fair_share: FairShare) -> None:
        self.fair_share = fair_share
        self.attempts = 0
        self.queued_at = time.monotonic()
        self.cancelled = asyncio.Event()
        self._request = request
        self._bytes = 0
        self._audio: asyncio.Queue[bytes | HardenedError | None] = asyncio.Queue()

    @property
    def request(self) -> SegmentRequest:
        """What is still to be spoken: a replay goes on after the last sample that came."""
        return replace(self._request, from_sample=self.samples)

    @property
    def samples(self) -> int:
        """How many samples have been made so far."""
        return self._bytes // _BYTES_PER_SAMPLE

    @property
    def characters(self) -> int:
        """The length of the text, which itself is never logged."""
        return len(self._request.text)

    def add(self, pcm: bytes) -> None:
        """Append audio."""
        self._bytes += len(pcm)
        self._audio.put_nowait(pcm)

    def finish(self) -> None:
        """Say that the audio is complete."""
        self._audio.put_nowait(None)

    def fail(self, error: HardenedError) -> None:
        """Say that there will be no more audio, and why."""
        self._audio.put_nowait(error)

    def cancel(self) -> None:
        """Say that nobody wants the audio any more."""
        self.cancelled.set()

    async def audio(self) -> AsyncIterator[bytes]:
        """Yield the PCM as it comes; raises what the job failed with."""
        while (item := await self._audio.get()) is not None:
            if isinstance(item, HardenedError):
                raise item
            yield item


class JobQueue:
    """Jobs that wait: replays first, then whose request was served longest ago.

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
        """Let a job wait."""
        self._waiting.append((next(self._arrival), job))
        self._available.release()

    async def get(self) -> SegmentJob:
        """Wait for the next job that somebody still wants."""
        while True:
            await self._available.acquire()
            if (job := self._pick()) is not None:
                return job

    def fail_all(self, error: HardenedError) -> None:
        """Tell everyone who waits that there is no worker."""
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
