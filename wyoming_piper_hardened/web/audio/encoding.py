"""Encoders of PCM into the bytes of a file, piece by piece, while it is made."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from ...engine.messages import BYTES_PER_SAMPLE

UNKNOWN_LENGTH = 0xFFFFFFFF
"""Length in a WAV header while it is not known yet; readers take what comes."""

_OPENAI_RATE = (
    24_000  # of pcm; a headerless stream cannot say its rate, so OpenAI's clients rely on it
)
_OPUS_RATE = 24_000  # one of the few that Opus has
_MP3_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})
_BLOCK = 64 << 10


class Encoder(Protocol):
    """Encoder of one stream; its calls block, so those that are `slow` belong in a thread."""

    slow: bool

    def encode(self, pcm: bytes) -> bytes:
        """Return the bytes that `pcm` adds to the file; some may be kept for later."""
        ...

    def finish(self) -> Iterator[bytes]:
        """Yield the rest of the file, in pieces."""
        ...

    def close(self) -> None:
        """Release what it holds, whether it has finished or not."""
        ...


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """A kind of file; `make` returns an encoder for a sample rate."""

    content_type: str
    make: Callable[[int], Encoder]


class Wav:
    """A header of unknown length, then the samples as they are."""

    slow = False

    def __init__(self, rate: int) -> None:
        self._header = wav_header(rate)

    def encode(self, pcm: bytes) -> bytes:
        """See `Encoder`."""
        header, self._header = self._header, b""
        return header + pcm

    def finish(self) -> Iterator[bytes]:
        """See `Encoder`."""
        yield from ()

    def close(self) -> None:
        """See `Encoder`."""


class Resampled:
    """Samples without a header, at 24 kHz."""

    slow = True

    def __init__(self, rate: int) -> None:
        self._resampler = _Resampler(rate, _OPENAI_RATE)

    def encode(self, pcm: bytes) -> bytes:
        """See `Encoder`."""
        return self._resampler.take(pcm)

    def finish(self) -> Iterator[bytes]:
        """See `Encoder`."""
        yield self._resampler.rest()

    def close(self) -> None:
        """See `Encoder`."""


class HeldBack:
    """The bytes that may be kept back: `limit` by all together, `each` by one of them."""

    def __init__(self, limit: int, each: int | None = None) -> None:
        self.each = limit if each is None else each
        self._free = limit
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Return whether `size` more bytes may be kept back; that counts as done."""
        with self._lock:
            fits = size <= self._free
            self._free -= size if fits else 0
            return fits

    def release(self, size: int) -> None:
        """Give back what was taken."""
        with self._lock:
            self._free += size


class Compressed:
    """A file as libsndfile writes it.

    Args:
        rate: of the samples that come.
        target_rate: of the file.
        held_back: ``None`` if the file's start is right before its end is known. If not, the file
            is kept back as long as this allows, so that its start has its length; else the
            start leaves it open.
        kind: soundfile's names for format and subtype.
    """

    slow = True

    def __init__(
        self, rate: int, target_rate: int, *, held_back: HeldBack | None = None, **kind: Any
    ) -> None:
        import soundfile  # noqa: PLC0415 - loads 10 MB that most servers never need

        self._resampler = _Resampler(rate, target_rate)
        self._held_back = held_back
        self._held = 0
        self._out = _Tail()
        self._lock = threading.Lock()  # a client that leaves does not stop a thread
        self._sound = soundfile.SoundFile(self._out, "w", target_rate, 1, **kind)

    def encode(self, pcm: bytes) -> bytes:
        """See `Encoder`."""
        with self._lock:
            self._write(self._resampler.take(pcm))
            return b"" if self._keep() else self._out.take()

    def finish(self) -> Iterator[bytes]:
        """See `Encoder`."""
        with self._lock:
            self._write(self._resampler.rest())
            self._sound.close()
        while piece := self._out.take(_BLOCK):
            yield piece

    def close(self) -> None:
        """See `Encoder`."""
        with self._lock:
            self._sound.close()
            self._stream()

    def _keep(self) -> bool:
        """Return whether the file is kept back."""
        if self._held_back is None:
            return False
        grown = self._out.end - self._held
        if self._out.end > self._held_back.each or not self._held_back.take(grown):
            self._stream()
            return False
        self._held += grown
        return True

    def _stream(self) -> None:
        """Keep nothing back any more."""
        if self._held_back is not None:
            self._held_back.release(self._held)
            self._held_back = None

    def _write(self, pcm: bytes) -> None:
        if pcm:
            self._sound.buffer_write(pcm, "int16")


