"""Answers of the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ...reporting.issues import Damage
from ...status import IssueStatus, JobStatus


@dataclass(frozen=True, slots=True)
class Live:
    """An answer to show that the server answers."""

    live: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the default voice can speak, and the issues if not."""

    ready: bool
    issues: Sequence[IssueStatus]


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
    """The job that was started, or joined."""

    job: JobStatus


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
