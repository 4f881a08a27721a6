"""Rows of a snapshot: their JSON and JSON Schema are derived from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from .. import __version__
from ..reporting.issues import IssueKind, Suggestion
from ..reporting.recent_log import LogEntry
from ..speech.choices.default_voice import ShownDefault
from ..speech.synthesizer import RequestRecord
from ..voices.installation.progress import Progress
from ..voices.job import Action, FinishedJob, Job
from ..workers.worker import WorkerStatus

API_VERSION = 1
"""Changes when programs that know an earlier number would go wrong."""


class Auth(StrEnum):
    """Credentials that calls from another machine need."""

    NONE = "none"
    TOKEN = "token"  # noqa: S105 - the name of a kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Identity of the server, for programs that look after it.

    Args:
        server_id: see `system.server_id`.
        name: as people know it.
        app: whether it is an app of Home Assistant.
        needs_token: whether calls from other machines need a token.
        wyoming_port: returns the TCP port, if there is one.
    """

    server_id: str | None
    name: str
    app: bool
    needs_token: bool
    wyoming_port: Callable[[], int | None]

    @property
    def auth(self) -> Auth:
        """The credentials that calls from another machine need."""
        return Auth.TOKEN if self.needs_token else Auth.NONE

    @property
    def txt_record(self) -> Mapping[str, str]:
        """The TXT record of its zeroconf service, by which it is known again at another address."""
        return {
            "server_id": self.server_id or "",
            "version": __version__,
            "api": str(API_VERSION),
            "auth": self.auth,
        }


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
    """A job under way; its outcome has the same id."""

    id: str
    voice: str
    action: Action
    progress: Progress

    @classmethod
    def of(cls, job: Job[Any]) -> Self:
        """Return the status of a job."""
        return cls(job.id, job.voice, job.action, job.progress)


@dataclass(frozen=True, slots=True)
class Moment:
    """When the server said something: of two with equal `started_at`, the greater uptime is newer.

    Answers and events overtake each other on their way. Times in seconds.
    """

    started_at: float
    """Since the epoch."""
    uptime: float


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
    needed: bool
    """Whether a voice of the settings is concerned, which cannot speak as it should."""


@dataclass(frozen=True, slots=True)
class Status:
    """State of the server at one moment. Times in seconds, memory in bytes."""

    version: str
    started_at: float
    """Since the epoch."""
    uptime: float
    ready: bool
    """Whether the default voice can speak, and the server has not been asked to stop."""
    voice: str
    """The default voice, a preset's if that is the default."""
    default_voice: ShownDefault
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
    voices_revision: int
    """Another one when a voice or a preset came, changed or went, or the default changed."""
    voices_installed: int
    voices_unavailable: int
    """Installed voices that are not tried at present because their engine fails."""
    memory: int = 0
    """Resident memory of the server itself; 0 if it was not asked for."""
