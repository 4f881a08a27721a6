"""Voices that may be asked for although they are not installed yet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..catalogue.catalogue import Catalogue
from ..catalogue.current import CurrentCatalogue
from ..catalogue.entry import CatalogueVoice, Quality
from .library import Library

_LANGUAGE_IN_NAME = re.compile(r"([a-z]{2,3}_[A-Z]{2})-")
_PREFERENCE = (Quality.MEDIUM, Quality.LOW, Quality.HIGH, Quality.X_LOW)


class Offer:
    """The voices of the catalogue that are installed by the first request for them.

    Args:
        library: what is installed already, and so not offered.
        catalogue: what the hub has.
        languages: codes (``en_GB``) or families (``en``); those of `names` when there are none.
        names: the voices of the settings; they are offered whatever they speak.
    """

    def __init__(
        self,
        library: Library,
        catalogue: CurrentCatalogue,
        languages: Iterable[str],
        names: Iterable[str],
    ) -> None:
        self._library = library
        self._catalogue = catalogue
        self._names = tuple(names)
        self._languages = tuple(languages) or tuple(
            match[1] for name in self._names if (match := _LANGUAGE_IN_NAME.match(name))
        )
        self._known: Catalogue | None = None
        self._candidates: dict[str, CatalogueVoice] = {}

    def __iter__(self) -> Iterator[CatalogueVoice]:
        """Every voice that could be had, in the catalogue's order."""
        return (v for v in self._all().values() if v.name not in self._library)

    def find(self, name: str) -> CatalogueVoice | None:
        """The voice of that name or alias, if it is offered."""
        candidates = self._all()
        if (voice := candidates.get(name)) is not None:
            return voice
        return next((voice for voice in candidates.values() if name in voice.aliases), None)

    def speaking(self, language: str) -> CatalogueVoice | None:
        """The voice to install for a language, if one is offered: of medium quality if possible."""
        self._all()
        assert self._known is not None
        found = [v for v in self._known.speaking(language) if v.name in self._candidates]
        return min(found, key=lambda voice: _PREFERENCE.index(voice.quality), default=None)

    def _all(self) -> dict[str, CatalogueVoice]:
        catalogue = self._catalogue.read()
        if catalogue is not self._known:
            self._known = catalogue
            found = [v for language in self._languages for v in catalogue.speaking(language)]
            found += [v for name in self._names if (v := catalogue.voices.get(name)) is not None]
            wanted = {voice.name for voice in found}
            self._candidates = {voice.name: voice for voice in catalogue if voice.name in wanted}
        return self._candidates
