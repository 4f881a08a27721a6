"""The engine process: keeps segments open, and computes a chunk of the one that it is told to.

One thread reads the requests, so that a ping or a cancellation is seen while chunks are computed;
as many threads as the process may use compute them, each one chunk at a time.
"""

from __future__ import annotations

import logging
import queue
import resource
import threading
import traceback
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from wyoming.error import Error
from wyoming.event import Event, read_event, write_event
from wyoming.ping import Ping, Pong

from ..errors import BadRequestError, HardenedError, VoiceError
from .messages import (
    CANCEL,
    CREDIT,
    LOADED,
    LOADING,
    READY,
    SYNTHESIZE,
    SegmentRequest,
    read_credit,
    read_id,
)
from .open_segment import OpenSegment, Speech
from .quoting import brief, described
from .schedule import DEFAULT
from .sessions.loading import load_voice
from .sessions.residents import Residents
from .synthesis.voice import Voice

_LOGGER = logging.getLogger(__name__)

_Task = tuple[OpenSegment, bool]
"""A segment, of which the next chunk, or every one, is to be computed."""


class EngineChild:
    """Speaks requests from `requests` into `frames` until the requests end.

    Args:
        threads: chunks that are computed at once.
        residents: voices that stay loaded.
        memory_limit: resident bytes beyond which fewer of them stay; 0 means no limit.
    """

    def __init__(
        self,
        requests: BinaryIO,
        frames: BinaryIO,
        *,
        threads: int,
        residents: int,
        memory_limit: int = 0,
    ) -> None:
        self._requests = requests
        self._frames = frames
        self._threads = max(1, threads)
        self._write_lock = threading.Lock()
        self._voices = Residents[Voice](_memory, limit=residents, memory_limit=memory_limit)
        self._segments: dict[int, OpenSegment] = {}
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._failure: Exception | None = None

    def run(self, models: list[Path]) -> None:
        """Load `models`, say ``ready``, then serve until the requests end.

        Raises:
            VoiceError: no model loads; an ``error`` event has been sent for each.
            BrokenPipeError: nobody reads the frames any more.
        """
        threading.Thread(target=self._read, name="requests", daemon=True).start()
        failure: VoiceError | None = None
        for model in reversed(models):  # the first one is the most recently used
            try:
                self._voice(model, None)
            except VoiceError as err:
                failure = err
                self.send_error(err, None)
        if failure is not None and not self._voices.models:
            raise failure
        self.send(Event(READY, {"models": [str(model) for model in self._voices.models]}))
        lanes = [
            threading.Thread(target=self._compute, name=f"chunks {number}", daemon=True)
            for number in range(self._threads)
        ]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        if self._failure is not None:
            raise self._failure

    def send(self, event: Event) -> None:
        """Send an event; from any thread."""
        with self._write_lock:
            write_event(event, self._frames)

    def send_error(self, error: Exception, segment_id: int | None) -> None:
        """Send an error, of a segment if it has an id."""
        event = _error(error).event()
        if segment_id is not None:
            event.data["id"] = segment_id
        self.send(event)

    def _read(self) -> None:
        try:
            while (event := read_event(self._requests)) is not None:
                self._take(event)
        except Exception as err:  # noqa: BLE001 - what cannot be read is the end of the requests
            _LOGGER.error("the requests cannot be read: %s", described(err))  # noqa: TRY400
        for _ in range(self._threads):
            self._tasks.put(None)

    def _take(self, event: Event) -> None:
        if Ping.is_type(event.type):
            self.send(Pong(text=Ping.from_event(event).text).event())
            return
        if event.type not in {SYNTHESIZE, CREDIT, CANCEL}:
            return
        try:
            segment_id = read_id(event.data)
        except ValueError as err:
            self.send_error(BadRequestError(str(err)), None)
            return
        if event.type == SYNTHESIZE:
            self._open(segment_id, event.data)
        elif segment_id is not None and (segment := self._segments.get(segment_id)) is not None:
            if event.type == CANCEL:
                segment.cancel()
            else:
                self._allow(segment, event.data, "chunks")

    def _open(self, segment_id: int | None, data: dict[str, Any]) -> None:
        if segment_id in self._segments:
            self.send_error(BadRequestError(f"segment {segment_id} is open already"), None)
            return
        segment = OpenSegment(segment_id, partial(self._begin, data), self, self._forget)
        if segment_id is not None:
            self._segments[segment_id] = segment
        self._allow(segment, data, "credit")

    def _allow(self, segment: OpenSegment, data: dict[str, Any], key: str) -> None:
        try:
            chunks = read_credit(data, key)
        except ValueError as err:
            segment.fail(BadRequestError(str(err)))
        else:
            if chunks is None:
                self._tasks.put((segment, True))
            for _ in range(chunks or 0):
                self._tasks.put((segment, False))

    def _forget(self, segment: OpenSegment) -> None:
        if segment.id is not None:
            self._segments.pop(segment.id, None)

    def _compute(self) -> None:
        """Compute chunks until there is nothing more to do; a thread of its own."""
        try:
            while (task := self._tasks.get()) is not None:
                segment, every = task
                segment.compute()
                while every and not segment.ended:
                    segment.compute()
        except BrokenPipeError as err:
            self._failure = err
            for _ in range(self._threads):
                self._tasks.put(None)

    def _begin(self, data: dict[str, Any], segment_id: int | None) -> Speech:
        request = SegmentRequest.from_data(data)
        model = Path(request.model) if request.model else self._first_model()
        voice = self._voice(model, segment_id)
        chunks = voice.chunks(
            request.text,
            request.options,
            request.schedule or DEFAULT,
            request.from_sample,
            request.from_phrase,
        )
        return Speech(voice.sample_rate, chunks)

    def _voice(self, model: Path, segment_id: int | None) -> Voice:
        """Return a voice, loaded if need be, and say so; raises what loading raises."""

        def load(model: Path) -> Voice:
            reasons: list[str] = []
            of = {"model": str(model)} | ({} if segment_id is None else {"id": segment_id})
            self.send(Event(LOADING, dict(of)))
            voice = load_voice(model, self._threads, reasons.append)
            self.send(Event(LOADED, of | ({"degraded": brief(reasons[0])} if reasons else {})))
            return voice

        return self._voices.get(model, load)

    def _first_model(self) -> Path:
        if not self._voices.models:
            raise VoiceError("no voice is loaded and the request names none")
        return self._voices.models[-1]


def _error(err: Exception) -> Error:
    if isinstance(err, HardenedError):
        return Error(text=brief(err), code=err.code)
    # Unexpected. The text that was to be spoken must not leave through a message.
    # A traceback may hold it too, so only the place is logged.
    place = traceback.extract_tb(err.__traceback__)[-1:]
    _LOGGER.error("synthesis failed with %s at %s", type(err).__name__, place)
    return Error(text=f"the engine failed with {type(err).__name__}", code="synthesis-failed")


def _memory() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()
