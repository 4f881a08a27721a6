"""Actions on the voices of a running server, each at most once at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..errors import (
    HardenedError,
    JobCancelledError,
    NoSpaceError,
    NotInstalledError,
    StoreError,
    VoiceError,
)
from ..reporting.events import Event, LimitedLog
from ..reporting.issues import Damage, Issue, IssueKind, Issues, Suggestion, damaged, lost
from ..store.damage_mark import NoCopyError
from ..store.origin import OriginKind
from ..store.voice import Voice
from ..system.aio import Notifier, cancel_and_wait
from .installation.installer import Installer
from .installation.progress import Progress, Report
from .installation.sources import Source, custom_source
from .job import Action, FinishedJob, Job, Outcome
from .library import Library

_LOGGER = logging.getLogger(__name__)
_REMEMBERED = 20
_LINES_A_MINUTE = 3  # of each level
_STARTED = {Action.INSTALL: "install-started", Action.REPAIR: "repair-started"}

T = TypeVar("T")


class JobRunner:
    """Runs actions on voices; versions that they commit serve at once.

    An action that is requested again while it waits or runs is joined. Actions on the same voice
    run one after the other.

    Args:
        installer: changes the store.
        library: the voices that serve.
        issues: the open issues.
        notifier: notified of every change of jobs, progress and issues.
        preload: called with each voice that serves from now on.
    """

    def __init__(
        self,
        installer: Installer,
        library: Library,
        issues: Issues,
        notifier: Notifier,
        preload: Callable[[Voice], None],
    ) -> None:
        self.installer = installer
        self.library = library
        self.issues = issues
        self.finished_jobs: deque[FinishedJob] = deque(maxlen=_REMEMBERED)
        """The last finished jobs, the newest last."""
        self.reported_jobs: deque[FinishedJob] = deque(maxlen=_REMEMBERED)
        """The same without failures that concern only their caller."""
        self._notifier = notifier
        # Each file in a watched folder makes a few of these, and nothing limits their number.
        self._log = LimitedLog(_LOGGER, _LINES_A_MINUTE)
        self._preload = preload
        self._queues: dict[str, list[Job[Any]]] = {}
        self._failures: dict[str, tuple[float, HardenedError]] = {}
        self._beginnings: set[asyncio.Task[Any]] = set()

    @property
    def jobs(self) -> Mapping[str, Job[Any]]:
        """The running jobs by voice."""
        return {voice: queue[0] for voice, queue in self._queues.items()}

    def last_failure(self, name: str) -> tuple[float, HardenedError] | None:
        """Return when (monotonic) and why the last installation of a voice failed, if it did."""
        return self._failures.get(name)

    async def begin(self, beginning: Coroutine[Any, Any, T]) -> T:
        """Return the result of what leads to a job; it is done although the caller leaves."""
        task = asyncio.create_task(beginning)
        self._beginnings.add(task)
        task.add_done_callback(self._begun)
        return await asyncio.shield(task)

    def _begun(self, task: asyncio.Task[Any]) -> None:
        self._beginnings.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, for the caller may have left

    async def find_source(self, name: str) -> Source:
        """Return the source of a voice by its name or an alias, which the hub may have by now.

        Raises:
            VoiceNotFoundError: no source has such a voice.
        """
        return await self.installer.sources.search(name)

    async def start_install(self, name: str) -> Job[Voice]:
        """Start to install a voice by its name or an alias; the job fails as `install`.

        Raises:
            VoiceNotFoundError: no source has such a voice.
        """
        return self.add(await self.find_source(name))

    async def install(self, name: str) -> Voice:
        """Install a voice by its name or an alias, from the first source that has it.

        Raises:
            VoiceNotFoundError: no source has such a voice.
            VoiceError: it cannot be had or used, or the disk refuses; nothing has changed.
        """
        return await (await self.start_install(name))

    def add(self, source: Source, *, reports_failure: bool = True) -> Job[Voice]:
        """Start to install a voice from a source; the job fails as `install`.

        Without `reports_failure` a failure opens no issue, as nobody could try again.
        """
        job = Job[Voice](source.voice, Action.INSTALL, source.origin, reports_failure)
        return self._start(job, partial(self.installer.install, source))

    async def import_files(self, model: Path) -> Voice:
        """Install a voice from files in a folder of `Installer.staging`; fails as `install`.

        They are shared, not copied, where the disk allows that.
        """
        source = replace(await asyncio.to_thread(custom_source, model), linked=True)
        return await self.add(source, reports_failure=False)

    def verify(self, name: str) -> Job[tuple[Damage, ...]]:
        """Start to read every byte of the version that should serve; the job gives its damage.

        The job fails with a VoiceError if there is no version.
        """

        async def do(_: Report) -> tuple[Damage, ...]:
            if damage := await self.installer.verify(name):
                self.open_issue(damaged(name, damage))
            return damage

        return self._start(Job(name, Action.VERIFY, reports_failure=False), do)

    def repair(self, name: str) -> Job[Voice]:
        """Start to verify and repair a voice; see `Installer.repair`.

        If the job fails, another version or another voice speaks instead.
        """

        async def do(report: Report) -> Voice:
            try:
                return await self.installer.repair(name, report)
            except VoiceError as err:
                await self._serve_remaining(name, str(err))
                raise

        return self._start(Job(name, Action.REPAIR), do)

    async def cancel(self, name: str) -> None:
        """Cancel the installation of a voice; its job ends with a JobCancelledError.

        Raises:
            NotInstalledError: it is not being installed, or was committed in this moment.
        """
        queue = self._queues.get(name, ())
        job = next((job for job in queue if job.action is Action.INSTALL), None)
        if job is None:
            raise NotInstalledError(f"{name[:80]!r} is not being installed")
        await job.cancel()
        if not job.task.cancelled() and job.task.exception() is None:
            raise NotInstalledError(f"{name[:80]!r} has just been installed")

    async def remove(self, name: str) -> None:
        """Remove a voice; if it is being installed, that is cancelled.

        Raises:
            VoiceError: it is not installed, or the disk refuses.
        """
        if (job := self.jobs.get(name)) is not None and job.action is Action.INSTALL:
            with contextlib.suppress(NotInstalledError):  # too late to cancel it
                await self.cancel(name)
            if not await self.installer.has(name):
                return

        async def do(_: Report) -> None:
            await self.installer.remove(name)
            _LOGGER.info(Event("voice-removed", voice=name))
            self.issues.close(name)
            await self._serve_remaining(name, None)

        await self._start(Job[None](name, Action.REMOVE, reports_failure=False), do)

    async def has(self, name: str) -> bool:
        """Return whether a voice is here, usable or not; waits while it is being removed."""
        if (job := self.jobs.get(name)) is not None and job.action is Action.REMOVE:
            await asyncio.wait({job.task})
        return name in self.library or await self.installer.has(name)

    async def reread(self, name: str) -> None:
        """Serve a version that another process installed, or withdraw what it removed."""
        try:
            voice = await self.installer.read(name)
        except VoiceError:
            if name in self.library:  # and not withdrawn already
                self.library.withdraw(name)
        else:
            if not self.library.serves(voice):
                self._serve(voice)

    def open_issue(self, issue: Issue) -> None:
        """Open an issue, and log it if it is new."""
        if self.issues.open(issue):
            self._log.log(logging.ERROR, Event("issue-opened", issue=issue))
            self._notifier.notify()

    async def close(self) -> None:
        """Cancel all jobs; transactions leave the voices as they were."""
        await cancel_and_wait(*self._beginnings)
        await cancel_and_wait(*(job.task for queue in self._queues.values() for job in queue))

    def _start(self, job: Job[T], do: Callable[[Report], Awaitable[T]]) -> Job[T]:
        """Start a job, or return the same one if it waits or runs."""
        queue = self._queues.setdefault(job.voice, [])
        for other in queue:
            if other.can_be_joined(job):
                return other
        earlier = {other.task for other in queue}
        queue.append(job)
        if job.action is Action.INSTALL:
            self._failures.pop(job.voice, None)
        name = f"{job.action} {job.voice}"
        job.task = asyncio.create_task(self._run(job, earlier, do), name=name)
        job.task.add_done_callback(lambda _: self._finish(job))  # before those who wait go on
        return job

    async def _run(
        self, job: Job[T], earlier: set[asyncio.Task[Any]], do: Callable[[Report], Awaitable[T]]
    ) -> T:
        def report(progress: Progress) -> None:
            job.progress = progress
            self._notifier.notify()

        try:
            if earlier:
                await asyncio.wait(earlier)
            if (started := _STARTED.get(job.action)) is not None:
                self._log.log(logging.INFO, Event(started, voice=job.voice))
            self._notifier.notify()
            result = await do(report)
        except asyncio.CancelledError:
            if not job.cancelled:
                raise
        except HardenedError as err:
            await self._report_failure(job, err)
            raise
        else:
            if isinstance(result, Voice):
                self.issues.close("data_dir", IssueKind.UNWRITABLE)
                self._serve(result)
            return result
        _LOGGER.info(Event("install-cancelled", voice=job.voice))
        error = JobCancelledError(f"the installation of {job.voice} was cancelled")
        if job.reports_failure:
            self._failures[job.voice] = (time.monotonic(), error)
        raise error

    def _finish(self, job: Job[Any]) -> None:
        queue = self._queues[job.voice]
        queue.remove(job)
        if not queue:
            del self._queues[job.voice]
        if (finished := job.finished()) is not None:
            self.finished_jobs.append(finished)
            if job.reports_failure or finished.outcome is not Outcome.FAILED:
                self.reported_jobs.append(finished)
        error = None if job.task.cancelled() else job.task.exception()
        if error is not None and not isinstance(error, HardenedError):
            _LOGGER.error(Event("internal-error", where=job.task.get_name()), exc_info=error)
        self._notifier.notify()

    async def _report_failure(self, job: Job[Any], err: HardenedError) -> None:
        if job.action is Action.INSTALL and job.reports_failure:
            self._failures[job.voice] = (time.monotonic(), err)
        issue = self._issue_of(job, err) if job.reports_failure else None
        if isinstance(err, StoreError) and job.reports_failure:
            issue = await asyncio.to_thread(self.installer.store.check_folder) or issue
        if issue is not None:
            self.open_issue(issue)
            return
        params = {"action": job.action, "code": err.code, "reason": str(err)}
        self._log.log(logging.ERROR, Event("job-failed", voice=job.voice, **params))

    def _issue_of(self, job: Job[Any], err: HardenedError) -> Issue | None:
        """Return the issue that a failed job leaves, if any; not of one that reports none."""
        if isinstance(err, NoSpaceError):
            return Issue.from_error(IssueKind.NO_SPACE, job.voice, err, Suggestion.FREE_SPACE)
        if isinstance(err, NoCopyError):
            self.issues.close(job.voice)  # which is why it could not be loaded, either
            return lost(job.voice, err.damage)
        if job.action is Action.REPAIR:
            return Issue.from_error(IssueKind.DAMAGED, job.voice, err, Suggestion.REPAIR)
        own = job.origin is not None and job.origin.kind is OriginKind.CUSTOM
        if own and not isinstance(err, StoreError):
            return Issue.from_error(IssueKind.REJECTED, job.voice, err, Suggestion.REPLACE_FILE)
        if job.action is Action.INSTALL and job.voice not in self.library:
            return Issue.from_error(IssueKind.MISSING, job.voice, err, Suggestion.INSTALL)
        return None

    def _serve(self, voice: Voice) -> None:
        self.issues.close(voice.name)
        self._failures.pop(voice.name, None)
        if not self.library.serves(voice):
            self.library.replace(voice)
            _LOGGER.info(Event("voice-serving", voice=voice.name, folder=voice.model.parent))
        try:
            self._preload(voice)
        except HardenedError as err:  # no worker can load it at present; a request tries again
            _LOGGER.warning(Event("voice-not-loaded", voice=voice.name, reason=str(err)))

    async def _serve_remaining(self, name: str, reason: str | None) -> None:
        """Serve an older version or the embedded one; without any the voice is withdrawn."""
        try:
            voice = await self.installer.read(name)
        except VoiceError:
            if name in self.library or await self.installer.has(name):
                self.library.withdraw(name, reason)
        else:
            self.library.replace(voice)
