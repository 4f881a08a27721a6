"""Noise as a pure function of a request, addressable by position."""

from __future__ import annotations

import hashlib
import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

_BLOCK_FRAMES: Final = 64
"""Frames that are drawn together: a window in the middle costs no more than two blocks extra."""

_FRONT: Final = 1
_FRAMES: Final = 2
"""The streams: noise of the front and of the frames never share numbers."""


class Noise:
    """Standard normal numbers keyed by 16 bytes.

    Each call draws from its own place in the generator's counter space, so the same key and
    position give the same numbers whatever was drawn before, and from any thread.

    Args:
        key: 16 bytes.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = np.frombuffer(key, np.uint64)

    @classmethod
    def of(
        cls, digest: str, speaker: int, text: str, sentence: int, scales: tuple[float, ...]
    ) -> Noise:
        """Noise for one sentence of a text; every argument takes part in the key."""
        hashed = hashlib.blake2b(digest_size=16, person=b"piper noise 1")
        for field in (digest.encode(), text.encode("utf-8", "surrogatepass")):
            hashed.update(struct.pack("<Q", len(field)) + field)
        hashed.update(struct.pack(f"<qq{len(scales)}f", speaker, sentence, *scales))
        return cls(hashed.digest())

    def front(self, index: int, length: int) -> NDArray[np.float32]:
        """[length] numbers for noise input `index` of a voice's front."""
        return self._draw(_FRONT, index, (length,))

    def frames(self, start: int, stop: int, channels: int) -> NDArray[np.float32]:
        """[channels, stop - start] numbers for the frames from `start` up to `stop`."""
        first, last = start // _BLOCK_FRAMES, -(-stop // _BLOCK_FRAMES)
        blocks = [
            self._draw(_FRAMES, block, (_BLOCK_FRAMES, channels)) for block in range(first, last)
        ]
        offset = first * _BLOCK_FRAMES
        return np.concatenate(blocks)[start - offset : stop - offset].T

    def _draw(self, stream: int, index: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
        counter = np.array([0, 0, index, stream], np.uint64)
        generator = np.random.Generator(np.random.Philox(key=self._key, counter=counter))
        return generator.standard_normal(shape, dtype=np.float32)
