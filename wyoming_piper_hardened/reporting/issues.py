"""Issues as data: what is wrong, with what, and what would repair it.

`str()` of each gives its English sentence, made by `messages`; programs read the fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from ..errors import HardenedError
from . import messages


class IssueKind(StrEnum):
    """Kind of an issue with a voice, the store, the catalogue, a file, an option or a worker."""

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


class Suggestion(StrEnum):
    """Action that would resolve an issue."""

    REPAIR = "repair"
    INSTALL = "install"
    UPDATE = "update"
    FREE_SPACE = "free-space"
    REPLACE_FILE = "replace-file"
    CHECK_NETWORK = "check-network"
    CHANGE_OPTION = "change-option"
    CHANGE_OWNER = "change-owner"
    UPLOAD = "upload"
    RESTART_WORKERS = "restart-workers"


@dataclass(frozen=True, slots=True)
class Issue:
    """Something that needs attention.

    `subject` is a voice's name, an option's, a worker's, ``catalogue``, ``data_dir`` or a
    dictionary's path. `code` says more than `kind` (often the code of the error that was met) and
    may be empty; `params` are the parameters of its sentence.
    """

    kind: IssueKind
    subject: str | Path
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    suggestion: Suggestion | None = None

    @classmethod
    def from_error(
        cls,
        kind: IssueKind,
        subject: str,
        error: HardenedError,
        suggestion: Suggestion | None = None,
    ) -> Self:
        """Return the issue that an error stands for."""
        return cls(kind, subject, error.code, {"reason": str(error)}, suggestion)

    @property
    def id(self) -> str:
        """Name of the issue as long as it is open."""
        return f"{self.kind}:{self.subject}"

    def __str__(self) -> str:
        return messages.issue_text(self.kind, self.code, self.params)


class FailureKind(StrEnum):
    """Kind of an engine process's failure; also the label of the restart metric."""

    SPAWN = "spawn"
    START = "start"
    LOAD = "load"
    HUNG = "hung"
    EXIT = "exit"
    SIGNAL = "signal"
    MEMORY = "memory"
    PROTOCOL = "protocol"
    INTERNAL = "internal"


class Stage(StrEnum):
    """Activity of an engine process when it failed."""

    STARTING = "starting"
    LOADING = "loading"
    SPEAKING = "speaking"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Failure:
    """The reason why an engine process was replaced, or did not load a voice.

    `detail` depends on the kind: ``error`` (text) for spawn, start, load and some of protocol;
    ``seconds`` for hung; ``code`` for exit; ``signal`` (such as ``SIGSEGV``) for signal;
    ``megabytes`` for memory; ``variant`` where a kind has several; ``last_words`` is the last line
    of its standard error. ``segment`` has ``characters``, ``outcome`` and ``sample`` of the segment
    that it was computing; ``segments`` is their number if there were several, which all go on.
    """

    kind: FailureKind
    at: Stage
    detail: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return messages.failure_text(self.kind, self.at, self.detail)


class DamageKind(StrEnum):
    """Kind of difference between a version on the disk and what was committed."""

    SIZE = "size"
    CHANGED = "changed"
    UNREADABLE = "unreadable"
    MANIFEST = "manifest"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Damage:
    """One damaged file of a committed version; `file` is empty if the whole version is."""

    file: str
    kind: DamageKind
    detail: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return messages.damage_text(self.kind, self.file, self.detail)


def damaged(subject: str, damage: Iterable[Damage]) -> Issue:
    """Return the issue of a voice whose files are damaged."""
    params = {"damage": tuple(damage)}
    return Issue(IssueKind.DAMAGED, subject, "files", params, Suggestion.REPAIR)


def lost(subject: str, damage: Iterable[Damage]) -> Issue:
    """Return the issue of a damaged voice of the user's own that nothing can replace."""
    params = {"damage": tuple(damage)}
    return Issue(IssueKind.DAMAGED, subject, "no-copy", params, Suggestion.UPLOAD)


@dataclass(slots=True)
class Issues:
    """The open issues, at most one of a kind for a subject."""

    _open: dict[tuple[IssueKind, str | Path], Issue] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Issue]:
        return iter(tuple(self._open.values()))

    def open(self, issue: Issue) -> bool:
        """Open an issue; return whether it is new, and so worth a line in the log."""
        key = (issue.kind, issue.subject)
        new = self._open.get(key) != issue
        self._open[key] = issue
        return new

    def dismiss(self, issue_id: str) -> None:
        """Close an issue because a person wants so, although nothing has been repaired."""
        for key in [key for key, issue in self._open.items() if issue.id == issue_id]:
            del self._open[key]

    def close(self, subject: str | Path, *kinds: IssueKind) -> None:
        """Close the issues of a subject, which are resolved: those of `kinds`, or all."""
        for key in list(self._open):
            if key[1] == subject and (not kinds or key[0] in kinds):
                del self._open[key]
