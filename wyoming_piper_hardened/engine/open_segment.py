"""A segment that an engine process has open: its chunks are computed by any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final, Protocol

from wyoming.audio import AudioChunk, AudioStart
from wyoming.event import Event

from .messages import AUDIO_STOP, BYTES_PER_SAMPLE, COMPUTED
from .synthesis.voice import Chunk, Pcm

_EVENT_BYTES: Final = 16 * 1024  # about 0.2 to 0.4 s: small against a pipe, few events


@dataclass(frozen=True, slots=True)
class Speech:
    """The audio of a segment, in chunks that have not been computed yet; `rate` in hertz."""

    rate: int
    chunks: Generator[Chunk, None, int | None]


@dataclass(frozen=True, slots=True)
class _End:
    rest: int | None


_Outcome = tuple[Pcm, int | _End] | _End | Exception
"""A chunk with the number that is left or the end behind it, an end without one, or why not."""


class Channel(Protocol):
    """The way to the server."""

    def send(self, event: Event) -> None:
        """Send an event; from any thread."""

    def send_error(self, error: Exception, segment_id: int | None) -> None:
        """Send the error that a segment ends with."""


class OpenSegment:
    """One segment: its chunks are begun one after the other, and sent in that order.

    Args:
        segment_id: goes with every event; ``None`` for a segment that was given none.
        begin: called by the first `compute`; returns the speech, or raises why there is none.
        channel: where its events go.
        on_end: called once, behind its last event.
    """

    def __init__(
        self,
        segment_id: int | None,
        begin: Callable[[int | None], Speech],
        channel: Channel,
        on_end: Callable[[OpenSegment], None],
    ) -> None:
        self.id = segment_id
        self.ended = False
        self._begin = begin
        self._channel = channel
        self._on_end = on_end
        self._speech: Speech | None = None
        self._cancelled = False
        self._begun = 0
        self._sent = 0
        self._outcomes: dict[int, _Outcome] = {}
        self._beginning = threading.Lock()  # while the next chunk is fetched, and what is before it
        self._lock = threading.Lock()  # of everything else, and of the order of what is sent

    def compute(self) -> None:
        """Compute the next chunk and send it; nothing once the segment is cancelled or ended."""
        with self._beginning:
            with self._lock:
                if self.ended or self._cancelled:
                    return
                number, self._begun = self._begun, self._begun + 1
            chunk = self._next_chunk()
        outcome = _computed(*chunk) if isinstance(chunk, tuple) else chunk
        with self._lock:
            self._outcomes[number] = outcome
            self._send_outcomes()

    def cancel(self) -> None:
        """End the segment; what is being computed is finished first, and thrown away."""
        with self._lock:
            self._cancelled = True
            self._end_if_cancelled()

    def fail(self, error: Exception) -> None:
        """End the segment with an error at once."""
        with self._lock:
            if not self.ended:
                self._channel.send_error(error, self.id)
                self._end()

    def _next_chunk(self) -> tuple[Chunk, int | _End] | _End | Exception:
        try:
            if self._speech is None:
                self._speech = self._begin(self.id)
            chunks = self._speech.chunks
            try:
                chunk = next(chunks)
            except StopIteration as end:
                return _End(end.value)
            if chunk.left:
                return chunk, chunk.left
            try:
                next(chunks)
            except StopIteration as end:
                return chunk, _End(end.value)
        except Exception as err:  # noqa: BLE001 - the process outlives whatever a text does
            return err
        return RuntimeError("a chunk after the last one")

    def _send_outcomes(self) -> None:
        """Send what is complete up to the first chunk that is still being computed."""
        while not self.ended and self._sent in self._outcomes:
            outcome = self._outcomes.pop(self._sent)
            self._sent += 1
            if not self._cancelled:
                self._send_outcome(outcome)
        self._end_if_cancelled()

    def _send_outcome(self, outcome: _Outcome) -> None:
        if isinstance(outcome, Exception):
            self._channel.send_error(outcome, self.id)
            self._end()
            return
        assert self._speech is not None
        rate = self._speech.rate
        if self._sent == 1:
            self._send(AudioStart(rate=rate, width=BYTES_PER_SAMPLE, channels=1).event())
        pcm, left = (None, outcome) if isinstance(outcome, _End) else outcome
        data = b"" if pcm is None else pcm.astype("<i2", copy=False).tobytes()
        for start in range(0, len(data), _EVENT_BYTES):
            piece = data[start : start + _EVENT_BYTES]
            self._send(AudioChunk(rate, BYTES_PER_SAMPLE, 1, audio=piece).event())
        if isinstance(left, _End):
            self._send_stop(left)
        else:
            self._send(Event(COMPUTED, {"left": left}))

    def _end_if_cancelled(self) -> None:
        if self._cancelled and not self.ended and self._sent == self._begun:
            self._send_stop(_End(None))

    def _send_stop(self, end: _End) -> None:
        self._send(Event(AUDIO_STOP, {} if end.rest is None else {"rest": end.rest}))
        self._end()

    def _end(self) -> None:
        self.ended = True
        self._outcomes.clear()
        self._on_end(self)

    def _send(self, event: Event) -> None:
        if self.id is not None:
            event.data["id"] = self.id
        self._channel.send(event)


def _computed(chunk: Chunk, left: int | _End) -> _Outcome:
    try:
        pcm = chunk.compute()
    except Exception as err:  # noqa: BLE001 - likewise
        return err
    return pcm, left
