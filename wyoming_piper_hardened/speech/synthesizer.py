"""Has requests spoken, and remembers how the last ones went."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass

from ..errors import HardenedError, VoiceUnavailableError
from ..metrics import Metrics
from ..reporting.events import LimitedLog
from ..system.aio import Notifier, cancel_and_wait
from ..text.profile import Profile, TextFormat, TextMode
from ..text.speech import warm
from ..workers.pool import Pool
from .dictionary.user_dictionary import UserDictionary
from .request import Request
from .target import SpeechDefaults, Target
from .text_stream import TextStream

_REMEMBERED = 50


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """Outcome of a request. Times in seconds."""

    id: str
    """The caller's name for it; empty for requests without one."""
    at: float
    """When it ended, since the epoch."""
    voice: str
    outcome: str
    """``ok``, ``cancelled``, or the code of its error."""
    characters: int
    segments: int
    """That were spoken."""
    replays: int
    """Segments that were begun again because a worker failed."""
    queue_wait: float | None
    """Wait of the first segment for a worker."""
    first_audio: float | None
    audio: float
    duration: float
    real_time_factor: float | None
    """Seconds of work for a second of audio; ``None`` without audio."""
    text: str | None
    """The spoken text, if `SpeechDefaults.keep_text`."""


class Synthesizer:
    """Speaks requests through the pool.

    Args:
        pool: the workers.
        defaults: how requests are spoken that do not say otherwise.
        metrics: where requests are counted.
        notifier: notified after every request.
        dictionary: the user's own pronunciations.
        on_record: called with the record of every request.
    """

    def __init__(
        self,
        pool: Pool,
        defaults: SpeechDefaults,
        metrics: Metrics,
        notifier: Notifier,
        dictionary: UserDictionary,
        *,
        on_record: Callable[[RequestRecord], None] | None = None,
    ) -> None:
        self.defaults = defaults
        self._pool = pool
        self._metrics = metrics
        self._notifier = notifier
        self._dictionary = dictionary
        self._on_record = on_record
        self._warm: set[str] = set()
        self._log = LimitedLog(logging.getLogger(__name__))
        self._records: deque[RequestRecord] = deque(maxlen=_REMEMBERED)

    @property
    def records(self) -> tuple[RequestRecord, ...]:
        """The last requests, the newest last."""
        return tuple(self._records)

    def check_room(self) -> None:
        """Raise OverloadedError while too many requests wait."""
        self._pool.check_room()

    def profile(
        self,
        target: Target,
        mode: TextMode | None = None,
        text_format: TextFormat = TextFormat.AUTO,
    ) -> Profile:
        """Return how `target` speaks a text now; without a `mode`, that of the settings."""
        dictionary = self._dictionary.current
        if target.words:
            dictionary = dictionary.with_first(target.words)
        return self.defaults.profile(target.voice, dictionary, mode, text_format)

    async def warm(self, languages: Iterable[str]) -> None:
        """Read what texts in these languages need, so that their first sentence does not wait."""
        for language in frozenset(languages) - self._warm:
            await asyncio.to_thread(warm, language)
            self._warm.add(language)

    async def speak(
        self,
        target: Target,
        text: TextStream,
        send: Callable[[bytes], Awaitable[None]],
        request_id: str = "",
    ) -> int:
        """Speak `text` and `send` the PCM in pieces; return the number of samples.

        How that went is remembered under `request_id`. The next segment is made while one is
        sent. Whatever ends this early also cancels the segments that are not finished. A segment
        that ended workers before is left out; when there is nothing else, or a part of it has been
        heard, the request ends with that error.

        Raises:
            HardenedError: a segment failed; the audio before it has been sent.
        """
        await self.warm((target.voice.language,))
        profile = self.profile(target, text.mode, text.text_format)
        with contextlib.ExitStack() as admission:
            request = Request(
                self._pool,
                target,
                profile,
                admission,
                send,
                defaults=self.defaults,
                metrics=self._metrics,
                log=self._log,
            )
            segments = text.segments(profile)
            with self._recorded(request, request_id):
                producer = asyncio.create_task(request.submit(segments))
                try:
                    return await request.deliver()
                finally:
                    request.cancel_jobs()
                    await cancel_and_wait(producer)

    @contextlib.contextmanager
    def _recorded(self, request: Request, request_id: str) -> Iterator[None]:
        """Record how what is done within the context ended."""
        begin, outcome = time.monotonic(), "cancelled"
        try:
            yield
            outcome = "ok"
        except HardenedError as err:
            outcome = err.code
            if isinstance(err, VoiceUnavailableError):
                self._metrics.rejections.labels(err.code).inc()
            raise
        finally:
            self._record(request, request_id, outcome, time.monotonic() - begin)

    def _record(self, request: Request, request_id: str, outcome: str, duration: float) -> None:
        voice = request.target.voice
        seconds = request.samples / voice.sample_rate
        self._metrics.requests.labels(outcome).inc()
        self._metrics.audio.inc(seconds)
        record = RequestRecord(
            id=request_id,
            at=time.time(),
            voice=voice.name,
            outcome=outcome,
            characters=request.characters,
            segments=request.segments,
            replays=request.replays,
            queue_wait=request.queue_wait,
            first_audio=request.first_audio,
            audio=seconds,
            duration=duration,
            real_time_factor=duration / seconds if seconds else None,
            text=request.text,
        )
        self._records.append(record)
        if self._on_record is not None:
            self._on_record(record)
        self._notifier.notify()
