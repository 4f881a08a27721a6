"""Small files of the voice repository that people look at or listen to, kept in memory."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ...catalogue.current import CurrentCatalogue
from ...hub.connection import connected
from ...hub.errors import DownloadInterruptedError
from ...hub.retry import RetryPolicy
from ...system.aio import cancel_and_wait

if TYPE_CHECKING:
    from ...hub.client import Hub

Fetch = Callable[["Hub", str], Awaitable[bytes]]
"""Fetches and checks a file at a revision of the hub."""

_QUICK = RetryPolicy(retries=1)  # somebody waits


class SmallFiles:
    """Fetches small files, each once at a time although several ask for it, and keeps the last.

    Args:
        catalogue: the voices of the hub, and its settings.
        room: bytes of all files that are kept.
        timeout: seconds that a file may take.
        at_once: files that are fetched at the same time.
    """

    def __init__(
        self,
        catalogue: CurrentCatalogue,
        room: int = 8 << 20,
        timeout: float = 60.0,
        at_once: int = 4,
    ) -> None:
        self._catalogue = catalogue
        self._room = room
        self._timeout = timeout
        self._slots = asyncio.Semaphore(at_once)
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._fetches: dict[str, asyncio.Task[bytes]] = {}

    async def get(self, key: str, fetch: Fetch) -> bytes:
        """Return the file of a key; whoever asks meanwhile gets the same, or the same error.

        Raises:
            DownloadError: it cannot be had, or `offline` forbids it.
            VoiceError: what `fetch` raises.
        """
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return kept
        if (task := self._fetches.get(key)) is None:
            task = self._fetches[key] = asyncio.create_task(self._fetch(fetch))
            task.add_done_callback(lambda done: self._finish(key, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Cancel what is being fetched."""
        await cancel_and_wait(*self._fetches.values())

    async def _fetch(self, fetch: Fetch) -> bytes:
        catalogue = await asyncio.to_thread(self._catalogue.read)
        settings = self._catalogue.hub
        of_this_hub = catalogue.source == settings.endpoint and catalogue.commit is not None
        revision = catalogue.commit if of_this_hub else settings.revision
        assert revision is not None
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._slots,
                connected(settings, retry=_QUICK) as hub,
            ):
                return await fetch(hub, revision)
        except TimeoutError:
            raise DownloadInterruptedError(
                f"the voice repository did not send it within {self._timeout:.0f} s; try later"
            ) from None

    def _finish(self, key: str, task: asyncio.Task[bytes]) -> None:
        del self._fetches[key]
        if task.cancelled() or task.exception() is not None:
            return
        self._kept[key] = task.result()
        while sum(map(len, self._kept.values())) > self._room:
            self._kept.popitem(last=False)
