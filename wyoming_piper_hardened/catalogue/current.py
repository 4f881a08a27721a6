"""The newest catalogue that is known here, kept across restarts."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from ..errors import CatalogueError
from ..hub.client import Hub
from ..hub.settings import HubSettings
from .catalogue import Catalogue, bundled, load, refresh, save

_LOGGER = logging.getLogger(__name__)

CATALOGUE_NAME = "catalogue.json"


class CurrentCatalogue:
    """Starts as the last good catalogue of the data directory, else as the bundled one.

    Looking at it never waits for the network.

    Args:
        data_dir: where the last good one is kept.
        hub: where a newer one can be had.
    """

    def __init__(self, data_dir: Path, hub: HubSettings) -> None:
        self.hub = hub
        self._path = data_dir / CATALOGUE_NAME
        self._catalogue: Catalogue | None = None

    def read(self) -> Catalogue:
        """The catalogue. Blocks on the disk when it is asked for the first time."""
        if self._catalogue is None:
            self._catalogue = self._load()
        return self._catalogue

    async def refresh(self) -> Catalogue:
        """Ask the hub for its newest one.

        Raises:
            DownloadError: the hub cannot be reached or does not give it; the old one stays.
            CatalogueError: what came is not to be believed; the old one stays.
        """
        async with Hub(self.hub) as hub:
            catalogue = await refresh(hub)
        await self.adopt(catalogue)
        return catalogue

    async def adopt(self, catalogue: Catalogue) -> None:
        """Let `catalogue` be the current one, and keep it if the disk allows."""
        known = self._catalogue
        self._catalogue = catalogue
        if known is not None and known.voices == catalogue.voices:
            return  # a card that wears is not written for nothing
        try:
            await asyncio.to_thread(save, catalogue, self._path)
        except OSError as err:
            _LOGGER.warning("cannot keep the catalogue in %s: %s", self._path, err.strerror)

    def _load(self) -> Catalogue:
        try:
            return load(self._path)
        except CatalogueError as err:
            if self._path.exists():
                _LOGGER.warning("%s; the bundled one is used", err)
            return bundled()
