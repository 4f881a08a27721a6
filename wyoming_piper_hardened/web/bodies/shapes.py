"""Answers of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from ...control import CommandRecord, JobStatus, Operations
from ...issues import Damage, Issue, IssueKind, Suggestion
from ...recent_log import LogEntry
from ...speech.synthesizer import RequestRecord
from ...voices.job import FinishedJob
from ...workers.pool import WorkerStatus


@dataclass(frozen=True, slots=True)
class IssueRow:
    """One issue, and which buttons it has."""

    id: str
    kind: IssueKind
    subject: str
    code: str
    params: Mapping[str, Any]
    message: str
    suggestion: Suggestion | None
    applicable: bool
    dismissible: bool

    @classmethod
    def of(cls, issue: Issue, operations: Operations) -> Self:
        """Return the row of an issue."""
        return cls(
            id=issue.id,
            kind=issue.kind,
            subject=issue.subject,
            code=issue.code,
            params=issue.params,
            message=str(issue),
            suggestion=issue.suggestion,
            applicable=operations.may_apply(issue),
            dismissible=operations.may_dismiss(issue),
        )


@dataclass(frozen=True, slots=True)
class RequestRow(RequestRecord):
    """A finished request; `text` is null unless the caller may read it."""

    real_time_factor: float | None

    @classmethod
    def of(cls, record: RequestRecord, *, with_text: bool) -> Self:
        """Return the row of a request."""
        factor = record.duration / record.audio if record.audio else None
        fields = asdict(record) | {"text": record.text if with_text else None}
        return cls(**fields, real_time_factor=factor)


@dataclass(frozen=True, slots=True)
class Queue:
    """Requests under way, and the segments that wait or are not spoken any more."""

    requests: int
    waiting_segments: int
    quarantined_segments: int


@dataclass(frozen=True, slots=True)
class StatusBody:
    """The state of the server. Times in seconds, memory in bytes."""

    version: str
    started_at: float
    uptime: float
    ready: bool
    voice: str
    speaks: str | None
    workers: Sequence[WorkerStatus]
    queue: Queue
    jobs: Sequence[JobStatus]
    finished_jobs: Sequence[FinishedJob]
    issues: Sequence[IssueRow]
    requests: Sequence[RequestRow]
    commands: Sequence[CommandRecord]
    recent_log: Sequence[LogEntry]
    memory: int


@dataclass(frozen=True, slots=True)
class Live:
    """An answer to show that the server answers."""

    live: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the default voice can speak, and the issues if not."""

    ready: bool
    issues: Sequence[IssueRow]


class VoiceState(StrEnum):
    """Where a voice is, or came from."""

    INSTALLED = "installed"
    CUSTOM = "custom"
    EMBEDDED = "embedded"
    AVAILABLE = "available"


@dataclass(frozen=True, slots=True)
class VoiceRow:
    """One voice; `issues` are ids. What only an installed voice has is null for the others."""

    name: str
    language: str
    language_name: str
    country: str
    quality: str
    speakers: Sequence[str]
    number_of_speakers: int
    sample_rate: int | None
    bytes: int
    state: VoiceState
    prepared: bool | None
    default: bool = False
    issues: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class LanguageRow:
    """A language of the list of voices."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class VoiceListBody:
    """The list of voices, and every language and quality it can be filtered by."""

    voices: Sequence[VoiceRow]
    languages: Sequence[LanguageRow]
    qualities: Sequence[str]


@dataclass(frozen=True, slots=True)
class Started:
    """The job that was asked for, once it is under way."""

    job: JobStatus | None


@dataclass(frozen=True, slots=True)
class Installed:
    """A voice that can speak now."""

    voice: str
    prepared: bool


@dataclass(frozen=True, slots=True)
class Verified:
    """What differs from what was committed."""

    damage: Sequence[Damage]


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The voice whose installation was cancelled."""

    cancelled: str


@dataclass(frozen=True, slots=True)
class Removed:
    """The voice that was removed."""

    removed: str


@dataclass(frozen=True, slots=True)
class Applied:
    """The issue whose suggestion was carried out."""

    applied: str


@dataclass(frozen=True, slots=True)
class Dismissed:
    """The issue that was dismissed."""

    dismissed: str


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether the caller may change anything."""

    change: bool


@dataclass(frozen=True, slots=True)
class Empty:
    """An answer that says no more than its status."""


@dataclass(frozen=True, slots=True)
class Error:
    """An error as everywhere but under ``/v1``."""

    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """The body of a failed call."""

    error: Error


@dataclass(frozen=True, slots=True)
class OpenAIError:
    """An error as OpenAI's clients know it."""

    message: str
    type: str
    param: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class OpenAIErrorBody:
    """The body of a failed call under ``/v1``."""

    error: OpenAIError
