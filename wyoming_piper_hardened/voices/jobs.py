"""What can be done to the voices of a running server, each action at most once at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from ..aio import cancel_and_wait
from ..catalogue.entry import CatalogueVoice
from ..errors import (
    HardenedError,
    JobCancelledError,
    NoSpaceError,
    NotInstalledError,
    VoiceError,
    VoiceInstallingError,
    VoiceNotFoundError,
)
from ..events import Event
from ..issues import Issue, IssueKind, Issues, Suggestion
from ..store.voice import Voice
from .installer import Installer
from .job import Action, FinishedJob, Job
from .library import Library, find_voice
from .on_demand import Offer
from .progress import Progress, Report
from .sources import Source, custom_source

_LOGGER = logging.getLogger(__name__)

_FAILED_MEMORY = 60.0
"""For so many seconds a request gets the answer of the last attempt to install its voice."""

_REMEMBERED = 20

T = TypeVar("T")


_BEGINNINGS = {
    Action.INSTALL: "%s is being installed",
    Action.REPAIR: "%s is being repaired",
}


class JobRunner:
    """Carries out actions on voices and lets their outcome serve.

    Whoever waits for an action may give up; the action goes on.

    Args:
        installer: does the work.
        library: where new versions are put to serve.
        issues: where trouble is told.
        offer: what is installed on request; ``None`` for nothing.
        install_wait: seconds that a request waits for its voice to be installed.
    """

    def __init__(
        self,
        installer: Installer,
        library: Library,
        issues: Issues,
        *,
        offer: Offer | None = None,
        install_wait: float = 20.0,
    ) -> None:
        self.installer = installer
        self.library = library
        self.issues = issues
        self.offer = offer
        self.jobs: dict[str, Job] = {}
        """By the voice's name."""
        self.finished_jobs: deque[FinishedJob] = deque(maxlen=_REMEMBERED)
        """How the last works ended."""
        self.on_new: Callable[[Voice], None] = lambda _: None
        """Called with every voice that serves from now on."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when `works` or a progress has changed."""
        self._install_wait = install_wait
        self._failed: dict[str, tuple[float, HardenedError]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def install(self, name: str) -> Voice:
        """Install a voice by its name or an alias, from wherever it can be had.

        Raises:
            VoiceNotFoundError: nobody has such a voice.
            VoiceError: it cannot be had or used, or the disk refuses; nothing has changed.
        """
        return await self.add(await asyncio.to_thread(self.installer.sources.find, name))

    async def add(self, source: Source, *, reports_failure: bool = True) -> Voice:
        """Install a voice from a given source; raises as `install`.

        If the source is not `reports_failure`, nobody could try again: a failure leaves no issue.
        """

        async def do(report: Report) -> Voice:
            return self._serve(await self.installer.install(source, report))

        work = Job(source.voice, Action.INSTALL, source.label, reports_failure=reports_failure)
        return await self._work(work, do)

    async def import_files(self, model: Path) -> Voice:
        """Install a voice of the user's own, named by its file; raises as `install`."""
        return await self.add(await asyncio.to_thread(custom_source, model), reports_failure=False)

    async def verify(self, name: str) -> list[str]:
        """Read every byte of the version that should serve; returns what is wrong with it.

        Raises:
            VoiceError: there is none.
        """

        async def do(_: Report) -> list[str]:
            damage = await self.installer.verify(name)
            if damage:
                params = {"damage": tuple(damage)}
                self.tell(Issue(IssueKind.DAMAGED, name, "files", params, Suggestion.REPAIR))
            return damage

        return await self._work(Job(name, Action.VERIFY, reports_failure=False), do)

    async def repair(self, name: str) -> Voice:
        """Verify a voice and mend it; see `Installer.repair`.

        Raises:
            VoiceError: it cannot be mended; another version, or another voice, speaks instead.
        """

        async def do(report: Report) -> Voice:
            try:
                return self._serve(await self.installer.repair(name, report))
            except VoiceError as err:
                await self._serve_what_is_left(name, str(err))
                raise

        return await self._work(Job(name, Action.REPAIR), do)

    async def cancel(self, name: str) -> None:
        """End an installation that is under way; who waits for it gets a JobCancelledError.

        Raises:
            NotInstalledError: it is not being installed, or was committed in this moment.
        """
        work = self.jobs.get(name)
        if work is None or work.action is not Action.INSTALL or work.task is None:
            raise NotInstalledError(f"{name[:80]!r} is not being installed")
        await work.cancel()
        if not work.task.cancelled() and work.task.exception() is None:
            raise NotInstalledError(f"{name[:80]!r} has just been installed")

    async def remove(self, name: str) -> None:
        """Remove a voice; if it is being installed, that is called off.

        Raises:
            VoiceError: it is not installed, or the disk refuses.
        """
        if (work := self.jobs.get(name)) is not None and work.action is Action.INSTALL:
            with contextlib.suppress(NotInstalledError):  # it was too late for that
                await self.cancel(name)
            if name not in await asyncio.to_thread(self.installer.store.names):
                return

        async def do(_: Report) -> None:
            await self.installer.remove(name)
            _LOGGER.info("%s has been removed", name)
            self.issues.dismiss(name)
            await self._serve_what_is_left(name, None)

        await self._work(Job(name, Action.REMOVE, reports_failure=False), do)

    async def has(self, name: str) -> bool:
        """Whether a voice of that name is here, sound or not; waits while it is being removed."""
        if (work := self.jobs.get(name)) is not None and work.action is Action.REMOVE:
            assert work.task is not None
            await asyncio.wait({work.task})
        return name in self.library or name in await asyncio.to_thread(self.installer.store.names)

    async def reread(self, name: str) -> None:
        """Serve what another process has installed, or forget what it has removed."""
        try:
            voice = await asyncio.to_thread(find_voice, self.installer.store, name)
        except VoiceError:
            if name in self.library:  # and not out of order already
                self.library.withdraw(name)
        else:
            if name not in self.library or self.library.find(name) != voice:
                self._serve(voice)

    def offered(self) -> tuple[CatalogueVoice, ...]:
        """The voices that a request may ask for although they are not installed."""
        return tuple(self.offer or ())

    async def obtain(self, name: str | None, language: str | None) -> Voice:
        """The voice of that name, else of that language; installed first if need be.

        Raises:
            VoiceNotFoundError: it is not offered.
            VoiceInstallingError: that takes longer than a request waits; it goes on.
            VoiceError: it cannot be installed.
        """
        entry = None
        if self.offer is not None:
            entry = self.offer.find(name) if name else self.offer.speaking(language or "")
        if entry is None:
            raise VoiceNotFoundError(f"no voice {(name or language or '')[:80]!r} is offered here")
        if entry.name in self.library:
            return self.library.find(entry.name)
        self._check_last_attempt(entry.name)
        task = asyncio.create_task(self._fetch(entry.name))
        task.add_done_callback(self._look_at)
        self._tasks.add(task)
        try:
            async with asyncio.timeout(self._install_wait):
                return await asyncio.shield(task)
        except TimeoutError:
            raise VoiceInstallingError(
                f"{entry.name} is being installed ({self._shown(entry.name)}); ask again in a while"
            ) from None

    async def _fetch(self, name: str) -> Voice:
        source = await asyncio.to_thread(self.installer.sources.find, name)
        self._check_last_attempt(name)  # which may have ended meanwhile
        return await self.add(source)

    def _check_last_attempt(self, name: str) -> None:
        """Raise what it ended with a moment ago: a request alone does not begin another one."""
        when, error = self._failed.get(name, (0.0, None))
        if error is not None and time.monotonic() - when < _FAILED_MEMORY:
            raise error
        if (work := self.jobs.get(name)) is not None and work.cancelled:
            raise _cancelled(name)

    def tell(self, issue: Issue) -> None:
        """Open an issue, and log it if it is new."""
        if self.issues.open(issue):
            _LOGGER.error(Event("issue-opened", issue=issue))
            self.on_change()

    async def close(self) -> None:
        """Cancel what is under way; transactions leave the voices as they were."""
        await cancel_and_wait(*self._tasks)

    async def _work(self, work: Job, do: Callable[[Report], Awaitable[T]]) -> T:
        """Carry out an action, or join the same one if it is under way."""
        while (under_way := self.jobs.get(work.voice)) is not None:
            assert under_way.task is not None
            same = (under_way.action, under_way.label) == (work.action, work.label)
            if same and not under_way.cancelled:
                return cast("T", await asyncio.shield(under_way.task))
            await asyncio.wait({under_way.task})
        self.jobs[work.voice] = work
        if work.action is Action.INSTALL:
            self._failed.pop(work.voice, None)
        name = f"{work.action} {work.voice}"
        work.task = asyncio.create_task(self._carry_out(work, do), name=name)
        work.task.add_done_callback(lambda _: self._ended(work))  # before whoever waits goes on
        work.task.add_done_callback(self._look_at)
        self._tasks.add(work.task)
        return cast("T", await asyncio.shield(work.task))

    def _ended(self, work: Job) -> None:
        del self.jobs[work.voice]
        if (ended := work.ended()) is not None:
            self.finished_jobs.append(ended)
        self.on_change()

    async def _carry_out(self, work: Job, do: Callable[[Report], Awaitable[T]]) -> T:
        def report(progress: Progress) -> None:
            work.progress = progress
            self.on_change()

        if (begins := _BEGINNINGS.get(work.action)) is not None:
            _LOGGER.info(begins, work.voice)
        self.on_change()
        try:
            return await do(report)
        except asyncio.CancelledError:
            if not work.cancelled:
                raise
        except HardenedError as err:
            self._tell_failure(work, err)
            raise
        _LOGGER.info("the installation of %s has been called off", work.voice)
        if work.reports_failure:
            self._failed[work.voice] = (time.monotonic(), _cancelled(work.voice))
        raise _cancelled(work.voice)

    def _tell_failure(self, work: Job, err: HardenedError) -> None:
        failed = Event(
            "job-failed", voice=work.voice, action=work.action, code=err.code, reason=str(err)
        )
        if work.action is Action.INSTALL and work.reports_failure:
            self._failed[work.voice] = (time.monotonic(), err)
        if not work.reports_failure:
            _LOGGER.error(failed)
        elif isinstance(err, NoSpaceError):
            suggestion = Suggestion.FREE_SPACE
            self.tell(Issue.from_error(IssueKind.NO_SPACE, work.voice, err, suggestion))
        elif work.action is Action.REPAIR:
            self.tell(Issue.from_error(IssueKind.DAMAGED, work.voice, err, Suggestion.REPAIR))
        elif work.action is Action.INSTALL and work.voice not in self.library:
            self.tell(Issue.from_error(IssueKind.MISSING, work.voice, err, Suggestion.INSTALL))
        else:
            _LOGGER.error(failed)

    def _serve(self, voice: Voice) -> Voice:
        self.issues.dismiss(voice.name)
        self._failed.pop(voice.name, None)
        if voice.name not in self.library or self.library.find(voice.name) != voice:
            self.library.replace(voice)
            _LOGGER.info("%s speaks from %s", voice.name, voice.model.parent)
        try:
            self.on_new(voice)
        except HardenedError as err:  # no worker can load it at present; it is tried on demand
            _LOGGER.warning("%s is not loaded yet: %s", voice.name, err)
        return voice

    async def _serve_what_is_left(self, name: str, reason: str | None) -> None:
        """Fall back to an older version or to the embedded one, else let another voice speak."""
        try:
            voice = await asyncio.to_thread(find_voice, self.installer.store, name)
        except VoiceError:
            if name in self.library or name in await asyncio.to_thread(self.installer.store.names):
                self.library.withdraw(name, reason)
        else:
            self.library.replace(voice)

    def _shown(self, name: str) -> str:
        progress = self.jobs[name].progress if name in self.jobs else Progress()
        if progress.total:
            return f"{progress.step}, {progress.done * 100 // progress.total} %"
        return progress.step

    def _look_at(self, task: asyncio.Task[Any]) -> None:
        """Take note of how a task ended, for nobody may wait for it any more."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, HardenedError):
            told = "%s: unexpected error; please report this"
            _LOGGER.error(told, task.get_name(), exc_info=error)


def _cancelled(voice: str) -> JobCancelledError:
    return JobCancelledError(f"the installation of {voice} was called off")
