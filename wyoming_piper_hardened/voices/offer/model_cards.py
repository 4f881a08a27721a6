"""Model cards of voices, installed or not."""

from __future__ import annotations

import asyncio

from ...catalogue.current import CurrentCatalogue
from ...catalogue.entry import CatalogueVoice
from ...catalogue.model_card import (
    ModelCard,
    ModelCardUnknownError,
    fetch_card,
    parse_card,
    read_card,
)
from ...errors import VoiceNotFoundError
from ...store.manifest import origin_and_size
from ...store.voice import Voice
from ..installation.sources import hub_origin
from ..library import Library
from .small_files import SmallFiles


class ModelCards:
    """Finds what the maker of a voice says of it.

    Args:
        library: the installed voices.
        catalogue: the voices of the hub.
        files: fetches cards of voices that are not installed.
    """

    def __init__(self, library: Library, catalogue: CurrentCatalogue, files: SmallFiles) -> None:
        self._library = library
        self._catalogue = catalogue
        self._files = files

    async def installed(self, name: str) -> ModelCard | None:
        """Return the card that was installed with a voice; ``None`` if there is none."""
        if name not in self._library:
            return None
        model = self._library.find(name).model
        return await asyncio.to_thread(read_card, model.parent)

    async def find(self, name: str) -> ModelCard:
        """Return the card that was installed with a voice, else that of the hub for these files.

        Raises:
            ModelCardUnknownError: there is none, of these files.
            VoiceNotFoundError: there is no such voice.
            DownloadError: it cannot be had now.
        """
        if (card := await self.installed(name)) is not None:
            return card
        installed = self._library.find(name) if name in self._library else None
        entry = (await asyncio.to_thread(self._catalogue.read)).voices.get(name)
        if entry is None and installed is None:
            raise VoiceNotFoundError(f"there is no voice {name[:80]!r}; look at the list of voices")
        if entry is None or not await asyncio.to_thread(_is_of, entry, installed):
            raise ModelCardUnknownError(f"nothing is known of the maker of {name}")
        if entry.model_card is None:  # no connection is needed to know that
            raise ModelCardUnknownError(f"{name} has no model card in the voice repository")
        key = f"{entry.model_card.path} {entry.model_card.md5}"
        return parse_card(
            await self._files.get(key, lambda hub, revision: fetch_card(hub, entry, revision))
        )


def _is_of(entry: CatalogueVoice, installed: Voice | None) -> bool:
    """Return whether a voice of the hub is the installed one, or none is. Blocks on the disk."""
    return installed is None or origin_and_size(installed.model)[0] == hub_origin(entry)
