"""A segment under way, and the listener that it is for.

Listeners who are told the same at the same moment share the work: of equal segments one, the
*leader*, is computed, and the others follow it. Whoever cannot keep up, and all of them when the
leader fails or is cancelled, go on from the last sample that they got. Those who keep the same
pace stay together: as long as one of them has room, more is made for all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from ...engine.messages import BYTES_PER_SAMPLE, SegmentRequest
from ...errors import HardenedError
from ..scheduler import Playback

MAX_ATTEMPTS = 2
"""A segment whose worker failed is spoken once more, never more often."""

_SHARED_SECONDS = 5.0
"""Audio that a segment keeps for others who come to follow it; behind that they are too late."""

_SHARED_BUFFER = 5.0
"""Seconds beyond its buffer that a listener may have while others need what is made for it, too."""


class Listener:
    """The listener of one request, whose segments are spoken in order.

    Args:
        buffer: seconds of audio that may wait to be taken.
        on_change: called when a segment is cancelled, or the listener has room again.
        clock: seconds of a monotonic clock.
    """

    def __init__(
        self,
        buffer: float,
        on_change: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.playback = Playback()
        self.jobs: list[SegmentJob] = []
        """Those that are not finished."""
        self.since: float | None = None
        """When it began to wait for a chunk; ``None`` while it need not."""
        self.on_change = on_change
        self.clock = clock
        self._buffer = buffer

    @property
    def has_room(self) -> bool:
        """Return whether more may be made for it.

        Also if what waits comes behind a segment of which nothing does: the client waits for that.
        """
        return self.playback.buffered < self._buffer or self.starves

    @property
    def starves(self) -> bool:
        """Return whether its client waits for a segment although its buffer is full of the next."""
        full = self.playback.buffered >= self._buffer
        return full and len(self.jobs) > 1 and not self.jobs[0].waiting

    @property
    def follows(self) -> bool:
        """Return whether all that is made for it is made for another listener, too, who leads."""
        return bool(self.jobs) and all(job.leader is not None for job in self.jobs)

    def can_share(self, seconds: float = 0.0) -> bool:
        """Return whether it keeps up with others, and so much more may come to it with them."""
        return self.playback.buffered + seconds < self._buffer + _SHARED_BUFFER

    @property
    def computing(self) -> int:
        """Chunks that are being computed for it."""
        return sum(job.source.computing for job in self.jobs)

    def compute_alone(self) -> None:
        """Have its segments computed for itself, from where each of them is."""
        for job in self.jobs:
            job.part()

    def take(self, seconds: float) -> None:
        """Count audio that the client has accepted."""
        had_room = self.has_room
        self.playback.taken += seconds
        if self.has_room and not had_room:
            self.on_change()

    def before(self, job: SegmentJob) -> SegmentJob | None:
        """Return the unfinished segment before one of its own."""
        number = self.jobs.index(job)
        return self.jobs[number - 1] if number else None

    def next_job(self) -> SegmentJob | None:
        """Return the segment whose next chunk comes next.

        Before there is any audio only the first segment is begun. Behind the last chunk of one that
        is known the next segment is begun while that is still being computed.
        """
        for job in self.jobs:
            if job.has_more:
                return job
            if not self.playback.begun:
                return None
        return None


class SegmentJob:
    """One segment, its attempts and its audio so far, which is buffered here.

    Whoever computes it keeps `computing` and `left`.
    """

    def __init__(self, request: SegmentRequest, listener: Listener, *, first: bool = False) -> None:
        """Put a segment behind the others of a listener, or before them: the rest of one."""
        assert request.model is not None  # the server always names the voice
        self.voice = request.model
        self.listener = listener
        self.failures = 0
        """Workers that failed while they computed it."""
        self.replays = 0
        """Times that it was begun anew after a failure."""
        self.admitted = False
        """Whether its voice and its text may be tried; after a failure that is asked again."""
        self.queued_at = listener.clock()
        self.begun_at: float | None = None
        """When it was first given to a worker since the last failure."""
        self.told_at: float | None = None
        """When a worker was told to compute the chunk that it computes alone, for its time."""
        self.told_frames: int | None = None
        """The size of that chunk, as `next_frames`."""
        self.cancelled = False
        self.computing = 0
        self.left: int | None = None
        """Chunks that are known to follow those that have come, with those that are being computed;
        ``None`` before the first."""
        self.chunks = 0
        """Chunks that have come."""
        self.rest: SegmentRequest | None = None
        """The rest that the engine has left for another job, once the audio is complete."""
        self.leader: SegmentJob | None = None
        """The equal segment that it follows; then it is not computed itself."""
        self.followers: list[SegmentJob] = []
        self._request = request
        self._bytes = 0
        self._new_audio = 0.0
        self._seconds = 0.0
        # Only of a voice that streams; else the same audio may not come a second time.
        self._for_followers: list[tuple[bytes, float]] | None = None
        if request.schedule is not None:
            self._for_followers = []
        self._audio: asyncio.Queue[bytes | HardenedError | None] = asyncio.Queue()
        listener.jobs.insert(0 if first else len(listener.jobs), self)

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

    @property
    def source(self) -> SegmentJob:
        """The segment that is computed for it: itself, or its leader."""
        return self.leader or self

    @property
    def waiting(self) -> int:
        """Pieces of audio that nobody has taken."""
        return self._audio.qsize()

    @property
    def suspect(self) -> bool:
        """Whether a worker failed over it before: then nothing else is computed beside it."""
        return self.failures > 0

    @property
    def next_frames(self) -> int | None:
        """Frames of its next chunk by its schedule, ``None`` if that is the first one."""
        schedule, number = self._request.schedule, self.chunks + self.computing
        return None if schedule is None or not number else schedule.size(number)

    @property
    def has_more(self) -> bool:
        """Return whether one more of its chunks can be computed now."""
        job = self.source
        if job.suspect and job.computing:
            return False
        return job.computing < (2 if job.left is None else job.left)

    def can_follow(self, other: SegmentJob) -> bool:
        """Return whether it may get the audio of `other`, a segment of another listener.

        Both are equal, and so is what is still to be heard before them.
        """
        return (
            other.leader is None
            and not other.cancelled
            and other._for_followers is not None
            and other._request == self._request
            and other.listener.can_share()
            and self.listener.can_share(other._seconds)
            and _source(other.listener.before(other)) is _source(self.listener.before(self))
        )

    def follow(self, leader: SegmentJob) -> None:
        """Get the audio of `leader`, with what it has already; see `can_follow`."""
        assert leader._for_followers is not None
        self.leader = leader
        leader.followers.append(self)
        for pcm, seconds in leader._for_followers:
            self.append(pcm, seconds)

    def part(self) -> None:
        """Neither follow nor lead any more; the first of the followers leads the others.

        What is known of the segment holds for each: that it may be tried, and who failed over it.
        """
        if self.leader is not None:
            self.leader.followers.remove(self)
            _go_on_like(self.leader, self)
        if self.followers:
            heir, *heir.followers = self.followers
            self.followers = []
            _go_on_like(self, heir)
            for job in heir.followers:
                job.leader = heir

    def add(self, pcm: bytes, seconds: float) -> None:
        """Append audio that was computed; those who cannot keep up go on by themselves."""
        self._new_audio += seconds
        self.append(pcm, seconds)
        for follower in self.followers:
            follower.append(pcm, seconds)
        for job in (self, *self.followers) if self.followers else ():
            if not job.listener.can_share():
                job.listener.compute_alone()

    def append(self, pcm: bytes, seconds: float) -> None:
        """Append audio that was computed for it or for its leader."""
        if self.begun_at is None and (begun_at := self.source.begun_at) is not None:
            self.begun_at = max(begun_at, self.queued_at)
        self._bytes += len(pcm)
        self._seconds += seconds
        if self._for_followers is not None:
            self._for_followers.append((pcm, seconds))
            if self._seconds > _SHARED_SECONDS:
                self._for_followers = None
        self.listener.playback.add(seconds, self.listener.clock())
        self._audio.put_nowait(pcm)

    def take_new_audio(self) -> float:
        """Return the seconds of audio that have come since this was last called."""
        seconds, self._new_audio = self._new_audio, 0.0
        return seconds

    def put_back(self) -> None:
        """Have it begun anew, from the next sample on: no worker has it any more."""
        self.computing, self.left, self.told_at = 0, None, None

    def try_again(self) -> None:
        """Have it begun anew after a failure, as if it had just come."""
        self.put_back()
        for job in (self, *self.followers):
            job.replays += 1
        self.admitted, self.begun_at, self.queued_at = False, None, self.listener.clock()

    def finish(self, rest: int | None = None) -> None:
        """Mark the audio, its followers' too, as complete, but for the phrases from `rest` on."""
        for follower in self.followers:
            follower.finish(rest)
        if rest is not None:
            self.rest = replace(self._request, from_phrase=rest, from_sample=0)
        self._end(None)

    def drop(self) -> None:
        """End it: nobody wants the audio any more. Its followers go on."""
        self.part()
        self._end(None)

    def fail(self, error: HardenedError) -> None:
        """End the audio with an error. Its followers go on, if they may be tried all the same."""
        self.admitted = False
        self.part()
        self._end(error)

    def cancel(self) -> None:
        """Stop the work: nobody wants the audio any more."""
        if not self.cancelled:
            self.cancelled = True
            self.listener.on_change()

    async def audio(self) -> AsyncIterator[bytes]:
        """Yield the PCM as it comes; raises the error that the job failed with."""
        while (item := await self._next()) is not None:
            if isinstance(item, HardenedError):
                raise item
            yield item

    async def _next(self) -> bytes | HardenedError | None:
        if self.listener.starves:
            self.listener.on_change()
        return await self._audio.get()

    def _end(self, item: HardenedError | None) -> None:
        if self in self.listener.jobs:
            self.listener.jobs.remove(self)
            self._audio.put_nowait(item)
        self.leader, self.followers, self._for_followers = None, [], None


def _go_on_like(job: SegmentJob, equal: SegmentJob) -> None:
    """Have what is known of `job` hold for an equal one, which is computed by itself now."""
    equal.leader, equal.chunks, equal.admitted = None, job.chunks, job.admitted
    equal.failures = min(job.failures, MAX_ATTEMPTS - 1)


def _source(job: SegmentJob | None) -> SegmentJob | None:
    return None if job is None else job.source
