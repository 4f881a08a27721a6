"""Reads every byte of versions without holding up anything else, however slow the disk is."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from .manifest import find_damage


class _StoppedError(Exception):
    """Nobody waits any more; no error of the disk, or it would be taken for damage."""


class Reader:
    """One version at a time, in a thread of its own: those of everybody else stay free."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reader")

    async def find_damage(self, version: Path, pause: float = 0.0) -> list[str]:
        """What is wrong with any byte of a version; empty when nothing is.

        Who is cancelled ends the reading after the block under way.

        Args:
            version: its folder.
            pause: seconds after each block, for who has time.
        """
        stopped = threading.Event()

        def go_on() -> None:
            if stopped.wait(pause):
                raise _StoppedError

        read = partial(find_damage, version, digests=True, pause=go_on)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, read)
        finally:
            stopped.set()
