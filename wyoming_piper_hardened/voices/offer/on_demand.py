"""Voices that are installed by the first request for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from ...catalogue.catalogue import Catalogue
from ...catalogue.current import CurrentCatalogue
from ...catalogue.entry import CatalogueVoice, Quality
from ...engine.configuration.reading import language_of_name
from ...errors import (
    JobCancelledError,
    VoiceInstallingError,
    VoiceUnconfirmedError,
    VoiceUnusableError,
)
from ...store.voice import Voice
from ..installation.progress import Progress
from ..job import Job
from ..jobs import JobRunner
from ..library import Library
from .absence import OfferPolicy, language_not_offered, not_offered

_PREFERENCE = (Quality.MEDIUM, Quality.LOW, Quality.HIGH, Quality.X_LOW)


class OnDemand:
    """Offers voices of the catalogue, and installs them for requests.

    A voice that cannot speak here is not offered: one that is known to need what is not here, or
    whose files, as the catalogue has them, have turned out to be of no use.

    Args:
        jobs: installs.
        library: the installed voices, which are not offered.
        catalogue: the voices of the hub.
        languages: codes (``en_GB``) or families (``en``); those of `names` if there are none.
        names: the voices of the settings; they are offered whatever they speak.
        policy: whether anything is offered.
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
        policy: OfferPolicy | None = None,
        install_wait: float = 20.0,
        failure_memory: float = 60.0,
    ) -> None:
        self._jobs = jobs
        self._library = library
        self._catalogue = catalogue
        self._names = tuple(names)
        self._languages = tuple(languages) or tuple(
            language for name in self._names if (language := language_of_name(name)) is not None
        )
        self._policy = policy or OfferPolicy()
        self._install_wait = install_wait
        self._failure_memory = failure_memory
        self._known: Catalogue | None = None
        self._candidates: dict[str, CatalogueVoice] = {}
        self._useless: dict[str, tuple[float, CatalogueVoice]] = {}

    def offered(self) -> tuple[CatalogueVoice, ...]:
        """Return the offered voices that are not installed, in the catalogue's order."""
        return tuple(
            voice
            for voice in self._all().values()
            if voice.name not in self._library and self._uselessness(voice) is None
        )

    async def obtain(self, name: str | None, language: str | None) -> Voice:
        """Return the voice of that name, else of that language, after installing it if need be.

        If a voice of the language turns out to be of no use, the next one is taken.

        Raises:
            VoiceNotFoundError: it is not offered, not even by the hub's newest catalogue; says what
                makes it speak, if anything does.
            VoiceInstallingError: the installation takes longer than a request waits; it goes on.
            VoiceError: it cannot be installed.
        """
        entries: tuple[CatalogueVoice, ...]
        if name:
            entries = (self._named(name) or await self._newly_named(name),)
        else:
            entries = self._speaking(language or "")
        deadline = asyncio.get_running_loop().time() + self._install_wait
        useless: list[VoiceUnusableError] = []
        for entry in entries:
            try:
                return await self._obtain(entry, deadline)
            except VoiceUnusableError as err:
                useless.append(err)
        raise useless[0]

    async def _obtain(self, entry: CatalogueVoice, deadline: float) -> Voice:
        """Install a voice; `deadline` is by the event loop's clock."""
        if entry.name in self._library:
            return self._library.find(entry.name)
        self._check_last_attempt(entry)
        job = await self._jobs.begin(self._start(entry))
        try:
            async with asyncio.timeout_at(deadline):
                return await job
        except TimeoutError:
            shown = _shown(job.progress)
            raise VoiceInstallingError(
                f"{entry.name} is being installed ({shown}); ask again in a while"
            ) from None

    async def _start(self, entry: CatalogueVoice) -> Job[Voice]:
        source = await self._jobs.find_source(entry.name)
        self._check_last_attempt(entry)  # which may have ended meanwhile
        return self._jobs.add(source)

    def _check_last_attempt(self, entry: CatalogueVoice) -> None:
        """Raise the error of a recent attempt: a request alone does not begin another one."""
        if (error := self._uselessness(entry)) is not None:
            raise error
        name = entry.name
        failure = self._jobs.last_failure(name)
        if failure is not None and time.monotonic() - failure[0] < self._failure_memory:
            raise failure[1]
        if (job := self._jobs.jobs.get(name)) is not None and job.cancelled:
            raise JobCancelledError(f"the installation of {name} was cancelled")

    def _uselessness(self, entry: CatalogueVoice) -> VoiceUnusableError | None:
        """Return why the files of a voice, as the catalogue has them, are of no use, if so."""
        if (failure := self._jobs.last_failure(entry.name)) is None:
            return None
        at, error = failure
        if not isinstance(error, VoiceUnusableError):
            return None
        known = self._useless.get(entry.name)
        if known is None or known[0] != at:
            known = self._useless[entry.name] = (at, entry)
        return error if known[1] == entry else None

    async def _newly_named(self, name: str) -> CatalogueVoice:
        """Return the voice of a name that is not offered so far, after asking the hub for it.

        Raises:
            VoiceNotFoundError: it is not offered.
        """
        refusal = None
        if self._policy.allows:
            try:
                await self._catalogue.find(name, self._install_wait)
            except VoiceUnconfirmedError as err:
                refusal = err
        if (entry := self._named(name)) is not None:
            return entry
        installed = (voice.name for voice in self._library)
        raise refusal or not_offered(name, self._catalogue.read(), installed, self._policy)

    def _named(self, name: str) -> CatalogueVoice | None:
        """Return the offered voice of that name or alias."""
        candidates = self._all()
        if (voice := candidates.get(name)) is not None:
            return voice
        return next((voice for voice in candidates.values() if name in voice.aliases), None)

    def _speaking(self, language: str) -> tuple[CatalogueVoice, ...]:
        """Return the candidates of a language, at least one, those of medium quality first.

        Raises:
            VoiceNotFoundError: none is offered.
        """
        candidates, known = self._all(), self._catalogue.read()
        found = [voice for voice in known.speaking(language) if voice.name in candidates]
        if not found:
            installed = (voice.language for voice in self._library)
            raise language_not_offered(language, known, installed, self._policy)
        return tuple(sorted(found, key=lambda voice: _PREFERENCE.index(voice.quality)))

    def _all(self) -> dict[str, CatalogueVoice]:
        """Return the voices of the languages and the names, installed or not."""
        if not self._policy.allows:
            return {}
        catalogue = self._catalogue.read()
        if catalogue is not self._known:
            self._known = catalogue
            found = [v for language in self._languages for v in catalogue.speaking(language)]
            found += [v for name in self._names if (v := catalogue.voices.get(name)) is not None]
            wanted = {voice.name for voice in found}
            self._candidates = {v.name: v for v in catalogue.speakable if v.name in wanted}
        return self._candidates


def _shown(progress: Progress) -> str:
    if progress.total:
        return f"{progress.step}, {progress.done * 100 // progress.total} %"
    return progress.step
