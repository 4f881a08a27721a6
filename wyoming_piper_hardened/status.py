"""A snapshot of the running server: workers, queue, jobs, issues, last requests.

Every row is declared here or where its data is made; its JSON and JSON Schema are derived from it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from . import __version__
from .errors import IssueNotFoundError
from .reporting.issues import Failure, FailureKind, Issue, IssueKind, Issues, Stage, Suggestion
from .reporting.recent_log import LogEntry, RecentLog
from .speech.synthesizer import RequestRecord, Synthesizer
from .speech.voice_resolver import VoiceResolver
from .system.aio import Notifier
from .voices.installation.progress import Progress
from .voices.job import Action, FinishedJob, Job
from .voices.jobs import JobRunner
from .voices.library import Library
from .workers.pool import Pool
from .workers.worker import WorkerState, WorkerStatus

_REMEMBERED_COMMANDS = 50

_APPLICABLE = frozenset(
    {Suggestion.REPAIR, Suggestion.INSTALL, Suggestion.UPDATE, Suggestion.RESTART_WORKERS}
    | {Suggestion.FREE_SPACE}
)
"""Suggestions that the server can carry out, or retry once a person has done the rest."""

_DISMISSIBLE = frozenset(
    {IssueKind.MISSING, IssueKind.NO_SPACE, IssueKind.REJECTED, IssueKind.UNREACHABLE}
    | {IssueKind.STALE, IssueKind.UNPREPARED, IssueKind.OPTION, IssueKind.DICTIONARY}
)
"""Issues that may be dismissed, unless they concern a voice of the settings."""


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """Outcome of a command from standard input; never the text to be spoken."""

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
    """A job under way."""

    voice: str
    action: Action
    progress: Progress

    @classmethod
    def of(cls, job: Job[Any]) -> Self:
        """Return the status of a job."""
        return cls(job.voice, job.action, job.progress)


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """Requests that need a worker, segments that wait, and texts that are quarantined."""

    requests: int
    waiting_segments: int
    quarantined_texts: int


@dataclass(frozen=True, slots=True)
class IssueStatus:
    """An open issue and what may be done about it."""

    id: str
    kind: IssueKind
    subject: str
    code: str
    params: Mapping[str, Any]
    message: str
    suggestion: Suggestion | None
    applicable: bool
    """Whether the server can carry out the suggestion."""
    dismissible: bool
    """Whether it may be closed although nothing has been repaired."""


@dataclass(frozen=True, slots=True)
class Status:
    """State of the server at one moment. Times in seconds, memory in bytes."""

    version: str
    started_at: float
    """Since the epoch."""
    uptime: float
    ready: bool
    """Whether the default voice can speak."""
    voice: str
    """The configured default."""
    speaks: str | None
    """The voice that speaks for it at present."""
    workers: tuple[WorkerStatus, ...]
    queue: QueueStatus
    jobs: tuple[JobStatus, ...]
    finished_jobs: tuple[FinishedJob, ...]
    issues: tuple[IssueStatus, ...]
    requests: tuple[RequestRecord, ...]
    commands: tuple[CommandRecord, ...]
    recent_log: tuple[LogEntry, ...]
    voices_installed: int
    voices_unavailable: int
    """Installed voices that are not tried at present because their engine fails."""
    memory: int = 0
    """Resident memory of the server itself; 0 if it was not asked for."""


@dataclass(slots=True, kw_only=True)
class StatusReporter:
    """Takes snapshots.

    Args:
        library: the installed voices.
        pool: the workers.
        resolver: decides whether a voice can speak.
        synthesizer: has the records of the last requests.
        jobs: installs and repairs voices.
        open_issues: what the jobs and the maintenance of voices have found.
        recent_log: the last lines of the log.
        notifier: notified after every command.
        wanted: the voices of the settings.
    """

    library: Library
    pool: Pool
    resolver: VoiceResolver
    synthesizer: Synthesizer
    jobs: JobRunner
    open_issues: Issues
    recent_log: RecentLog
    notifier: Notifier
    wanted: frozenset[str]
    _commands: deque[CommandRecord] = field(
        default_factory=lambda: deque(maxlen=_REMEMBERED_COMMANDS)
    )
    _started: float = field(default_factory=time.monotonic)
    _started_at: float = field(default_factory=time.time)

    @property
    def ready(self) -> bool:
        """Return whether the voice of requests that name none can speak."""
        return self.resolver.can_speak

    def snapshot(self, memory: int = 0) -> Status:
        """Return a snapshot of the server's state; `memory` is passed through."""
        speaking = next(iter(self.library), None)
        pool = self.pool.status()
        return Status(
            version=__version__,
            started_at=self._started_at,
            uptime=time.monotonic() - self._started,
            ready=self.ready,
            voice=self.library.wanted,
            speaks=speaking.name if speaking else None,
            workers=pool.workers,
            queue=QueueStatus(pool.requests, pool.waiting_segments, pool.quarantined_texts),
            jobs=self.jobs_under_way(),
            finished_jobs=tuple(self.jobs.finished_jobs),
            issues=self.issues(),
            requests=self.synthesizer.records,
            commands=tuple(self._commands),
            recent_log=tuple(self.recent_log),
            voices_installed=len(self.library),
            voices_unavailable=len(pool.unavailable_voices),
            memory=memory,
        )

    def jobs_under_way(self) -> tuple[JobStatus, ...]:
        """Return what is being done to voices."""
        jobs = self.jobs.jobs.values()
        return tuple(map(JobStatus.of, jobs))

    def issues(self) -> tuple[IssueStatus, ...]:
        """Return the open issues and what may be done about each."""
        return tuple(map(self._described, self._issues()))

    def issue(self, issue_id: str) -> IssueStatus:
        """Return the open issue of that id.

        Raises:
            IssueNotFoundError: it is not open (any more).
        """
        issue = next((issue for issue in self.issues() if issue.id == issue_id), None)
        if issue is None:
            raise IssueNotFoundError(f"there is no open issue {issue_id[:100]!r}")
        return issue

    def record_command(self, command: CommandRecord) -> None:
        """Remember how a command ended."""
        self._commands.append(command)
        self.notifier.notify()

    def _issues(self) -> Iterator[Issue]:
        yield from self.open_issues
        for name, failure in self.resolver.failing().items():
            params = {"failure": failure}
            yield Issue(IssueKind.FAILING, name, failure.kind, params, Suggestion.REPAIR)
        if (wrong := self.resolver.speaker_error()) is not None:
            suggestion = Suggestion.CHANGE_OPTION
            yield Issue.from_error(IssueKind.OPTION, "speaker", wrong, suggestion)
        for worker in self.pool.workers:
            if worker.state is WorkerState.FATAL:
                failure = worker.last_failure or Failure(FailureKind.INTERNAL, Stage.STARTING)
                yield Issue(
                    IssueKind.FAILING,
                    f"worker {worker.name}",
                    failure.kind,
                    {"worker": worker.name, "failure": failure},
                    Suggestion.RESTART_WORKERS,
                )

    def _described(self, issue: Issue) -> IssueStatus:
        needed = issue.subject in self.wanted and issue.kind is not IssueKind.STALE
        return IssueStatus(
            id=issue.id,
            kind=issue.kind,
            subject=issue.subject,
            code=issue.code,
            params=issue.params,
            message=str(issue),
            suggestion=issue.suggestion,
            # the data directory is no voice, so nothing can be applied to it
            applicable=issue.suggestion in _APPLICABLE and issue.subject != "data_dir",
            dismissible=issue.kind in _DISMISSIBLE and not needed and issue in self.open_issues,
        )
