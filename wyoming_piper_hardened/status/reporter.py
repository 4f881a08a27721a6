"""Snapshots of the running server: workers, queue, jobs, issues, last requests."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .. import __version__
from ..errors import IssueNotFoundError
from ..reporting.issues import Failure, FailureKind, Issue, IssueKind, Issues, Stage, Suggestion
from ..reporting.public import public
from ..reporting.recent_log import RecentLog
from ..speech.choices.default_voice import DefaultVoice
from ..speech.synthesizer import Synthesizer
from ..speech.voice_resolver import VoiceResolver
from ..system.aio import Notifier
from ..voices.jobs import JobRunner
from ..voices.library import Library
from ..workers.pool import Pool
from ..workers.worker import WorkerState
from .rows import CommandRecord, Identity, IssueStatus, JobStatus, Moment, QueueStatus, Status

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
        wanted: returns the voices that are needed.
        default_voice: the voice of requests that name none.
        identity: of the server.
    """

    library: Library
    pool: Pool
    resolver: VoiceResolver
    synthesizer: Synthesizer
    jobs: JobRunner
    open_issues: Issues
    recent_log: RecentLog
    notifier: Notifier
    wanted: Callable[[], tuple[str, ...]]
    default_voice: DefaultVoice
    identity: Identity
    _commands: deque[CommandRecord] = field(
        default_factory=lambda: deque(maxlen=_REMEMBERED_COMMANDS)
    )
    _draining: bool = False
    _started: float = field(default_factory=time.monotonic)
    _started_at: float = field(default_factory=time.time)

    @property
    def ready(self) -> bool:
        """Return whether the voice of requests that name none can speak, and goes on to."""
        return self.resolver.can_speak and not self.draining

    @property
    def draining(self) -> bool:
        """Return whether the server has been asked to stop."""
        return self._draining

    def drain(self) -> None:
        """Report from now on that the server is about to stop."""
        self._draining = True
        self.notifier.notify()

    @property
    def speaks(self) -> str | None:
        """Return the voice of requests that name none, which may be a stand-in."""
        voice = self.resolver.speaking
        return None if voice is None else voice.name

    def now(self) -> Moment:
        """Return the moment of an answer, by which it is known which status is newer."""
        return Moment(self._started_at, time.monotonic() - self._started)

    def snapshot(self, memory: int = 0, *, for_owner: bool = True) -> Status:
        """Return a snapshot of the server's state, for the owner or what others may see of it.

        `memory` is passed through.
        """
        pool = self.pool.status()
        now = self.now()
        return Status(
            version=__version__,
            started_at=now.started_at,
            uptime=now.uptime,
            ready=self.ready,
            voice=self.library.wanted,
            default_voice=self.default_voice.show(),
            voices_revision=self.library.revision + self.resolver.presets.revision,
            speaks=self.speaks,
            workers=pool.workers if for_owner else public(pool.workers),
            queue=QueueStatus(pool.requests, pool.waiting_segments, pool.quarantined_texts),
            jobs=self.jobs_under_way(),
            finished_jobs=tuple(self.jobs.reported_jobs),
            issues=self.issues(for_owner=for_owner),
            requests=self.synthesizer.records,
            commands=tuple(self._commands),
            recent_log=tuple(self.recent_log) if for_owner else self.recent_log.public(),
            voices_installed=len(self.library),
            voices_unavailable=len(pool.unavailable_voices),
            memory=memory,
        )

    def jobs_under_way(self) -> tuple[JobStatus, ...]:
        """Return what is being done to voices."""
        jobs = self.jobs.jobs.values()
        return tuple(map(JobStatus.of, jobs))

    def issues(self, *, for_owner: bool = True) -> tuple[IssueStatus, ...]:
        """Return the open issues and what may be done about each."""
        return tuple(self._described(issue, for_owner=for_owner) for issue in self._issues())

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
        yield from self.resolver.presets.issues()
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

    def _described(self, issue: Issue, *, for_owner: bool) -> IssueStatus:
        needed = issue.subject in self.wanted() and issue.kind is not IssueKind.STALE
        shown = issue if for_owner else public(issue)
        return IssueStatus(
            id=shown.id,
            kind=issue.kind,
            subject=str(shown.subject),
            code=issue.code,
            params=shown.params,
            message=str(shown),
            suggestion=issue.suggestion,
            # the data directory is no voice, so nothing can be applied to it
            applicable=issue.suggestion in _APPLICABLE and issue.subject != "data_dir",
            dismissible=issue in self.open_issues
            and (
                issue.suggestion is Suggestion.UPLOAD or (issue.kind in _DISMISSIBLE and not needed)
            ),
            needed=needed,
        )
