"""What the server tells, as data.

The reader is tolerant: unknown fields are left out, a missing or wrong one gets its default, an
unknown value of an enumeration becomes ``other``. A newer server is understood as far as possible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

API_VERSION = 1
"""The number of the API that this client understands."""

FEATURES = frozenset({"job-ids", "companion-events", "voice-versions"})
"""What the client needs besides."""

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")


class IssueKind(StrEnum):
    """Kinds of issues."""

    MISSING = "missing"
    DAMAGED = "damaged"
    UNLOADABLE = "unloadable"
    UNPREPARED = "unprepared"
    NO_SPACE = "no-space"
    UNWRITABLE = "unwritable"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    STALE = "stale"
    OPTION = "option"
    FAILING = "failing"
    DICTIONARY = "dictionary"
    OTHER = "other"


class Action(StrEnum):
    """Actions on a voice."""

    INSTALL = "install"
    VERIFY = "verify"
    REPAIR = "repair"
    REMOVE = "remove"
    OTHER = "other"


class Outcome(StrEnum):
    """The ways in which an action ends."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    OTHER = "other"


class VoiceState(StrEnum):
    """Where a voice is, or came from."""

    INSTALLED = "installed"
    CUSTOM = "custom"
    EMBEDDED = "embedded"
    AVAILABLE = "available"
    DAMAGED = "damaged"
    UNUSABLE = "unusable"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """Identity of a server."""

    server_id: str | None
    name: str
    version: str
    api: int
    features: frozenset[str]
    app: bool
    needs_token: bool

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Info:
        """Read the object of ``/api/info``."""
        return cls(
            server_id=_optional(data, "server_id"),
            name=_text(data, "name") or "Piper Hardened",
            version=_text(data, "version"),
            api=_whole(data, "api"),
            features=frozenset(one for one in _list(data, "features") if isinstance(one, str)),
            app=data.get("app") is True,
            needs_token=data.get("auth") == "token",
        )


@dataclass(frozen=True, slots=True)
class Job:
    """An action under way; `done` and `total` are bytes, 0 where they are not known."""

    id: str
    voice: str
    action: Action
    step: str
    done: int
    total: int

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Job:
        """Read one of the jobs."""
        progress = _object(data, "progress")
        return cls(
            _text(data, "id"),
            _text(data, "voice"),
            _enum(Action, data.get("action")),
            _text(progress, "step"),
            _whole(progress, "done"),
            _whole(progress, "total"),
        )


