"""The newest catalogue that is known here, kept across restarts."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from ..errors import CatalogueError
from ..hub.client import Hub
from ..hub.settings import HubSettings
from ..reporting.events import Event
from .catalogue import Catalogue, bundled, load, refresh, save

_LOGGER = logging.getLogger(__name__)

CATALOGUE_NAME = "catalogue.json"


class CurrentCatalogue:
    """Holds the last good catalogue of the data directory, else the bundled one.

    Reading it never waits for the network.

    Args:
        data_dir: where the last good one is kept.
        hub: where a newer one comes from.
    """

    def __init__(self, data_dir: Path, hub: HubSettings) -> None:
        self.hub = hub
        self._path = data_dir / CATALOGUE_NAME
        self._catalogue: Catalogue | None = None

    def read(self) -> Catalogue:
        """Return the catalogue. Blocks on the disk the first time."""
        if self._catalogue is None:
            self._catalogue = self._load()
        return self._catalogue

    async def refresh(self) -> Catalogue:
        """Fetch the newest catalogue from the hub.

        Raises:
            DownloadError: the hub cannot be reached or does not give it; the old one stays.
            CatalogueError: it is malformed; the old one stays.
        """
        async with Hub(self.hub) as hub:
            catalogue = await refresh(hub)
        await self.adopt(catalogue)
        return catalogue

    async def adopt(self, catalogue: Catalogue) -> None:
        """Make `catalogue` the current one, and keep it if the disk allows."""
        known = self._catalogue
        self._catalogue = catalogue
        if known is not None and known.voices == catalogue.voices:
            return  # memory cards do not last for ever: no needless write
        try:
            await asyncio.to_thread(save, catalogue, self._path)
        except OSError as err:
            _LOGGER.warning(Event("catalogue-not-saved", path=self._path, reason=err.strerror))

    def _load(self) -> Catalogue:
        try:
            return load(self._path)
        except CatalogueError as err:
            if self._path.exists():
                _LOGGER.warning(Event("catalogue-unreadable", reason=str(err)))
            return bundled()
