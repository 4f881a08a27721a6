"""Finds out who speaks a request, has it spoken, and remembers how that went."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

from ..aio import cancel_and_wait
from ..engine.messages import SpeechOptions
from ..errors import (
    HardenedError,
    RequestError,
    SpeakerNotFoundError,
    VoiceNotFoundError,
    VoiceUnavailableError,
)
from ..store.voice import Voice
from ..text.cleaner import clean
from ..text.length import check_length
from ..text.segmenter import Segment, Segmenter
from ..voices.library import Library
from ..workers.pool import Pool
from .request import Request, Target

_LOGGER = logging.getLogger(__name__)
_REMEMBERED = 50
_SLICE = 2000  # characters segmented in one go

Obtain = Callable[[str | None, str | None], Awaitable[Voice]]
"""Gets a voice that is not installed, by its name or language; raises HardenedError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechDefaults:
    """How requests are spoken that say nothing else.

    Args:
        speaker: the speaker of the default voice; its first one if it has no such speaker.
        options: scales and volume.
        sentence_silence: pause between sentences in seconds.
        max_segment_chars: longest segment.
        fallback_voice: speaks whole requests while the voice they ask for is out of order.
        request_timeout: seconds that a segment may wait for its first audio.
        keep_text: whether the records of the last requests hold their text.
    """

    speaker: str | None = None
    options: SpeechOptions = SpeechOptions()
    sentence_silence: float = 0.0
    max_segment_chars: int = 500
    fallback_voice: str | None = None
    request_timeout: float = 60.0
    keep_text: bool = False


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """How a request went. Times in seconds."""

    id: str
    """What whoever asked calls it; empty for requests without a name."""
    at: float
    """When it ended, since the epoch."""
    voice: str
    outcome: str
    """``ok``, ``cancelled``, or the code of its error."""
    characters: int
    first_audio: float | None
    audio: float
    duration: float
    text: str | None
    """What was said, if `SpeechDefaults.keep_text`."""