@dataclass(frozen=True, slots=True)
class FinishedJob:
    """The outcome of an action; `code` and `message` are those of the error, if it failed."""

    id: str
    voice: str
    action: Action
    outcome: Outcome
    code: str
    message: str

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> FinishedJob:
        """Read one of the finished jobs."""
        return cls(
            _text(data, "id"),
            _text(data, "voice"),
            _enum(Action, data.get("action")),
            _enum(Outcome, data.get("outcome")),
            _text(data, "code"),
            _text(data, "message"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Something that is wrong, and what may be done about it."""

    id: str
    kind: IssueKind
    subject: str
    code: str
    message: str
    suggestion: str | None
    applicable: bool
    dismissible: bool
    needed: bool
    damage: tuple[str, ...]
    """A sentence for each damaged file."""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Issue:
        """Read one of the open issues."""
        damage = _objects(_object(data, "params"), "damage", lambda one: _text(one, "message"))
        return cls(
            id=_text(data, "id"),
            kind=_enum(IssueKind, data.get("kind")),
            subject=_text(data, "subject"),
            code=_text(data, "code"),
            message=_text(data, "message"),
            suggestion=_optional(data, "suggestion"),
            applicable=data.get("applicable") is True,
            dismissible=data.get("dismissible") is True,
            needed=data.get("needed") is True,
            damage=damage,
        )


@dataclass(frozen=True, slots=True)
class InstalledVoice:
    """An installed voice; both versions are ``None`` unless it came from the repository."""

    name: str
    language: str
    state: VoiceState
    version: str | None
    available_version: str | None

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> InstalledVoice:
        """Read one of the installed voices."""
        return cls(
            _text(data, "name"),
            _text(data, "language"),
            _enum(VoiceState, data.get("state")),
            _optional(data, "version"),
            _optional(data, "available_version"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What changes seldom."""

    server_id: str | None
    version: str
    started_at: float
    ready: bool
    voice: str
    speaks: str | None
    default_voice: str
    """Its name, which may be a preset's; empty if the server does not tell."""
    workers_running: int
    workers_total: int
    worker_restarts: int
    jobs: tuple[Job, ...]
    finished_jobs: tuple[FinishedJob, ...]
    issues: tuple[Issue, ...]
    voices: tuple[InstalledVoice, ...]
    presets: tuple[str, ...]
    """Names of voices with options of their own, which can be asked for as voices are."""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> State:
        """Read the data of an event named ``state``."""
        workers = _object(data, "workers")
        return cls(
            server_id=_optional(data, "server_id"),
            version=_text(data, "version"),
            started_at=_number(data, "started_at"),
            ready=data.get("ready") is True,
            voice=_text(data, "voice"),
            speaks=_optional(data, "speaks"),
            default_voice=_text(data, "default_voice"),
            workers_running=_whole(workers, "running"),
            workers_total=_whole(workers, "total"),
            worker_restarts=_whole(workers, "restarts"),
            jobs=_objects(data, "jobs", Job.read),
            finished_jobs=_objects(data, "finished_jobs", FinishedJob.read),
            issues=_objects(data, "issues", Issue.read),
            voices=_objects(data, "voices", InstalledVoice.read),
            presets=tuple(one for one in _list(data, "presets") if isinstance(one, str)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What changes all the time, counted since the server's start; times in seconds."""

    requests: int
    failed_requests: int
    queue: int
    memory: int
    """In MiB."""
    first_audio: float | None
    """Of the last request that gave audio."""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Counters:
        """Read the data of an event named ``counters``."""
        last = _object(data, "last_request")
        return cls(
            requests=_whole(data, "requests"),
            failed_requests=_whole(data, "failed_requests"),
            queue=_whole(_object(data, "queue"), "requests"),
            memory=_whole(data, "memory"),
            first_audio=_number(last, "first_audio") if last.get("first_audio") else None,
        )


@dataclass(frozen=True, slots=True)
class ListedVoice:
    """A voice of the list, installed or not."""

    name: str
    language: str
    quality: str
    state: VoiceState
    speakers: tuple[str, ...]
    bytes: int
    version: str | None
    available_version: str | None

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> ListedVoice:
        """Read one of the voices of ``/api/voices``."""
        return cls(
            _text(data, "name"),
            _text(data, "language"),
            _text(data, "quality"),
            _enum(VoiceState, data.get("state")),
            tuple(one for one in _list(data, "speakers") if isinstance(one, str)),
            _whole(data, "bytes"),
            _optional(data, "version"),
            _optional(data, "available_version"),
        )


def read_objects(data: Mapping[str, Any], key: str, read: Callable[[Any], T]) -> tuple[T, ...]:
    """Return what `read` makes of each object of a list; other items are left out."""
    return _objects(data, key, read)


def _enum(kind: type[E], value: object) -> E:
    try:
        return kind(str(value))
    except ValueError:
        return kind("other")


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _optional(data: Mapping[str, Any], key: str) -> str | None:
    return _text(data, key) or None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value  # noqa: PLR0124 - no NaN


def _number(data: Mapping[str, Any], key: str) -> float:
    value = data.get(key)
    return float(value) if isinstance(value, int | float) and _is_number(value) else 0.0


def _whole(data: Mapping[str, Any], key: str) -> int:
    number = _number(data, key)
    return int(number) if abs(number) < 1 << 53 else 0


def _list(data: Mapping[str, Any], key: str) -> list[Any]:
    value = data.get(key)
    return value if isinstance(value, list) else []


def _object(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _objects(data: Mapping[str, Any], key: str, read: Callable[[Any], T]) -> tuple[T, ...]:
    return tuple(read(one) for one in _list(data, key) if isinstance(one, dict))