class _Tail:
    """The end of a file whose beginning has been given away; what is rewritten there is lost."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._start = 0  # where that begins in the file
        self._at = 0

    @property
    def end(self) -> int:
        """Bytes of the file so far."""
        return self._start + len(self._kept)

    def write(self, data: bytes) -> int:
        """Return how much was taken."""
        late = max(0, self._start - self._at)
        begin = max(0, self._at - self._start)
        part = bytes(data)[late:]
        self._kept[begin : begin + len(part)] = part
        self._at += len(data)
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Read as from a file; what has been taken cannot be read any more."""
        begin = max(0, self._at - self._start)
        part = bytes(self._kept[begin : None if size < 0 else begin + size])
        self._at += len(part)
        return part

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Return the new position in the file."""
        ends = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.end}
        self._at = offset + ends[whence]
        return self._at

    def tell(self) -> int:
        """Return the position in the file."""
        return self._at

    def take(self, size: int | None = None) -> bytes:
        """Return what has come since the last call, or the first `size` bytes of it."""
        data = bytes(self._kept[:size])
        self._start += len(data)
        del self._kept[:size]
        return data


def wav_header(rate: int) -> bytes:
    """Return the header of a mono 16-bit file that goes on until it ends."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", UNKNOWN_LENGTH, b"WAVE"),
        *(b"fmt ", 16, 1, 1, rate, rate * BYTES_PER_SAMPLE, BYTES_PER_SAMPLE, 16),
        *(b"data", UNKNOWN_LENGTH),
    )


def _mp3(rate: int) -> Compressed:
    # A constant rate (80 kbit/s), or the start would have to have the length.
    kind: dict[str, Any] = {"format": "MP3", "subtype": "MPEG_LAYER_III"}
    kind |= {"bitrate_mode": "CONSTANT", "compression_level": 0.5}
    target = rate if rate in _MP3_RATES else _OPENAI_RATE
    return Compressed(rate, target, **kind)


def _opus(rate: int) -> Compressed:
    return Compressed(rate, _OPUS_RATE, format="OGG", subtype="OPUS")


def _flac(rate: int, held_back: HeldBack) -> Compressed:
    # Some readers take no file of unknown length.
    return Compressed(rate, rate, held_back=held_back, format="FLAC", subtype="PCM_16")


class _Resampler:
    """Turns PCM of one rate into PCM of another, in pieces."""

    def __init__(self, rate: int, target: int) -> None:
        self._stream: Any = None
        if rate != target:
            import soxr  # noqa: PLC0415 - as soundfile

            self._stream = soxr.ResampleStream(rate, target, 1, dtype="int16")

    def take(self, pcm: bytes) -> bytes:
        """Return what `pcm` becomes; some may be kept for later."""
        return pcm if self._stream is None else self._resample(pcm, last=False)

    def rest(self) -> bytes:
        """Return what was kept."""
        return b"" if self._stream is None else self._resample(b"", last=True)

    def _resample(self, pcm: bytes, *, last: bool) -> bytes:
        import numpy as np  # noqa: PLC0415 - as soundfile

        samples = np.frombuffer(pcm, np.int16)
        return bytes(self._stream.resample_chunk(samples, last=last).tobytes())


CONTENT_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
"""By OpenAI's names of the formats."""

WAV = AudioFormat(CONTENT_TYPES["wav"], Wav)


def audio_formats(held_back: HeldBack) -> dict[str, AudioFormat]:
    """Return the formats by OpenAI's names; see `Compressed` for `held_back`."""
    makers: dict[str, Callable[[int], Encoder]] = {
        "mp3": _mp3,
        "opus": _opus,
        "flac": partial(_flac, held_back=held_back),
        "wav": Wav,
        "pcm": Resampled,
    }
    return {name: AudioFormat(kind, makers[name]) for name, kind in CONTENT_TYPES.items()}
