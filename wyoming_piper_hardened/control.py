"""What may be asked of a running server, whoever asks: a page, an API call, a command."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from . import __version__
from .aio import Notifier
from .catalogue.entry import CatalogueVoice
from .errors import IssueNotFoundError, ManualActionRequiredError, NotInstalledError
from .issues import Damage, Issue, IssueKind, Suggestion
from .recent_log import LogEntry, RecentLog
from .speech.synthesizer import RequestRecord, Synthesizer
from .store.voice import Voice
from .voices.job import Action, FinishedJob, Job
from .voices.jobs import JobRunner
from .voices.progress import Progress
from .workers.pool import PoolStatus
from .workers.worker import WorkerState

_LOGGER = logging.getLogger(__name__)
_REMEMBERED = 50

_APPLICABLE = frozenset(
    {Suggestion.REPAIR, Suggestion.INSTALL, Suggestion.UPDATE, Suggestion.RESTART_WORKERS}
    | {Suggestion.FREE_SPACE}
)
"""What can be carried out, or tried again when a person has done the rest; anything else only a
person can do."""

_DISMISSIBLE = frozenset(
    {IssueKind.MISSING, IssueKind.NO_SPACE, IssueKind.REJECTED, IssueKind.UNREACHABLE}
    | {IssueKind.STALE, IssueKind.UNPREPARED, IssueKind.OPTION}
)
"""What may be left as it is, unless it concerns a voice of the settings; told anew if it comes
up again."""


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """How a command went that came from outside; never what was to be said."""

    at: float
    """When it ended, since the epoch."""
    command: str
    """Its name, and its voice if it had one."""
    outcome: str
    """``ok``, or the code of its error."""
    message: str
    duration: float
    """In seconds."""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What is being done to a voice."""

    voice: str
    action: Action
    progress: Progress


@dataclass(frozen=True, slots=True)
class Status:
    """Everything worth knowing at one moment. Times in seconds; `started_at` since the epoch."""

    version: str
    started_at: float
    uptime: float
    ready: bool
    """Whether the default voice can speak."""
    voice: str
    """The configured default."""
    speaks: str | None
    """The voice that speaks for it at present."""
    pool: PoolStatus
    jobs: tuple[JobStatus, ...]
    finished_jobs: tuple[FinishedJob, ...]
    issues: tuple[Issue, ...]
    requests: tuple[RequestRecord, ...]
    commands: tuple[CommandRecord, ...]
    recent_log: tuple[LogEntry, ...]


@dataclass(frozen=True, slots=True)
class Spoken:
    """How a trial went, in seconds."""

    voice: str
    audio: float
    first_audio: float | None
    duration: float


