"""One request to a Wyoming server, with a stopwatch."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
import zlib
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


def speak(port: int, words: str, *, streamed: bool = False, word_interval: float = 0.0) -> Answer:
    """Ask for `words` on a fresh connection and read to the end of the answer.

    A stream is sent as Home Assistant sends it, a word a chunk, one every `word_interval` seconds.

    Raises:
        RequestError: no connection, an error event, no audio, or an early end.
    """
    try:
        with _connected(port) as (reader, writer):
            requests = _request(words, streamed=streamed)
            last = SynthesizeStopped if streamed else AudioStop
            return _exchange(reader, writer, requests, last, word_interval)
    except OSError as err:
        raise RequestError(f"{type(err).__name__}: {err.strerror or err}") from None


@contextlib.contextmanager
def _connected(port: int) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    with socket.create_connection(("127.0.0.1", port), timeout=REQUEST_TIMEOUT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection.makefile("rb") as reader, connection.makefile("wb") as writer:
            yield reader, writer


def _exchange(
    reader: BinaryIO,
    writer: BinaryIO,
    requests: list[Event],
    last: type[SynthesizeStopped | AudioStop],
    word_interval: float,
) -> Answer:
    first_audio: float | None = None
    audio = dry = 0.0
    checksum = 0
    sent = time.perf_counter()
    sending = threading.Thread(target=_send, args=(writer, requests, word_interval), daemon=True)
    sending.start()
    while (event := read_event(reader)) is not None:
        if AudioChunk.is_type(event.type):
            now = time.perf_counter() - sent
            if event.payload and first_audio is None:
                first_audio = now
            if first_audio is not None:
                dry = max(dry, now - first_audio - audio)
            audio += AudioChunk.from_event(event).seconds
            checksum = zlib.crc32(event.payload or b"", checksum)
        elif last.is_type(event.type):
            if first_audio is None:
                raise RequestError("it ended without audio")
            total = time.perf_counter() - sent
            return Answer(first_audio, total, audio, dry=dry, checksum=checksum)
        elif Error.is_type(event.type):
            error = Error.from_event(event)
            raise RequestError(f"error {error.code}: {error.text}")
    raise RequestError(f"the connection ended after {audio:.1f} s of audio")


def _send(writer: BinaryIO, requests: list[Event], word_interval: float) -> None:
    with contextlib.suppress(OSError, ValueError):  # the server has hung up; the reader sees that
        for request in requests:
            write_event(request, writer)
            if word_interval and SynthesizeChunk.is_type(request.type):
                time.sleep(word_interval)


def _request(words: str, *, streamed: bool) -> list[Event]:
    whole = Synthesize(text=words).event()
    if not streamed:
        return [whole]
    chunks = [SynthesizeChunk(text=chunk).event() for chunk in re.findall(r"\S+\s*", words)]
    return [SynthesizeStart().event(), *chunks, whole, SynthesizeStop().event()]
