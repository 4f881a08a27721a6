"""Voices that are installed by the first request for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from ..catalogue.catalogue import Catalogue
from ..catalogue.current import CurrentCatalogue
from ..catalogue.entry import CatalogueVoice, Quality
from ..errors import JobCancelledError, VoiceInstallingError, VoiceNotFoundError
from ..store.voice import Voice
from ..text.language_codes import of_voice_name
from .installation.progress import Progress
from .jobs import JobRunner
from .library import Library

_PREFERENCE = (Quality.MEDIUM, Quality.LOW, Quality.HIGH, Quality.X_LOW)


class OnDemand:
    """Offers voices of the catalogue, and installs them for requests.

    Args:
        jobs: installs.
        library: the installed voices, which are not offered.
        catalogue: the voices of the hub.
        languages: codes (``en_GB``) or families (``en``); those of `names` if there are none.
        names: the voices of the settings; they are offered whatever they speak.
        enabled: if not, nothing is offered.
        install_wait: seconds that a request waits for its voice to be installed.
        failure_memory: seconds in which requests do not repeat a failed installation.
    """

    def __init__(
        self,
        jobs: JobRunner,
        library: Library,
        catalogue: CurrentCatalogue,
        *,
        languages: Iterable[str] = (),
        names: Iterable[str] = (),
        enabled: bool = True,
        install_wait: float = 20.0,
        failure_memory: float = 60.0,
    ) -> None:
        self._jobs = jobs
        self._library = library
        self._catalogue = catalogue
        self._names = tuple(names)
        self._languages = tuple(languages) or tuple(
            language for name in self._names if (language := of_voice_name(name)) is not None
        )
        self._enabled = enabled
        self._install_wait = install_wait
        self._failure_memory = failure_memory
        self._known: Catalogue | None = None
        self._candidates: dict[str, CatalogueVoice] = {}

    def offered(self) -> tuple[CatalogueVoice, ...]:
        """Return the offered voices that are not installed, in the catalogue's order."""
        return tuple(v for v in self._all().values() if v.name not in self._library)

    async def obtain(self, name: str | None, language: str | None) -> Voice:
        """Return the voice of that name, else of that language, after installing it if need be.

        Raises:
            VoiceNotFoundError: it is not offered.
            VoiceInstallingError: the installation takes longer than a request waits; it goes on.
            VoiceError: it cannot be installed.
        """
        entry = self._named(name) if name else self._speaking(language or "")
        if entry is None:
            raise VoiceNotFoundError(f"no voice {(name or language or '')[:80]!r} is offered here")
        if entry.name in self._library:
            return self._library.find(entry.name)
        self._check_last_attempt(entry.name)
        source = await self._jobs.find_source(entry.name)
        self._check_last_attempt(entry.name)  # which may have ended meanwhile
        job = self._jobs.add(source)
        try:
            async with asyncio.timeout(self._install_wait):
                return await job
        except TimeoutError:
            shown = _shown(job.progress)
            raise VoiceInstallingError(
                f"{entry.name} is being installed ({shown}); ask again in a while"
            ) from None

    def _check_last_attempt(self, name: str) -> None:
        """Raise the error of a recent attempt: a request alone does not begin another one."""
        failure = self._jobs.last_failure(name)
        if failure is not None and time.monotonic() - failure[0] < self._failure_memory:
            raise failure[1]
        if (job := self._jobs.jobs.get(name)) is not None and job.cancelled:
            raise JobCancelledError(f"the installation of {name} was cancelled")

    def _named(self, name: str) -> CatalogueVoice | None:
        """Return the offered voice of that name or alias."""
        candidates = self._all()
        if (voice := candidates.get(name)) is not None:
            return voice
        return next((voice for voice in candidates.values() if name in voice.aliases), None)

    def _speaking(self, language: str) -> CatalogueVoice | None:
        """Return the offered voice of a language, of medium quality if possible."""
        candidates = self._all()
        known = () if self._known is None else self._known.speaking(language)
        found = [voice for voice in known if voice.name in candidates]
        return min(found, key=lambda voice: _PREFERENCE.index(voice.quality), default=None)

    def _all(self) -> dict[str, CatalogueVoice]:
        """Return the voices of the languages and the names, installed or not."""
        if not self._enabled:
            return {}
        catalogue = self._catalogue.read()
        if catalogue is not self._known:
            self._known = catalogue
            found = [v for language in self._languages for v in catalogue.speaking(language)]
            found += [v for name in self._names if (v := catalogue.voices.get(name)) is not None]
            wanted = {voice.name for voice in found}
            self._candidates = {voice.name: voice for voice in catalogue if voice.name in wanted}
        return self._candidates


def _shown(progress: Progress) -> str:
    if progress.total:
        return f"{progress.step}, {progress.done * 100 // progress.total} %"
    return progress.step
