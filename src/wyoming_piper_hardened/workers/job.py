"""A segment on its way: filled by a worker, emptied by the request that waits for it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

from ..engine.messages import SegmentRequest
from ..errors import HardenedError

MAX_ATTEMPTS = 2
"""A segment whose worker died is spoken once more, never more often."""

_BYTES_PER_SAMPLE = 2


class Job:
    """One segment, its attempts and its audio so far.

    The audio is buffered here (at most one segment), so that a slow client never holds a worker.
    """

    def __init__(self, request: SegmentRequest) -> None:
        self.attempts = 0
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
    """Jobs in the order of their arrival, replays first, cancelled ones never."""

    def __init__(self) -> None:
        self._jobs: asyncio.PriorityQueue[tuple[bool, int, Job]] = asyncio.PriorityQueue()
        self._arrival = itertools.count()

    def __len__(self) -> int:
        return self._jobs.qsize()

    def put(self, job: Job) -> None:
        """Append a job, or put one that was tried already in front."""
        self._jobs.put_nowait((job.attempts == 0, next(self._arrival), job))

    async def get(self) -> Job:
        """Wait for the next job that somebody still wants."""
        while True:
            *_, job = await self._jobs.get()
            if not job.cancelled.is_set():
                return job

    def fail_all(self, error: HardenedError) -> None:
        """Tell everyone who waits that there is no worker."""
        while not self._jobs.empty():
            *_, job = self._jobs.get_nowait()
            job.fail(error)
