"""Actions on a running server, for the page, the API and commands."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .catalogue.current import CurrentCatalogue
from .config.presets import Preset
from .errors import ManualActionRequiredError, NotInstalledError, VoiceUnavailableError
from .processes.phonemizer import Phonemizer
from .reporting.events import Event
from .reporting.issues import Damage, Issues, Suggestion
from .speech.choices.default_voice import DefaultVoice
from .speech.choices.preset_editor import PresetEditor
from .speech.dictionary.editor import DictionaryEditor
from .speech.synthesizer import Synthesizer
from .speech.text_stream import TextStream
from .speech.voice_resolver import VoiceResolver
from .status.reporter import StatusReporter
from .status.rows import IssueStatus
from .store.own_voices import lost_models, own_files
from .store.voice import Voice, is_voice_name
from .system.aio import Notifier, run_stoppable
from .system.pairing import Pairing
from .voices.installation.installer import Installer
from .voices.job import Job
from .voices.jobs import JobRunner
from .voices.library import Library
from .voices.transfer.bundle import open_bundle
from .voices.transfer.export import Bundle, bundle_of
from .workers.pool import Pool

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Spoken:
    """Outcome of a test speech; times in seconds."""

    voice: str
    audio: float
    first_audio: float | None
    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Acts on a running server.

    Every action on a voice is carried out once although several ask for it, is begun and goes on
    when nobody waits for it any more, and raises a `HardenedError` when it fails.

    Args:
        library: the installed voices.
        jobs: installs, verifies, repairs and removes voices.
        installer: has the staging area for files from outside.
        pool: the workers.
        resolver: chooses who speaks.
        synthesizer: speaks.
        phonemizer: makes phonemes without a voice's model.
        dictionary: the user's own pronunciations.
        default_voice: the voice of requests that name none.
        presets: voices with options of their own, made while the server runs.
        status: has the open issues.
        open_issues: those that may be dismissed.
        catalogue: the voices of the repository, with their older names.
        notifier: notified after every change.
        pairing: the token of Home Assistant's integration.
    """

    library: Library
    jobs: JobRunner
    installer: Installer
    pool: Pool
    resolver: VoiceResolver
    synthesizer: Synthesizer
    phonemizer: Phonemizer
    dictionary: DictionaryEditor
    default_voice: DefaultVoice
    presets: PresetEditor
    status: StatusReporter
    open_issues: Issues
    catalogue: CurrentCatalogue
    notifier: Notifier
    pairing: Pairing

    async def refresh_catalogue(self, *, if_due: bool = False) -> None:
        """Fetch the repository's newest catalogue; with `if_due` at most once a minute.

        Raises:
            DownloadError: the repository cannot be reached, or `offline` forbids it.
            CatalogueError: what it gives is malformed.
        """
        if if_due:
            await self.catalogue.refresh_if_due()
        else:
            await self.catalogue.refresh()
        self.open_issues.close("catalogue")
        self.notifier.notify()

    async def start_install(self, name: str) -> Job[Voice]:
        """Start to install a voice by its name or an alias, or its newest version."""
        return await self.jobs.begin(self.jobs.start_install(name))

    async def cancel(self, name: str) -> None:
        """Cancel an installation that is under way."""
        await self.jobs.cancel(name)

    async def import_files(self, model: Path) -> Voice:
        """Install a voice of the user's own from the files in a folder of `staging`."""
        return await self.jobs.import_files(model)

    async def import_bundle(self, path: Path) -> Voice:
        """Install the voice in a bundle; its files are copied.

        Raises:
            BundleError: it is none, or not as it was exported; nothing has changed.
        """
        return await self.jobs.add(await open_bundle(path), reports_failure=False)

    async def export(self, name: str) -> Bundle:
        """Return the bundle of a voice that can be used.

        Raises:
            NotInstalledError: there is none.
            ExportChangedError: it is damaged.
        """
        return await run_stoppable(partial(bundle_of, self.installer.store, name))

    @contextlib.asynccontextmanager
    async def staging(self, model_bytes: int) -> AsyncIterator[Path]:
        """Provide a folder for the files that are to be imported; gone afterwards.

        Args:
            model_bytes: of the model, or 0 if nobody knows.

        Raises:
            NoSpaceError: a model of that size would not fit.
            StoreError: the disk refuses, now or what is done within the context.
        """
        async with self.installer.staging(model_bytes) as stage:
            yield stage

    def check_room(self) -> None:
        """Raise NoSpaceError when no more may be written to a `staging` folder. Blocks."""
        self.installer.store.check_space()

    async def lost_voices(self) -> Mapping[str, Path]:
        """Return the models of damaged voices of the user's own without a copy, by name."""
        return await asyncio.to_thread(lost_models, self.installer.store)

    async def own_files(self, name: str) -> tuple[Path, ...]:
        """Return the files that are left of a voice of the user's own, the model first.

        Raises:
            NotInstalledError: there is no such voice, or it is not the user's own.
        """
        if is_voice_name(name):
            files = await asyncio.to_thread(own_files, self.installer.store, name)
            if files:
                return files
        raise NotInstalledError(f"there are no files of a voice of your own {name[:80]!r}")

    async def start_verify(self, name: str) -> Job[tuple[Damage, ...]]:
        """Start to read every byte of a voice; the job gives what is damaged."""

        async def start() -> Job[tuple[Damage, ...]]:
            return self.jobs.verify(await self._present(name))

        return await self.jobs.begin(start())

    async def start_repair(self, name: str) -> Job[Voice]:
        """Start to verify a voice and repair what is damaged."""

        async def start() -> Job[Voice]:
            return self.jobs.repair(await self._present(name))

        return await self.jobs.begin(start())

    async def remove(self, name: str) -> None:
        """Remove a voice."""
        await self.jobs.begin(self.jobs.remove(name))

    async def apply(self, issue_id: str) -> Job[Any] | None:
        """Start what an issue suggests; return its job, if it is one on a voice.

        Raises:
            IssueNotFoundError: it is not open (any more).
            ManualActionRequiredError: only a person can do what it suggests.
            HardenedError: it cannot be started.
        """
        issue = self.status.issue(issue_id)
        if not issue.applicable:
            raise ManualActionRequiredError(f"{issue.suggestion or 'this'} needs a person to do it")
        match issue.suggestion:
            case Suggestion.REPAIR:
                return await self.start_repair(issue.subject)
            case Suggestion.INSTALL | Suggestion.UPDATE:
                return await self.start_install(issue.subject)
            case Suggestion.FREE_SPACE if await self.jobs.has(issue.subject):
                return await self.start_repair(issue.subject)
            case Suggestion.FREE_SPACE:
                return await self.start_install(issue.subject)
            case _:
                self.restart_workers()
                return None

    async def dismiss(self, issue_id: str) -> IssueStatus:
        """Close an issue although nothing has been repaired; that of a lost voice for good.

        Raises:
            IssueNotFoundError: it is not open (any more).
            ManualActionRequiredError: it concerns what is needed.
        """
        issue = self.status.issue(issue_id)
        if not issue.dismissible:
            raise ManualActionRequiredError(
                f"{issue_id[:100]} cannot be dismissed; it needs a repair"
            )
        if issue.suggestion is Suggestion.UPLOAD:
            await self.installer.dismiss(issue.subject)
        self.open_issues.dismiss(issue.id)
        self.notifier.notify()
        return issue

    async def set_default_voice(self, name: str | None) -> None:
        """Make a voice or a preset the default, which is loaded at once; ``None``: the setting's.

        Raises:
            HardenedError: see `DefaultVoice.choose`.
        """
        if name is None:
            await self.default_voice.forget()
        else:
            await self.default_voice.choose(name)
        if (voice := self.resolver.speaking) is not None:
            with contextlib.suppress(VoiceUnavailableError):  # then it is tried again later
                self.pool.preload(voice.version, voice.schedule)
        self.notifier.notify()

    async def put_preset(self, preset: Preset, *, create: bool = False) -> None:
        """Make or change a preset; raises as `PresetEditor.put`."""
        await self.presets.put(preset, create=create)
        self.notifier.notify()

    async def remove_preset(self, name: str) -> None:
        """Remove a preset; raises as `PresetEditor.remove`."""
        try:
            await self.presets.remove(name)
        finally:
            self.notifier.notify()

    def restart_workers(self) -> None:
        """Replace every engine process; each goes on until its replacement is ready."""
        _LOGGER.info(Event("workers-restarted"))
        self.pool.restart_all()

    def reset_breaker(self, name: str | None = None) -> None:
        """Close the circuit breaker of a voice, or of all, and try again at once.

        Raises:
            VoiceNotFoundError: there is no such voice.
        """
        self.pool.reset(None if name is None else self.library.find(name).version)

    async def say(self, text: str, voice: str | None = None) -> Spoken:
        """Speak a text and discard the audio: a test speech.

        Raises:
            HardenedError: it cannot be spoken.
        """
        begin = time.monotonic()
        target = await self.resolver.find(voice)
        first: float | None = None

        async def discard(pcm: bytes) -> None:
            nonlocal first
            if first is None and pcm:
                first = time.monotonic() - begin

        samples = await self.synthesizer.speak(target, TextStream.of(text), discard)
        return Spoken(
            voice=target.voice.name,
            audio=samples / target.voice.sample_rate,
            first_audio=first,
            duration=time.monotonic() - begin,
        )

    async def _present(self, name: str) -> str:
        """Return the current name of a voice that is here, usable or not.

        Raises:
            NotInstalledError: there is none of that name or alias.
        """
        if not await self.jobs.has(name):
            named = (entry.name for entry in self.catalogue.read() if name in entry.aliases)
            name = next(named, name)
            if not await self.jobs.has(name):
                raise NotInstalledError(f"there is no voice {name[:80]!r}; install it")
        return name