class Operations:
    """Looks at a running server and acts on it.

    Every action on a voice is carried out once although several ask for it, goes on when nobody
    waits for it any more, and raises a `HardenedError` that says what to do when it fails.

    Args:
        synthesizer: speaks.
        job_runner: acts on voices.
        recent_log: the last lines of the log.
        notifier: notified when `status` has changed.
        wanted: the voices of the settings.
        repaired_on_start: set as soon as everything that the settings want repaired when the
            server starts has been repaired.
    """

    def __init__(
        self,
        synthesizer: Synthesizer,
        job_runner: JobRunner,
        recent_log: RecentLog,
        repaired_on_start: asyncio.Event,
        *,
        notifier: Notifier,
        wanted: tuple[str, ...] = (),
    ) -> None:
        self.synthesizer = synthesizer
        self.repaired_on_start = repaired_on_start
        self.changes = notifier
        """Tells that `status` has changed."""
        self._job_runner = job_runner
        self._recent_log = recent_log
        self._wanted = frozenset(wanted)
        self._commands: deque[CommandRecord] = deque(maxlen=_REMEMBERED)
        self._started = time.monotonic()
        self._started_at = time.time()
        synthesizer.on_change = self.changes.notify
        synthesizer.pool.on_change = self.changes.notify

    @property
    def voices(self) -> tuple[Voice, ...]:
        """What is installed, the default voice first."""
        return tuple(self.synthesizer.library)

    @property
    def catalogue(self) -> tuple[CatalogueVoice, ...]:
        """What the hub has, as far as known."""
        return tuple(self._job_runner.installer.sources.catalogue.read())

    @property
    def ready(self) -> bool:
        """Whether the voice of requests that name none can speak."""
        pool = self.synthesizer.pool
        voice = next(iter(self.synthesizer.library), None)
        return (
            voice is not None
            and any(worker.state is WorkerState.RUNNING for worker in pool.workers)
            and not pool.failure_policy.is_open(str(voice.model))
        )

    def status(self) -> Status:
        """How it stands."""
        speaking = next(iter(self.synthesizer.library), None)
        return Status(
            version=__version__,
            started_at=self._started_at,
            uptime=time.monotonic() - self._started,
            ready=self.ready,
            voice=self.synthesizer.library.wanted,
            speaks=speaking.name if speaking else None,
            pool=self.synthesizer.pool.status(),
            jobs=self.jobs(),
            finished_jobs=tuple(self._job_runner.finished_jobs),
            issues=self.issues(),
            requests=tuple(self.synthesizer.records),
            commands=tuple(self._commands),
            recent_log=tuple(self._recent_log),
        )

    def jobs(self) -> tuple[JobStatus, ...]:
        """What is being done to voices."""
        works = self._job_runner.jobs.values()
        return tuple(JobStatus(work.voice, work.action, work.progress) for work in works)

    def issues(self) -> tuple[Issue, ...]:
        """What is wrong, and what would mend it."""
        found = list(self._job_runner.issues)
        failing = self.synthesizer.pool.failure_policy.breakers.open_ones()
        found.extend(
            Issue(
                IssueKind.FAILING,
                voice.name,
                "voice",
                {"failure": failing[str(voice.model)]},
                Suggestion.REPAIR,
            )
            for voice in self.voices  # what has been removed fails no more
            if str(voice.model) in failing
        )
        if (wrong := self.synthesizer.wrong_speaker()) is not None:
            suggestion = Suggestion.CHANGE_OPTION
            found.append(Issue.from_error(IssueKind.OPTION, "speaker", wrong, suggestion))
        for worker in self.synthesizer.pool.workers:
            if worker.state is WorkerState.FATAL:
                subject, reason = f"worker {worker.name}", worker.last_failure or "it cannot start"
                params = {"worker": worker.name, "failure": reason}
                found.append(
                    Issue(IssueKind.FAILING, subject, "worker", params, Suggestion.RESTART_WORKERS)
                )
        return tuple(found)

    def tell(self, issue: Issue) -> None:
        """Open an issue that was found elsewhere, such as a wrong option."""
        self._job_runner.open_issue(issue)

    def record(self, command: CommandRecord) -> None:
        """Remember how a command went; the last ones are part of `status`."""
        self._commands.append(command)
        self.changes.notify()

    async def start_install(self, name: str) -> Job[Voice]:
        """Start to install a voice by its name or an alias, or its newest version."""
        return await self._job_runner.start_install(name)

    async def install(self, name: str) -> Voice:
        """Install a voice from wherever it can be had, or its newest version."""
        return await self._job_runner.install(name)

    async def cancel(self, name: str) -> None:
        """End an installation that is under way."""
        await self._job_runner.cancel(name)

    async def import_files(self, model: Path) -> Voice:
        """Install a voice of the user's own from a model with its configuration beside it."""
        return await self._job_runner.import_files(model)

    @contextlib.asynccontextmanager
    async def staging(self, model_bytes: int) -> AsyncIterator[Path]:
        """A folder for the files of a voice that `import_files` is to take; gone afterwards.

        Args:
            model_bytes: of the model, or 0 if nobody knows.

        Raises:
            NoSpaceError: a model of that size would not fit.
            StoreError: the disk refuses, now or what is done within the context.
        """
        async with self._job_runner.installer.staging(model_bytes) as stage:
            yield stage

    def check_room(self) -> None:
        """Raise NoSpaceError when whoever fills a `staging` folder should go no further. Blocks."""
        self._job_runner.installer.store.check_space()

    async def verify(self, name: str) -> tuple[Damage, ...]:
        """Read every byte of a voice; returns what is wrong with it."""
        await self._check_presence(name)
        return await self._job_runner.verify(name)

    async def repair(self, name: str) -> Voice:
        """Verify a voice and mend it; it is tried again at once."""
        await self._check_presence(name)
        return await self._job_runner.repair(name)

    async def remove(self, name: str) -> None:
        """Remove a voice."""
        await self._job_runner.remove(name)

    async def apply(self, issue_id: str) -> None:
        """Carry out what an issue suggests.

        Raises:
            IssueNotFoundError: it is not open (any more).
            ManualActionRequiredError: what it suggests is nothing that a program can do.
            HardenedError: that failed.
        """
        issue = self.issue(issue_id)
        if not self.may_apply(issue):
            raise ManualActionRequiredError(
                f"{issue.suggestion or 'this'}: only a person can do it"
            )
        match issue.suggestion:
            case Suggestion.REPAIR:
                await self.repair(issue.subject)
            case Suggestion.INSTALL | Suggestion.UPDATE:
                await self.install(issue.subject)
            case Suggestion.FREE_SPACE:
                there = await self._job_runner.has(issue.subject)
                await (self.repair if there else self.install)(issue.subject)
            case Suggestion.RESTART_WORKERS:
                self.restart_workers()

    def may_apply(self, issue: Issue) -> bool:
        """Whether a program can do what it suggests."""
        return issue.suggestion in _APPLICABLE and issue.subject != "data_dir"  # which is no voice

    def may_dismiss(self, issue: Issue) -> bool:
        """Whether nothing that is needed is amiss, so that it may be left as it is."""
        needed = issue.subject in self._wanted and issue.kind is not IssueKind.STALE
        return issue.kind in _DISMISSIBLE and not needed and issue in self._job_runner.issues

    def dismiss(self, issue_id: str) -> None:
        """Close an issue although nothing has been mended.

        Raises:
            IssueNotFoundError: it is not open (any more).
            ManualActionRequiredError: what is needed is amiss.
        """
        issue = self.issue(issue_id)
        if not self.may_dismiss(issue):
            raise ManualActionRequiredError(
                f"{issue_id[:100]} cannot be dismissed; it has to be mended"
            )
        self._job_runner.issues.dismiss(issue.subject, issue.kind)
        self.changes.notify()

    def issue(self, issue_id: str) -> Issue:
        """The open issue of that name.

        Raises:
            IssueNotFoundError: it is not open (any more).
        """
        issue = next((issue for issue in self.issues() if issue.id == issue_id), None)
        if issue is None:
            raise IssueNotFoundError(f"there is no open issue {issue_id[:100]!r}")
        return issue

    async def _check_presence(self, name: str) -> None:
        """Raise NotInstalledError for a name that nobody knows: it is no voice in trouble."""
        if not await self._job_runner.has(name):
            raise NotInstalledError(f"there is no voice {name[:80]!r}; install it")

    def restart_workers(self) -> None:
        """Replace every engine process; each goes on until its replacement is ready."""
        _LOGGER.info("every worker is replaced, because somebody asked for it")
        self.synthesizer.pool.replace_workers()

    def reset_breaker(self, name: str | None = None) -> None:
        """Try a voice, or everything, again at once.

        Raises:
            VoiceNotFoundError: there is no such voice.
        """
        library = self.synthesizer.library
        self.synthesizer.pool.reset(None if name is None else str(library.find(name).model))

    async def say(self, text: str, voice: str | None = None) -> Spoken:
        """Speak into nothing, to find out whether it works."""
        begin = time.monotonic()
        target = await self.synthesizer.find(voice)
        first: float | None = None

        async def listen(pcm: bytes) -> None:
            nonlocal first
            if first is None and pcm:
                first = time.monotonic() - begin

        samples = await self.synthesizer.say(target, text, listen)
        return Spoken(
            voice=target.voice.name,
            audio=samples / target.voice.sample_rate,
            first_audio=first,
            duration=time.monotonic() - begin,
        )
