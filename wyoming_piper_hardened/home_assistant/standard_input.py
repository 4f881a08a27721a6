"""Lines of standard input, whatever that is: a pipe, a terminal, a file, nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import sys
import threading
from collections.abc import AsyncGenerator

from ..reporting.events import Event

_LOGGER = logging.getLogger(__name__)

MAX_LINE_BYTES = 64 * 1024

_PIECE = 64 * 1024
_END = b""


def descriptor() -> int | None:
    """Return the descriptor of standard input; ``None`` if the program was started without.

    Its number alone means nothing then: the next file that is opened gets it.
    """
    try:
        return None if sys.stdin is None else sys.stdin.fileno()
    except (OSError, ValueError):
        return None


async def lines(source: int) -> AsyncGenerator[bytes | None, None]:
    """Yield every line without its end; ``None`` for one that was too long and is left out.

    Ends at the end of input, or when it cannot be read. Empty lines are left out.
    """
    buffer = bytearray()
    too_long = False
    async with contextlib.aclosing(_pieces(source)) as pieces:
        async for piece in pieces:
            *ended, rest = piece.split(b"\n")
            for part in ended:
                if too_long or len(buffer) + len(part) > MAX_LINE_BYTES:
                    yield None
                elif line := bytes(buffer + part).strip():
                    yield line
                buffer.clear()
                too_long = False
            if len(buffer) + len(rest) > MAX_LINE_BYTES:
                too_long = True
                buffer.clear()
            elif not too_long:
                buffer += rest
    if too_long:
        yield None
    elif line := bytes(buffer).strip():
        yield line


async def _pieces(source: int) -> AsyncGenerator[bytes, None]:
    reader = _Reader(source, asyncio.get_running_loop())
    reader.start()
    try:
        while (piece := await reader.next()) != _END:
            yield piece
    finally:
        reader.stop()


class _Reader(threading.Thread):
    """Reads one piece ahead.

    A thread can wait for every kind of file. The event loop's own way cannot read regular ones, and
    changes the mode of a terminal or pipe for every process that shares it. Being a daemon, and
    waiting for its wake-up call as well as for input, it never delays the program's end.
    """

    def __init__(self, source: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(name="standard input", daemon=True)
        self._source = source
        self._loop = loop
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self._wanted = threading.Semaphore()
        self._stopping = False
        self._wake, self._waker = os.pipe()

    async def next(self) -> bytes:
        """Return the next piece; empty at the end."""
        piece = await self._pieces.get()
        self._wanted.release()
        return piece

    def stop(self) -> None:
        """End soon; what it has read is lost."""
        self._stopping = True
        self._wanted.release()
        os.close(self._waker)

    def run(self) -> None:
        """Read until the end of input or `stop`."""
        piece = b" "
        try:
            while piece != _END:
                self._wanted.acquire()
                piece = self._read()
                if self._stopping:
                    return
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)
        finally:
            os.close(self._wake)

    def _read(self) -> bytes:
        waiting = select.poll()
        waiting.register(self._source, select.POLLIN)
        waiting.register(self._wake, select.POLLIN)
        try:
            waiting.poll()
            return _END if self._stopping else os.read(self._source, _PIECE)
        except OSError as err:
            _LOGGER.warning(Event("standard-input-unreadable", reason=err.strerror))
            return _END
