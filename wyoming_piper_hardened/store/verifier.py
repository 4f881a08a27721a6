"""Verification of versions in a thread of its own, however slow the disk is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from ..reporting.issues import Damage
from .manifest import find_damage


class _StoppedError(Exception):
    """The caller was cancelled; no OSError, or it would be taken for damage."""


class Verifier:
    """Reads every byte of one version at a time; the threads of the event loop stay free.

    Args:
        check: compares a version with its manifest, as `find_damage`.
    """

    def __init__(self, check: Callable[..., tuple[Damage, ...]] = find_damage) -> None:
        self._check = check
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="verifier")

    async def find_damage(self, version: Path, pause: float = 0.0) -> tuple[Damage, ...]:
        """Compare every byte of a version with its manifest.

        A cancellation ends the reading after the current block.

        Args:
            version: its folder.
            pause: seconds to wait after each block.
        """
        stopped = threading.Event()

        def wait_or_stop() -> None:
            if stopped.wait(pause):
                raise _StoppedError

        check = partial(self._check, version, digests=True, pause=wait_or_stop)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, check)
        finally:
            stopped.set()
