"""A request: segments of text in, one stream of PCM out, in order and sample-exact."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

from ..concurrency import end
from ..engine.messages import SegmentRequest, SpeechOptions
from ..errors import (
    DeadlineError,
    HardenedError,
    OverloadedError,
    PoisonSegmentError,
    VoiceNotFoundError,
    VoiceUnavailableError,
)
from ..text.cleaner import has_words, speakable
from ..text.segmenter import Segment
from ..voices.library import Library
from ..voices.voice import Voice
from .job import Job, Turn
from .pool import Pool

_LOGGER = logging.getLogger(__name__)
BYTES_PER_SAMPLE = 2
_AHEAD = 2  # the segment being sent and the one being made
_SEND_BYTES = 8 * 1024
_SEGMENT_DEADLINE = 120.0  # seconds that a segment may wait for its first audio
_SHORT_SILENCE = 0.2  # seconds of audio for text without a word: players reject empty files


@dataclass(frozen=True, slots=True)
class Target:
    """Who speaks, and how."""

    voice: Voice
    options: SpeechOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How requests are spoken that say nothing else.

    Args:
        speaker: the speaker of the default voice.
        options: scales and volume.
        sentence_silence: pause between sentences in seconds.
        max_segment_chars: longest segment.
        fallback_voice: speaks whole requests while the voice they ask for is out of order.
    """

    speaker: str | None = None
    options: SpeechOptions = SpeechOptions()
    sentence_silence: float = 0.0
    max_segment_chars: int = 500
    fallback_voice: str | None = None


class Synthesizer:
    """Speaks requests through the pool."""

    def __init__(self, library: Library, pool: Pool, manner: Manner) -> None:
        self.library = library
        self.pool = pool
        self.manner = manner
        self._out_of_order: set[str] = set()

    def resolve(
        self, name: str | None = None, language: str | None = None, speaker: str | None = None
    ) -> Target:
        """Find the voice and the speaker of a request.

        Raises:
            VoiceNotFoundError: there is no such voice.
            SpeakerNotFoundError: the voice has no such speaker.
        """
        voice = self.library.find(name, language)
        target = self._target(voice, speaker)
        if not self.pool.casebook.is_open(str(voice.model)):
            self._out_of_order.discard(voice.name)
            return target
        fallback = self._fallback()
        if fallback is None:
            return target
        if voice.name not in self._out_of_order:
            self._out_of_order.add(voice.name)
            _LOGGER.warning("%s is out of order; %s speaks instead", voice.name, fallback.name)
        return self._target(fallback, None)

    def _fallback(self) -> Voice | None:
        with contextlib.suppress(VoiceNotFoundError):
            voice = self.library.find(self.manner.fallback_voice)
            if self.manner.fallback_voice and not self.pool.casebook.is_open(str(voice.model)):
                return voice
        return None

    def _target(self, voice: Voice, speaker: str | None) -> Target:
        if not speaker and voice is self.library.default:
            speaker = self.manner.speaker
        options = replace(self.manner.options, speaker_id=voice.speaker_id(speaker or None))
        return Target(voice, options)

    def warm(self, voice: Voice) -> None:
        """Have a new version of a voice loaded, so that the next request need not wait for it."""
        for _ in self.pool.workers:
            self.pool.submit(SegmentRequest("", str(voice.model), schedule=voice.schedule))

    async def speak(
        self,
        target: Target,
        segments: AsyncIterator[Segment],
        send: Callable[[bytes], Awaitable[None]],
    ) -> int:
        """Speak `segments` and `send` the PCM in pieces; returns the number of samples.

        The next segment is made while one is sent. Whatever ends this early also cancels the
        segments that are not finished. A segment that kills workers is left out; when there is
        nothing else, or a part of it has been heard, the request ends with that error.

        Raises:
            HardenedError: a segment failed; the audio before it has been sent.
        """
        metrics = self.pool.metrics
        try:
            with contextlib.ExitStack() as admission:
                request = _Request(self.pool, target, admission, self.manner.sentence_silence, send)
                producer = asyncio.create_task(request.submit(segments))
                try:
                    samples = await request.deliver()
                finally:
                    request.cancel_jobs()
                    await end(producer)
        except HardenedError as err:
            metrics.requests.labels(err.code).inc()
            if isinstance(err, OverloadedError | VoiceUnavailableError):
                metrics.rejections.labels(err.code).inc()
            raise
        except BaseException:
            metrics.requests.labels("cancelled").inc()
            raise
        metrics.requests.labels("ok").inc()
        metrics.audio.inc(samples / target.voice.sample_rate)
        return samples


