"""A file that is kept until it is complete, so that its true length can be sent with it."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ...errors import AudioTooLongError
from .encoding import CONTENT_TYPES, HeldBack

_HEADER_BYTES = 44
_BLOCK = 64 << 10


class WholeFile:
    """The bytes of a file that is being made.

    Args:
        room: for the bytes of all such files together.
        content_type: of the file.
    """

    def __init__(self, room: HeldBack, content_type: str) -> None:
        self._room = room
        self._is_wav = content_type == CONTENT_TYPES["wav"]
        self._bytes = bytearray()

    @property
    def size(self) -> int:
        """Bytes of the file so far."""
        return len(self._bytes)

    def keep(self, data: bytes) -> None:
        """Append some bytes.

        Raises:
            AudioTooLongError: there is no room for them.
        """
        if not self._room.take(len(data)):
            raise AudioTooLongError(
                "the audio is too long to be sent as a whole; leave out stream, or send the text "
                "in parts"
            )
        self._bytes += data

    def pieces(self) -> Iterator[bytes]:
        """Yield the complete file; the header of a WAV has its true lengths."""
        if self._is_wav:
            struct.pack_into("<I", self._bytes, 4, self.size - 8)
            struct.pack_into("<I", self._bytes, _HEADER_BYTES - 4, self.size - _HEADER_BYTES)
        for start in range(0, self.size, _BLOCK):
            yield bytes(self._bytes[start : start + _BLOCK])

    def release(self) -> None:
        """Give the room back."""
        self._room.release(self.size)
        self._bytes.clear()
