"""The engine process: reads requests, speaks segments, answers pings in between.

Two threads: one reads the requests, so that a ping or a cancellation is seen while a segment is
being made; the main thread loads voices and speaks.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import resource
import threading
import traceback
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, read_event, write_event
from wyoming.ping import Ping, Pong

from ..errors import HardenedError, VoiceError
from .messages import AUDIO_STOP, CANCEL, LOADED, LOADING, READY, SYNTHESIZE, SegmentRequest
from .quoting import brief
from .schedule import DEFAULT
from .synthesis.loading import load_voice
from .synthesis.residents import Residents

_LOGGER = logging.getLogger(__name__)
_WIDTH = 2
_CHUNK_BYTES = 16 * 1024  # about 0.2 to 0.4 s: small against a pipe, few events


@dataclass(frozen=True, slots=True)
class _Job:
    request_id: int
    data: dict[str, Any]


class EngineChild:
    """Speaks requests from `requests` into `frames` until the requests end.

    Args:
        threads: processors that one segment may use.
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
        self._write_lock = threading.Lock()
        self._voices = Residents(
            partial(load_voice, threads=threads, on_degraded=self._note_degraded),
            _memory,
            limit=residents,
            memory_limit=memory_limit,
        )
        self._degraded = ""
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._cancelled_id = -1

    def run(self, models: list[Path]) -> None:
        """Load `models`, say ``ready``, then serve until the requests end.

        Raises:
            VoiceError: no model loads; an ``error`` event has been sent for each.
        """
        threading.Thread(target=self._read, name="requests", daemon=True).start()
        failure: VoiceError | None = None
        for model in reversed(models):  # the first one is the most recently used
            try:
                self._load(model)
            except VoiceError as err:
                failure = err
                self._send(_error(err))
        if failure is not None and not self._voices.models:
            raise failure
        self._send(Event(READY, {"models": [str(model) for model in self._voices.models]}))
        while (job := self._jobs.get()) is not None:
            try:
                self._speak(job)
            except Exception as err:  # noqa: BLE001 - the process outlives whatever a text does
                self._send(_error(err))

    def _read(self) -> None:
        while (event := read_event(self._requests)) is not None:
            request_id = event.data.get("id", 0)
            if Ping.is_type(event.type):
                self._send(Pong(text=Ping.from_event(event).text))
            elif event.type == CANCEL:
                self._cancelled_id = request_id
            elif event.type == SYNTHESIZE:
                self._jobs.put(_Job(request_id, event.data))
        self._jobs.put(None)

    def _speak(self, job: _Job) -> None:
        request = SegmentRequest.from_data(job.data)
        model = Path(request.model) if request.model else self._first_model()
        if model not in self._voices:
            self._load(model)
        voice = self._voices.get(model)
        rate = voice.sample_rate
        audio = voice.synthesize(
            request.text,
            request.options,
            request.schedule or DEFAULT,
            request.from_sample,
            request.from_phrase,
        )
        self._send(AudioStart(rate=rate, width=_WIDTH, channels=1))
        rest: int | None = None
        with contextlib.closing(audio):  # stops the work that is under way for later chunks
            while self._cancelled_id != job.request_id:
                try:
                    pcm = next(audio)
                except StopIteration as end:
                    rest = end.value
                    break
                data = pcm.astype("<i2", copy=False).tobytes()
                for start in range(0, len(data), _CHUNK_BYTES):
                    chunk = data[start : start + _CHUNK_BYTES]
                    self._send(AudioChunk(rate=rate, width=_WIDTH, channels=1, audio=chunk))
        self._send(AudioStop() if rest is None else Event(AUDIO_STOP, {"rest": rest}))

    def _note_degraded(self, reason: str) -> None:
        self._degraded = brief(reason)

    def _load(self, model: Path) -> None:
        """Load a voice, and say so; raises what loading raises."""
        self._degraded = ""  # of the one before, which may not have loaded at all
        self._send(Event(LOADING, {"model": str(model)}))
        self._voices.get(model)
        degraded = {"degraded": self._degraded} if self._degraded else {}
        self._send(Event(LOADED, {"model": str(model), **degraded}))

    def _first_model(self) -> Path:
        if not self._voices.models:
            raise VoiceError("no voice is loaded and the request names none")
        return self._voices.models[-1]

    def _send(self, event: Event | Eventable) -> None:
        with self._write_lock:
            write_event(event if isinstance(event, Event) else event.event(), self._frames)


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