class _Request:
    """One request under way: `submit` puts segments in, `deliver` takes their audio out."""

    def __init__(
        self,
        pool: Pool,
        target: Target,
        admission: contextlib.ExitStack,
        sentence_silence: float,
        send: Callable[[bytes], Awaitable[None]],
    ) -> None:
        self._pool = pool
        self._target = target
        self._admission = admission
        self._turn = Turn()
        self._pause = self._silence(sentence_silence)
        self._send = send
        self._sent = 0
        self._began: float | None = None
        self._places = asyncio.Semaphore(_AHEAD)
        self._ahead: asyncio.Queue[tuple[Segment, Job] | HardenedError | None] = asyncio.Queue()
        self._jobs: set[Job] = set()

    async def submit(self, segments: AsyncIterator[Segment]) -> None:
        """Hand the segments to the pool, never more than two ahead of the listener."""
        try:
            async for segment in segments:
                if not has_words(segment.text):
                    continue
                await self._places.acquire()
                if self._began is None:  # a stream whose text never comes takes no place
                    self._began = time.monotonic()
                    model = str(self._target.voice.model)
                    self._admission.enter_context(self._pool.admit(model))
                try:
                    job = self._pool.submit(self._request(segment), self._turn)
                except PoisonSegmentError as err:
                    self._ahead.put_nowait(err)
                    self._places.release()
                    continue
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
        left_out: PoisonSegmentError | None = None
        truncated = False
        while (item := await self._ahead.get()) is not None:
            before = self._sent
            try:
                if isinstance(item, HardenedError):
                    raise item
                await self._deliver(item[1], pause)
            except PoisonSegmentError as err:
                left_out = err
                truncated |= self._sent > before
                self._pool.metrics.poison.inc()
                _LOGGER.warning("left out of a request: %s", err)
            if isinstance(item, tuple):
                self._jobs.discard(item[1])
                self._places.release()
                pause = self._pause if self._sent and item[0].ends_sentence else b""
        if left_out is not None and (truncated or not self._sent):
            raise left_out  # a truncated sentence must not pass for a whole one
        if not self._sent:
            await self._send_all(self._silence(_SHORT_SILENCE))
        return self._sent // BYTES_PER_SAMPLE

    def cancel_jobs(self) -> None:
        """Tell the workers that nobody waits any more."""
        for job in self._jobs:
            job.cancel()

    async def _deliver(self, job: Job, pause: bytes) -> None:
        audio = job.audio()
        try:
            async with asyncio.timeout(_SEGMENT_DEADLINE):
                first = await anext(audio, b"")
        except TimeoutError:
            raise DeadlineError(
                f"a segment was not begun within {_SEGMENT_DEADLINE:g} s; the server is overloaded"
            ) from None
        if not first:
            return
        if not self._sent and self._began is not None:
            self._pool.metrics.first_audio.observe(time.monotonic() - self._began)
        await self._send_all(pause)
        await self._send_all(first)
        async for pcm in audio:
            await self._send_all(pcm)

    async def _send_all(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), _SEND_BYTES):
            await self._send(pcm[start : start + _SEND_BYTES])
        self._sent += len(pcm)

    def _request(self, segment: Segment) -> SegmentRequest:
        voice = self._target.voice
        return SegmentRequest(
            speakable(segment.text), str(voice.model), self._target.options, voice.schedule
        )

    def _silence(self, seconds: float) -> bytes:
        return bytes(round(seconds * self._target.voice.sample_rate) * BYTES_PER_SAMPLE)
