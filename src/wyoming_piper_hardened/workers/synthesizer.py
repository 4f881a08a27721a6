"""A request: segments of text in, one stream of PCM out, in order and sample-exact."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

from ..engine.messages import SegmentRequest, SpeechOptions
from ..errors import HardenedError
from ..text.cleaner import has_words, speakable
from ..text.segmenter import Segment
from ..voices.library import Library
from ..voices.voice import Voice
from .job import Job
from .pool import Pool

_LOGGER = logging.getLogger(__name__)
BYTES_PER_SAMPLE = 2
_AHEAD = 2  # the segment being sent and the one being made
_SEND_BYTES = 8 * 1024
_SHORT_SILENCE = 0.2  # seconds of audio for text without a word: players reject empty files


@dataclass(frozen=True, slots=True)
class Target:
    """Who speaks, and how."""

    voice: Voice
    options: SpeechOptions


class Synthesizer:
    """Speaks requests through the pool.

    Args:
        library: where voices are found.
        pool: who speaks.
        speaker: the speaker of the default voice when a request names none.
        options: how to speak.
        sentence_silence: pause between sentences in seconds.
        max_segment_chars: longest segment.
    """

    def __init__(
        self,
        library: Library,
        pool: Pool,
        *,
        speaker: str | None = None,
        options: SpeechOptions | None = None,
        sentence_silence: float = 0.0,
        max_segment_chars: int = 500,
    ) -> None:
        self.library = library
        self.pool = pool
        self.max_segment_chars = max_segment_chars
        self._speaker = speaker
        self._options = options or SpeechOptions()
        self._sentence_silence = sentence_silence

    def resolve(
        self, name: str | None = None, language: str | None = None, speaker: str | None = None
    ) -> Target:
        """Find the voice and the speaker of a request.

        Raises:
            VoiceNotFoundError: there is no such voice.
            SpeakerNotFoundError: the voice has no such speaker.
        """
        voice = self.library.find(name, language)
        if not speaker and voice is self.library.default:
            speaker = self._speaker
        speaker_id = voice.speaker_id(speaker or None)
        return Target(voice, replace(self._options, speaker_id=speaker_id))

    async def speak(
        self,
        target: Target,
        segments: AsyncIterator[Segment],
        send: Callable[[bytes], Awaitable[None]],
    ) -> int:
        """Speak `segments` and `send` the PCM in pieces; returns the number of samples.

        The next segment is made while one is sent. Whatever ends this early also cancels the
        segments that are not finished.

        Raises:
            HardenedError: a segment failed; the audio before it has been sent.
        """
        with self.pool.admit():
            request = _Request(self.pool, target, self._sentence_silence, send)
            producer = asyncio.create_task(request.submit(segments))
            try:
                return await request.deliver()
            finally:
                request.cancel_jobs()
                producer.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await producer


class _Request:
    """One request under way: `submit` puts segments in, `deliver` takes their audio out."""

    def __init__(
        self,
        pool: Pool,
        target: Target,
        sentence_silence: float,
        send: Callable[[bytes], Awaitable[None]],
    ) -> None:
        self._pool = pool
        self._target = target
        self._pause = self._silence(sentence_silence)
        self._send = send
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
                job = self._pool.submit(
                    SegmentRequest(
                        speakable(segment.text),
                        str(self._target.voice.model),
                        self._target.options,
                    )
                )
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
        sent = 0
        pause = b""
        while (item := await self._ahead.get()) is not None:
            if isinstance(item, HardenedError):
                raise item
            segment, job = item
            async for pcm in job.audio():
                for start in range(0, len(pause), _SEND_BYTES):
                    await self._send(pause[start : start + _SEND_BYTES])
                for start in range(0, len(pcm), _SEND_BYTES):
                    await self._send(pcm[start : start + _SEND_BYTES])
                sent += len(pause) + len(pcm)
                pause = b""
            self._jobs.discard(job)
            self._places.release()
            if sent and segment.ends_sentence:
                pause = self._pause
        if not sent:
            silence = self._silence(_SHORT_SILENCE)
            await self._send(silence)
            sent = len(silence)
        return sent // BYTES_PER_SAMPLE

    def cancel_jobs(self) -> None:
        """Tell the workers that nobody waits any more."""
        for job in self._jobs:
            job.cancel()

    def _silence(self, seconds: float) -> bytes:
        return bytes(round(seconds * self._target.voice.sample_rate) * BYTES_PER_SAMPLE)
