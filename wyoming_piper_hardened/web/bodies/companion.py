"""The state for programs that look after the server and listen for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...status.rows import IssueStatus, JobStatus, QueueStatus
from ...voices.job import FinishedJob
from .shapes import VoiceState


@dataclass(frozen=True, slots=True)
class WorkersRow:
    """Engine processes: those that can speak, all of them, and their restarts since the start."""

    running: int
    total: int
    restarts: int


@dataclass(frozen=True, slots=True)
class InstalledVoice:
    """An installed voice.

    `version` names the files of a voice of the repository, and `available_version` those that the
    repository has now; they are equal or not, and say no more. Both are null for other voices.
    """

    name: str
    language: str
    quality: str
    state: VoiceState
    version: str | None
    available_version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanionState:
    """State that changes seldom, and is sent at once.

    `voice` is that of the default, `speaks` the voice that speaks for it at present;
    `default_voice` is the default's name, which may be a preset's, and `presets` are the names of
    the presets whose voice is installed. `started_at` is in seconds since the epoch.
    `finished_jobs` has failures that concern only their caller, too.
    """

    server_id: str | None
    version: str
    started_at: float
    ready: bool
    voice: str
    speaks: str | None
    default_voice: str
    workers: WorkersRow
    jobs: Sequence[JobStatus]
    finished_jobs: Sequence[FinishedJob]
    issues: Sequence[IssueStatus]
    voices: Sequence[InstalledVoice]
    presets: Sequence[str]


@dataclass(frozen=True, slots=True)
class LastRequest:
    """The last request that ended; times in seconds."""

    at: float
    """When it ended, since the epoch."""
    voice: str
    outcome: str
    first_audio: float | None
    audio: float
    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanionCounters:
    """Values that change all the time; counted since the start.

    `failed_requests` are those that ended with an error which is not the caller's own; `audio` is
    in seconds, `memory` that of the server and its workers in MiB.
    """

    requests: int
    failed_requests: int
    audio: float
    queue: QueueStatus
    memory: int
    last_request: LastRequest | None


@dataclass(frozen=True, slots=True)
class CompanionBody:
    """The whole state at one moment."""

    state: CompanionState
    counters: CompanionCounters
