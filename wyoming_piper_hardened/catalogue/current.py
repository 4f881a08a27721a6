"""The newest catalogue that is known here, kept across restarts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from ..errors import CatalogueError, VoiceError, VoiceNotFoundError, VoiceUnconfirmedError
from ..hub.connection import connected
from ..hub.errors import HubUnreachableError, OfflineError
from ..hub.retry import RetryPolicy
from ..hub.settings import HubSettings
from ..reporting.events import Event
from .catalogue import Catalogue, bundled, load, refresh, save
from .entry import CatalogueVoice
from .parser import is_plausible_name

_LOGGER = logging.getLogger(__name__)

CATALOGUE_NAME = "catalogue.json"

_QUICK = RetryPolicy(retries=1)  # somebody waits, and the name is probably wrong


class CurrentCatalogue:
    """Holds the last good catalogue of the data directory, else the bundled one.

    Reading it never waits for the network.

    Args:
        data_dir: where the last good one is kept.
        hub: where a newer one comes from.
        interval: seconds in which the hub is asked at most once because of unknown names.
        clock: seconds of a monotonic clock.
    """

    def __init__(
        self,
        data_dir: Path,
        hub: HubSettings,
        interval: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.hub = hub
        self.fetched_at: float | None = None
        """When it was fetched from the hub, since the epoch; ``None`` for the bundled one."""
        self._path = data_dir / CATALOGUE_NAME
        self._interval = interval
        self._clock = clock
        self._catalogue: Catalogue | None = None
        self._asking = asyncio.Lock()
        self._asked: float | None = None
        self._refusal: VoiceError | None = None

    def read(self) -> Catalogue:
        """Return the catalogue. Blocks on the disk the first time."""
        if self._catalogue is None:
            self._catalogue = self._load()
        return self._catalogue

    async def find(self, name: str, wait: float | None = None) -> CatalogueVoice:
        """Return the voice of that name or alias; ask the hub before there is none.

        The hub is asked at most once a minute, and for `wait` seconds if that is given.

        Raises:
            VoiceNotFoundError: there is none; names similar ones.
            VoiceUnconfirmedError: none is known, and the hub could not be asked.
        """
        try:
            return (await asyncio.to_thread(self.read)).find(name)
        except VoiceNotFoundError as err:
            if not is_plausible_name(name):
                raise
            unknown = str(err)
        try:
            async with asyncio.timeout(wait):
                await self.refresh_if_due()
        except OfflineError as err:
            raise VoiceNotFoundError(f"{unknown}; {err}") from None
        except VoiceError as err:
            raise VoiceUnconfirmedError(f"{unknown}; newer ones are not known: {err}") from None
        except TimeoutError:
            raise VoiceUnconfirmedError(
                f"{unknown}; newer ones are not known: the voice repository has not answered yet"
            ) from None
        return self.read().find(name)

    async def refresh(self) -> Catalogue:
        """Fetch the newest catalogue from the hub; who asks meanwhile gets the same.

        Raises:
            DownloadError: the hub cannot be reached or does not give it; the old one stays.
            CatalogueError: it is malformed; the old one stays.
        """
        return await self._refresh(self._clock(), RetryPolicy())

    async def refresh_if_due(self) -> None:
        """Fetch the newest catalogue, unless the hub was asked within the last minute.

        Raises:
            DownloadError: the hub does not give it now, or did not when it was asked last.
            CatalogueError: likewise, because it is malformed.
        """
        await self._refresh(self._clock() - self._interval, _QUICK)

    async def adopt(self, catalogue: Catalogue) -> None:
        """Make `catalogue` the current one, and keep it if the disk allows."""
        known = self._catalogue
        self._catalogue, self.fetched_at = catalogue, time.time()
        self._asked, self._refusal = self._clock(), None
        unchanged = known is not None and known.voices == catalogue.voices
        try:
            await asyncio.to_thread(self._keep, catalogue, unchanged=unchanged)
        except OSError as err:
            _LOGGER.warning(Event("catalogue-not-saved", path=self._path, reason=err.strerror))

    async def _refresh(self, since: float, retry: RetryPolicy) -> Catalogue:
        """Fetch the newest catalogue unless that was done, or tried, after `since`."""
        if self.hub.offline:
            raise OfflineError(
                "the voice repository is not asked: `offline` (HF_HUB_OFFLINE) is switched on"
            )
        async with self._asking:
            if self._asked is None or self._asked < since:
                await self._fetch(retry)
            if self._refusal is not None:
                raise self._refusal.with_traceback(None)
            return await asyncio.to_thread(self.read)

    async def _fetch(self, retry: RetryPolicy) -> None:
        self._refusal = HubUnreachableError("the voice repository has not answered in time")
        try:
            async with connected(self.hub, retry=retry) as hub:
                await self.adopt(await refresh(hub, known=self._catalogue))
        except VoiceError as err:
            self._refusal = err
        finally:  # also when nobody waits for it any more
            self._asked = self._clock()

    def _keep(self, catalogue: Catalogue, *, unchanged: bool) -> None:
        if unchanged and self._path.exists():
            os.utime(self._path)  # memory cards do not last for ever: no needless write
        else:
            save(catalogue, self._path)

    def _load(self) -> Catalogue:
        try:
            catalogue = load(self._path)
        except CatalogueError as err:
            if self._path.exists():
                _LOGGER.warning(Event("catalogue-unreadable", reason=str(err)))
            return bundled()
        with contextlib.suppress(OSError):
            self.fetched_at = self._path.stat().st_mtime
        return catalogue
