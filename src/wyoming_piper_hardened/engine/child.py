"""The engine process: reads requests, speaks segments, answers pings in between.

Two threads: one reads the requests, so that a ping or a cancellation is seen while a segment is
being made; the main thread loads voices and speaks.
"""

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, read_event, write_event
from wyoming.ping import Ping, Pong

from ..errors import HardenedError
from .messages import CANCEL, LOADED, LOADING, READY, SYNTHESIZE, SegmentRequest
from .voice import WholeVoice

_LOGGER = logging.getLogger(__name__)
_WIDTH = 2
_CHUNK_BYTES = 16 * 1024  # about 0.2 to 0.4 s: small against a pipe, few events


@dataclass(frozen=True, slots=True)
class _Job:
    request_id: int
    data: dict[str, Any]


class EngineChild:
    """Speaks requests from `requests` into `frames` until the requests end."""

    def __init__(self, requests: BinaryIO, frames: BinaryIO, threads: int) -> None:
        self._requests = requests
        self._frames = frames
        self._write_lock = threading.Lock()
        self._threads = threads
        self._voices: dict[str, WholeVoice] = {}
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._cancelled_id = -1

    def run(self, models: list[Path]) -> None:
        """Load `models`, say ``ready``, then serve until the requests end.

        Raises:
            VoiceError: a model does not load; an ``error`` event has been sent.
        """
        threading.Thread(target=self._read, name="requests", daemon=True).start()
        try:
            for model in models:
                self._load(str(model))
        except Exception as err:
            self._send(_error(err))
            raise
        self._send(Event(READY, {"models": list(self._voices)}))
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
        model = request.model or next(iter(self._voices), "")
        voice = self._voices.get(model)
        if voice is None:
            self._send(Event(LOADING, {"model": model}))
            voice = self._load(model)
            self._send(Event(LOADED, {"model": model}))
        rate = voice.sample_rate
        self._send(AudioStart(rate=rate, width=_WIDTH, channels=1))
        skip = request.from_sample * _WIDTH
        for pcm in voice.synthesize(request.text, request.options):
            audio = pcm[skip:]
            skip = max(0, skip - len(pcm))
            for start in range(0, len(audio), _CHUNK_BYTES):
                if self._cancelled_id == job.request_id:
                    break
                chunk = audio[start : start + _CHUNK_BYTES]
                self._send(AudioChunk(rate=rate, width=_WIDTH, channels=1, audio=chunk))
            if self._cancelled_id == job.request_id:
                break
        self._send(AudioStop())

    def _load(self, model: str) -> WholeVoice:
        voice = self._voices[model] = WholeVoice(Path(model), self._threads)
        _LOGGER.debug("loaded %s", model)
        return voice

    def _send(self, event: Event | Eventable) -> None:
        with self._write_lock:
            write_event(event if isinstance(event, Event) else event.event(), self._frames)


def _error(err: Exception) -> Error:
    if isinstance(err, HardenedError):
        return Error(text=str(err), code=err.code)
    # Unexpected. The text that was to be spoken must not leave through a message.
    _LOGGER.error("synthesis failed", exc_info=err)
    return Error(text=f"the engine failed with {type(err).__name__}", code="synthesis-failed")