class Synthesizer:
    """Speaks requests through the pool.

    Args:
        library: the installed voices.
        pool: the workers.
        defaults: how requests are spoken that say nothing else.
    """

    def __init__(self, library: Library, pool: Pool, defaults: SpeechDefaults) -> None:
        self.library = library
        self.pool = pool
        self.defaults = defaults
        self.obtain: Obtain | None = None
        """Asked for voices that are not installed."""
        self.records: deque[RequestRecord] = deque(maxlen=_REMEMBERED)
        """The last requests, the newest last."""
        self.on_change: Callable[[], None] = lambda: None
        """Called after every request."""
        self._out_of_order: set[str] = set()
        self._told_of_speaker = False

    def wrong_speaker(self) -> SpeakerNotFoundError | None:
        """Why the default voice does not speak with the speaker that it should by the settings."""
        if self.library.wanted in self.library:
            try:
                self.library.find(self.library.wanted).speaker_id(self.defaults.speaker)
            except SpeakerNotFoundError as err:
                return err
        return None

    async def find(
        self, name: str | None = None, language: str | None = None, speaker: str | None = None
    ) -> Target:
        """As `resolve`; a voice that is offered but not installed is installed first.

        Raises:
            HardenedError: there is no such voice or speaker, or the voice cannot be had now.
        """
        try:
            return self.resolve(name, language, speaker)
        except VoiceNotFoundError as unknown:
            if self.obtain is None:
                raise
            try:
                voice = await self.obtain(name, language)
            except VoiceNotFoundError:
                raise unknown from None  # it names what is installed
            except HardenedError as err:
                if self.defaults.fallback_voice is None:
                    raise
                return self._target(self._instead(name or language or "", str(err)), None)
        return self.resolve(voice.name, None, speaker)

    def resolve(
        self, name: str | None = None, language: str | None = None, speaker: str | None = None
    ) -> Target:
        """Find the voice and the speaker of a request among what is installed.

        Raises:
            VoiceNotFoundError: there is no such voice.
            SpeakerNotFoundError: the voice has no such speaker.
        """
        try:
            voice = self.library.find(name, language)
        except VoiceUnavailableError as err:
            return self._target(self._instead(name or "", str(err)), None)
        target = self._target(voice, speaker)
        if self.pool.unavailable(voice.version) is None:
            self._out_of_order.discard(voice.name)
            return target
        if (fallback := self._fallback()) is None:
            return target
        self._tell_instead(voice.name, fallback, "its engine fails")
        return self._target(fallback, None)

    async def speak(
        self,
        target: Target,
        segments: AsyncIterator[Segment],
        send: Callable[[bytes], Awaitable[None]],
        request_id: str = "",
    ) -> int:
        """Speak `segments` and `send` the PCM in pieces; returns the number of samples.

        How that went is remembered under `request_id`. The next segment is made while one is
        sent. Whatever ends this early also cancels the segments that are not finished. A segment
        that kills workers is left out; when there is nothing else, or a part of it has been heard,
        the request ends with that error.

        Raises:
            HardenedError: a segment failed; the audio before it has been sent.
        """
        begin = time.monotonic()
        outcome = "cancelled"
        with contextlib.ExitStack() as admission:
            request = Request(
                self.pool,
                target,
                admission,
                send,
                sentence_silence=self.defaults.sentence_silence,
                timeout=self.defaults.request_timeout,
                keep_text=self.defaults.keep_text,
            )
            producer = asyncio.create_task(request.submit(segments))
            try:
                samples = await request.deliver()
                outcome = "ok"
            except HardenedError as err:
                outcome = err.code
                if isinstance(err, VoiceUnavailableError):
                    self.pool.metrics.rejections.labels(err.code).inc()
                raise
            finally:
                request.cancel_jobs()
                await cancel_and_wait(producer)
                self._record(request_id, target, request, outcome, time.monotonic() - begin)
        return samples

    async def say(
        self,
        target: Target,
        text: str,
        send: Callable[[bytes], Awaitable[None]],
        request_id: str = "",
    ) -> int:
        """`speak` a whole text as it came from outside.

        Raises:
            TextTooLongError: it is longer than a request may be.
            HardenedError: as `speak`.
        """
        check_length(len(text))
        segments = _cut(clean(text), self.defaults.max_segment_chars)
        return await self.speak(target, segments, send, request_id)

    def _record(
        self, request_id: str, target: Target, request: Request, outcome: str, duration: float
    ) -> None:
        metrics = self.pool.metrics
        metrics.requests.labels(outcome).inc()
        seconds = request.samples / target.voice.sample_rate
        metrics.audio.inc(seconds)
        self.records.append(
            RequestRecord(
                id=request_id,
                at=time.time(),
                voice=target.voice.name,
                outcome=outcome,
                characters=request.characters,
                first_audio=request.first_audio,
                audio=seconds,
                duration=duration,
                text=request.text,
            )
        )
        self.on_change()

    def _instead(self, name: str, reason: str) -> Voice:
        voice = self._fallback() or self.library.default
        self._tell_instead(name, voice, reason)
        return voice

    def _tell_instead(self, name: str, voice: Voice, reason: str) -> None:
        if name not in self._out_of_order:
            self._out_of_order.add(name)
            _LOGGER.warning("%s speaks instead of %s: %s", voice.name, name, reason)

    def _fallback(self) -> Voice | None:
        if self.defaults.fallback_voice:
            with contextlib.suppress(RequestError):
                voice = self.library.find(self.defaults.fallback_voice)
                if self.pool.unavailable(voice.version) is None:
                    return voice
        return None

    def _target(self, voice: Voice, speaker: str | None) -> Target:
        if not speaker and voice.name == self.library.wanted:
            speaker = self._usual_speaker()
        options = replace(self.defaults.options, speaker_id=voice.speaker_id(speaker or None))
        return Target(voice, options)

    def _usual_speaker(self) -> str | None:
        if (wrong := self.wrong_speaker()) is None:
            return self.defaults.speaker
        if not self._told_of_speaker:
            self._told_of_speaker = True
            _LOGGER.warning("the setting speaker: %s; until then its first one speaks", wrong)
        return None


async def _cut(text: str, max_chars: int) -> AsyncIterator[Segment]:
    segmenter = Segmenter(max_chars)
    for start in range(0, len(text), _SLICE):
        await asyncio.sleep(0)  # a long text must not starve the others
        for segment in segmenter.add(text[start : start + _SLICE]):
            yield segment
    for segment in segmenter.finish():
        yield segment
