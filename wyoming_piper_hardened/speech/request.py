"""A request under way: segments of text in, one stream of PCM out, in order and sample-exact."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

from ..engine.messages import SegmentRequest, SpeechOptions
from ..errors import DeadlineError, HardenedError, TextQuarantinedError
from ..store.voice import Voice
from ..text.cleaner import has_words, speakable
from ..text.segmenter import Segment
from ..workers.admission import Slot
from ..workers.pool import Pool
from ..workers.scheduler import FairShare
from ..workers.segment_job import SegmentJob

_LOGGER = logging.getLogger(__name__)
BYTES_PER_SAMPLE = 2
_Ahead = tuple[Segment, SegmentJob] | HardenedError | None
_AHEAD = 2  # the segment being sent and the one being made
_SEND_BYTES = 8 * 1024
_SHORT_SILENCE = 0.2  # seconds of audio for text without a word: players reject empty files
_KEPT_TEXT = 1000  # characters
_CLIENT_DELAY = 1.0  # seconds that a client may take to take a piece, and its place is kept


@dataclass(frozen=True, slots=True)
class Target:
    """Who speaks, and how."""

    voice: Voice
    options: SpeechOptions


class Request:
    """One request under way: `submit` puts segments in, `deliver` takes their audio out.

    Args:
        pool: the workers.
        target: who speaks.
        admission: holds the request's place in the queue until it is closed.
        send: gets the PCM.
        sentence_silence: pause between sentences in seconds.
        timeout: seconds that a segment may wait for its first audio.
        keep_text: whether `text` is wanted.
    """

    def __init__(
        self,
        pool: Pool,
        target: Target,
        admission: contextlib.ExitStack,
        send: Callable[[bytes], Awaitable[None]],
        *,
        sentence_silence: float,
        timeout: float,
        keep_text: bool = False,
    ) -> None:
        self.characters = 0
        """Of the text that was handed to workers."""
        self.first_audio: float | None = None
        """Seconds from the first segment to its first audio."""
        self.text: str | None = "" if keep_text else None
        """The beginning of what was handed to workers."""
        self._pool = pool
        self._target = target
        self._admission = admission
        self._slot: Slot | None = None
        self._fair_share = FairShare()
        self._pause = self._silence(sentence_silence)
        self._send = send
        self._timeout = timeout
        self._sent = 0
        self._began: float | None = None
        self._slots = asyncio.Semaphore(_AHEAD)
        self._ahead: asyncio.Queue[tuple[Segment, SegmentJob] | HardenedError | None] = (
            asyncio.Queue()
        )
        self._jobs: set[SegmentJob] = set()

    @property
    def samples(self) -> int:
        """How many have been sent."""
        return self._sent // BYTES_PER_SAMPLE

    async def submit(self, segments: AsyncIterator[Segment]) -> None:
        """Hand the segments to the pool, never more than two ahead of the listener."""
        try:
            async for segment in segments:
                if not has_words(segment.text):
                    continue
                await self._slots.acquire()
                if self._began is None:  # a stream whose text never comes takes no place
                    self._began = time.monotonic()
                    version = self._target.voice.version
                    self._slot = self._admission.enter_context(self._pool.admit(version))
                try:
                    job = self._pool.submit(self._request(segment), self._fair_share)
                except TextQuarantinedError as err:
                    self._ahead.put_nowait(err)
                    self._slots.release()
                    continue
                self.characters += job.characters
                if self.text is not None:
                    self.text = f"{self.text} {segment.text}".strip()[:_KEPT_TEXT]
                self._jobs.add(job)
                self._ahead.put_nowait((segment, job))
        except HardenedError as err:
            self._ahead.put_nowait(err)  # after the audio of the segments before it
        except Exception:
            _LOGGER.exception("a request's text cannot be read; please report this")
            self._ahead.put_nowait(HardenedError("internal error; see the log"))
        else:
            self._ahead.put_nowait(None)

    async def deliver(self) -> int:
        """Send the audio in order; returns the number of samples."""
        pause = b""
        left_out: TextQuarantinedError | None = None
        truncated = False
        while (item := await self._ahead.get()) is not None:
            before = self._sent
            try:
                if isinstance(item, HardenedError):
                    raise item
                await self._deliver(item[1], pause)
            except TextQuarantinedError as err:
                if left_out is None:  # once, however many more of them there are
                    _LOGGER.warning("left out of a request: %s", err)
                left_out = err
                truncated |= self._sent > before
                self._pool.metrics.quarantined_texts.inc()
            if isinstance(item, tuple):
                self._jobs.discard(item[1])
                self._slots.release()
                pause = self._pause if self._sent and item[0].ends_sentence else b""
        if left_out is not None and (truncated or not self._sent):
            raise left_out  # a truncated sentence must not pass for a whole one
        if not self._sent:
            await self._send_all(self._silence(_SHORT_SILENCE))
        return self.samples

    def cancel_jobs(self) -> None:
        """Tell the workers that nobody waits any more."""
        for job in self._jobs:
            job.cancel()

    async def _deliver(self, job: SegmentJob, pause: bytes) -> None:
        audio = job.audio()
        try:
            async with asyncio.timeout(self._timeout):
                first = await anext(audio, b"")
        except TimeoutError:
            raise DeadlineError(
                f"a segment was not begun within {self._timeout:g} s (request_timeout); too much "
                "is asked of this machine at once"
            ) from None
        if not first:
            return
        if not self._sent and self._began is not None:
            self.first_audio = time.monotonic() - self._began
            self._pool.metrics.first_audio.observe(self.first_audio)
        await self._send_all(pause)
        await self._send_all(first)
        async for pcm in audio:
            await self._send_all(pcm)

    async def _send_all(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), _SEND_BYTES):
            with self._slot_released():
                await self._send(pcm[start : start + _SEND_BYTES])
        self._sent += len(pcm)

    @contextlib.contextmanager
    def _slot_released(self) -> Iterator[None]:
        """A client that is slow in taking its audio holds up nobody but itself."""
        if self._slot is None:
            yield
            return
        loop = asyncio.get_running_loop()
        leaving = loop.call_later(_CLIENT_DELAY, self._slot.leave)
        try:
            yield
        finally:
            leaving.cancel()
            self._slot.take()

    def _request(self, segment: Segment) -> SegmentRequest:
        voice = self._target.voice
        return SegmentRequest(
            speakable(segment.text), voice.version, self._target.options, voice.schedule
        )

    def _silence(self, seconds: float) -> bytes:
        return bytes(round(seconds * self._target.voice.sample_rate) * BYTES_PER_SAMPLE)
