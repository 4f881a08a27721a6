"""One request to a Wyoming server, with a stopwatch."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from typing import BinaryIO

from wyoming.audio import AudioChunk, AudioStop
from wyoming.error import Error
from wyoming.event import Event, read_event, write_event
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
)

from .results import Answer

REQUEST_TIMEOUT = 120.0
"""Seconds without a byte after which a request has failed."""


class RequestError(Exception):
    """A request did not end with complete audio; the message says how."""


def speak(port: int, words: str, *, streamed: bool = False) -> Answer:
    """Ask for `words` on a fresh connection and read to the end of the answer.

    A stream is sent as Home Assistant sends it, a word a chunk, without pauses.

    Raises:
        RequestError: no connection, an error event, no audio, or an early end.
    """
    try:
        with _connected(port) as (reader, writer):
            return _exchange(reader, writer, words, streamed=streamed)
    except OSError as err:
        raise RequestError(f"{type(err).__name__}: {err.strerror or err}") from None


@contextlib.contextmanager
def _connected(port: int) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    with socket.create_connection(("127.0.0.1", port), timeout=REQUEST_TIMEOUT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection.makefile("rb") as reader, connection.makefile("wb") as writer:
            yield reader, writer


def _exchange(reader: BinaryIO, writer: BinaryIO, words: str, *, streamed: bool) -> Answer:
    last = SynthesizeStopped if streamed else AudioStop
    first_audio: float | None = None
    audio = 0.0
    sent = time.perf_counter()
    for request in _request(words, streamed=streamed):
        write_event(request, writer)
    while (event := read_event(reader)) is not None:
        if AudioChunk.is_type(event.type):
            if event.payload and first_audio is None:
                first_audio = time.perf_counter() - sent
            audio += AudioChunk.from_event(event).seconds
        elif last.is_type(event.type):
            if first_audio is None:
                raise RequestError("it ended without audio")
            return Answer(first_audio, time.perf_counter() - sent, audio)
        elif Error.is_type(event.type):
            error = Error.from_event(event)
            raise RequestError(f"error {error.code}: {error.text}")
    raise RequestError(f"the connection ended after {audio:.1f} s of audio")


def _request(words: str, *, streamed: bool) -> list[Event]:
    whole = Synthesize(text=words).event()
    if not streamed:
        return [whole]
    chunks = [SynthesizeChunk(text=chunk).event() for chunk in re.findall(r"\S+\s*", words)]
    return [SynthesizeStart().event(), *chunks, whole, SynthesizeStop().event()]
