"""One request: segments of text in, one stream of PCM out, in order and sample-exact."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from ..engine.messages import BYTES_PER_SAMPLE, SegmentRequest
from ..errors import DeadlineError, HardenedError, TextQuarantinedError
from ..metrics import Metrics
from ..reporting.events import Event, LimitedLog
from ..system.aio import Watchdog
from ..text.cleaner import has_words, speakable
from ..text.profile import Profile, TextMode
from ..text.segmenter import Segment
from ..text.speech import attempt
from ..workers.dispatch.admission import Slot
from ..workers.dispatch.segment_job import SegmentJob
from ..workers.pool import Pool
from .target import SpeechDefaults, Target

_AHEAD = 2  # the segment being sent and the one being made
_SEND_BYTES = 8 * 1024
_SHORT_SILENCE = 0.2  # seconds of audio for text without a word: players reject empty files
_KEPT_TEXT = 1000  # characters

_Item = tuple[Segment, SegmentJob | None] | HardenedError | None


class Request:
    """One request: `submit` puts segments in, `deliver` takes their audio out.

    Args:
        pool: the workers.
        target: who speaks.
        profile: how the text is spoken.
        admission: holds the request's slot until it is closed.
        send: gets the PCM.
        defaults: time limits, and whether the text is kept.
        metrics: where first audio and left out texts are counted.
        log: where left out texts are logged.
    """

    def __init__(
        self,
        pool: Pool,
        target: Target,
        profile: Profile,
        admission: contextlib.ExitStack,
        send: Callable[[bytes], Awaitable[None]],
        *,
        defaults: SpeechDefaults,
        metrics: Metrics,
        log: LimitedLog,
    ) -> None:
        self.target = target
        self.characters = 0
        """Of the text that was handed to workers."""
        self.segments = 0
        """Segments whose audio has begun."""
        self.replays = 0
        """Segments that were begun again because a worker failed."""
        self.queue_wait: float | None = None
        """Seconds that the first segment waited for a worker."""
        self.first_audio: float | None = None
        """Seconds from the first segment to its first audio."""
        self.text: str | None = "" if defaults.keep_text else None
        """The beginning of what was handed to workers."""
        self._pool = pool
        self._profile = profile
        self._admission = admission
        self._slot: Slot | None = None
        self._listener = pool.listener()
        self._pause = self._silence(target.silence.between)
        self._send = send
        self._defaults = defaults
        self._metrics = metrics
        self._log = log
        self._sent = 0
        self._heard = False
        self._began: float | None = None
        self._segments_ahead = asyncio.Semaphore(_AHEAD)
        self._items: asyncio.Queue[_Item] = asyncio.Queue()
        self._jobs: set[SegmentJob] = set()

    @property
    def samples(self) -> int:
        """Samples sent so far."""
        return self._sent // BYTES_PER_SAMPLE

    async def submit(self, segments: AsyncIterator[Segment]) -> None:
        """Submit the segments to the pool, never more than two ahead of the listener."""
        try:
            async for segment in segments:
                text = self._spoken(segment)
                if not has_words(segment.text if self._profile.mode is TextMode.OFF else text):
                    if segment.pause:
                        self._items.put_nowait((segment, None))
                    continue
                await self._segments_ahead.acquire()
                if self._began is None:  # a stream whose text never comes takes no place
                    self._began = time.monotonic()
                    version = self.target.voice.version
                    self._slot = self._admission.enter_context(
                        self._pool.admit(version, self._listener)
                    )
                try:
                    job = self._pool.submit(self._request(segment, text), self._listener)
                except TextQuarantinedError as err:
                    self._items.put_nowait(err)
                    self._segments_ahead.release()
                    continue
                self.characters += job.characters
                if self.text is not None:
                    self.text = f"{self.text} {text}".strip()[:_KEPT_TEXT]
                self._jobs.add(job)
                self._items.put_nowait((segment, job))
        except HardenedError as err:
            self._items.put_nowait(err)  # after the audio of the segments before it
        except Exception:  # noqa: BLE001 - logged, with its traceback
            self._log.exception(Event("internal-error", where="text of a request"))
            self._items.put_nowait(HardenedError("internal error; see the log"))
        else:
            self._items.put_nowait(None)

    async def deliver(self) -> int:
        """Send the audio in order; return the number of samples."""
        pause = b""
        skipped: TextQuarantinedError | None = None
        truncated = False
        while (item := await self._items.get()) is not None:
            before = self._sent
            try:
                if isinstance(item, HardenedError):
                    raise item
                job: SegmentJob | None = item[1]
                while job is not None:
                    await self._deliver(job, b"" if self._sent > before else pause)
                    job = self._continued(job)
            except TextQuarantinedError as err:
                if skipped is None:  # once, however many more of them there are
                    self._log.warning(Event("segment-skipped", reason=str(err)))
                skipped = err
                truncated |= self._sent > before
                self._metrics.quarantined_texts.inc()
            if isinstance(item, tuple):
                if item[1] is not None:
                    self._segments_ahead.release()
                    pause = self._pause if self._heard and item[0].ends_sentence else b""
                await self._send_all(self._silence(item[0].pause))
        if skipped is not None and (truncated or not self._heard):
            raise skipped  # a truncated sentence must not pass for a whole one
        if not self._sent:
            await self._send_all(self._silence(_SHORT_SILENCE))
        await self._send_all(self._silence(self.target.silence.after))
        return self.samples

    def cancel_jobs(self) -> None:
        """Cancel the segments that are not finished."""
        for job in self._jobs:
            self.replays += job.replays
            job.cancel()

    async def _deliver(self, job: SegmentJob, pause: bytes) -> None:
        audio = job.audio()
        try:
            async with Watchdog(self._defaults.request_timeout):
                first = await anext(audio, b"")
        except TimeoutError:
            raise DeadlineError(
                f"a segment was not begun within {self._defaults.request_timeout:g} s "
                "(request_timeout); this machine has too much to do at once"
            ) from None
        if not first:
            return
        self.segments += 1
        if self.queue_wait is None and job.begun_at is not None:
            self.queue_wait = job.begun_at - job.queued_at
        if not self._heard and self._began is not None:
            self.first_audio = time.monotonic() - self._began
            self._metrics.first_audio.observe(self.first_audio)
        self._heard = True
        await self._send_all(pause)
        await self._send_speech(first)
        async for pcm in audio:
            await self._send_speech(pcm)

    def _continued(self, job: SegmentJob) -> SegmentJob | None:
        """Submit what the engine has left of a segment that is too much to be spoken at once."""
        self._jobs.discard(job)
        self.replays += job.replays
        if job.rest is None:
            return None
        rest = self._pool.submit(job.rest, self._listener, first=True)
        self._jobs.add(rest)
        return rest

    async def _send_speech(self, pcm: bytes) -> None:
        await self._send_all(pcm)
        self._listener.take(len(pcm) / BYTES_PER_SAMPLE / self.target.voice.sample_rate)

    async def _send_all(self, pcm: bytes) -> None:
        if pcm and not self._sent:
            pcm = self._silence(self.target.silence.before) + pcm
        for start in range(0, len(pcm), _SEND_BYTES):
            with self._slot_lent():
                await self._send(pcm[start : start + _SEND_BYTES])
        self._sent += len(pcm)

    @contextlib.contextmanager
    def _slot_lent(self) -> Iterator[None]:
        """Lend the slot to others while the client is slow in accepting its audio."""
        if self._slot is None:
            yield
            return
        loop = asyncio.get_running_loop()
        leaving = loop.call_later(self._defaults.client_delay, self._slot.leave)
        try:
            yield
        finally:
            leaving.cancel()
            self._slot.take()

    def _spoken(self, segment: Segment) -> str:
        text = attempt(segment, self._profile)
        if text is None:
            self._metrics.text_faults.inc()
            return speakable(segment.text)
        return text

    def _request(self, segment: Segment, text: str) -> SegmentRequest:
        voice, options = self.target.voice, self.target.options_of(segment)
        return SegmentRequest(text, voice.version, options, voice.schedule)

    def _silence(self, seconds: float) -> bytes:
        return bytes(round(seconds * self.target.voice.sample_rate) * BYTES_PER_SAMPLE)
