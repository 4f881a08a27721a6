"""A segment under way: filled by a worker, emptied by the request that waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ..engine.messages import BYTES_PER_SAMPLE, SegmentRequest
from ..errors import HardenedError

if TYPE_CHECKING:
    from .scheduler import FairShare

MAX_ATTEMPTS = 2
"""A segment whose worker failed is spoken once more, never more often."""


class SegmentJob:
    """One segment, its attempts and its audio so far.

    The audio is buffered here (at most one segment), so that a slow client never holds a worker.
    """

    def __init__(self, request: SegmentRequest, fair_share: FairShare) -> None:
        assert request.model is not None  # the server always names the voice
        self.voice = request.model
        self.fair_share = fair_share
        self.attempts = 0
        self.queued_at = time.monotonic()
        self.cancelled = asyncio.Event()
        self.rest: SegmentRequest | None = None
        """The rest that the engine has left for another job, once the audio is complete."""
        self._request = request
        self._bytes = 0
        self._audio: asyncio.Queue[bytes | HardenedError | None] = asyncio.Queue()

    @property
    def request(self) -> SegmentRequest:
        """The rest to be spoken: a replay goes on after the last sample that came."""
        return replace(self._request, from_sample=self.samples)

    @property
    def samples(self) -> int:
        """Number of samples made so far."""
        return self._bytes // BYTES_PER_SAMPLE

    @property
    def characters(self) -> int:
        """The length of the text, which itself is never logged."""
        return len(self._request.text)

    def add(self, pcm: bytes) -> None:
        """Append audio."""
        self._bytes += len(pcm)
        self._audio.put_nowait(pcm)

    def finish(self, rest: int | None = None) -> None:
        """Mark the audio as complete, but for the phrases from `rest` on."""
        if rest is not None:
            self.rest = replace(self._request, from_phrase=rest, from_sample=0)
        self._audio.put_nowait(None)

    def fail(self, error: HardenedError) -> None:
        """End the audio with an error."""
        self._audio.put_nowait(error)

    def cancel(self) -> None:
        """Stop the work: nobody wants the audio any more."""
        self.cancelled.set()

    async def audio(self) -> AsyncIterator[bytes]:
        """Yield the PCM as it comes; raises the error that the job failed with."""
        while (item := await self._audio.get()) is not None:
            if isinstance(item, HardenedError):
                raise item
            yield item
