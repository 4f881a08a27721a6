"""Trouble as data: what is wrong, with what, and what would mend it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class IssueKind(StrEnum):
    """What can be wrong with a voice or with the store."""

    MISSING = "missing"
    DAMAGED = "damaged"
    UNLOADABLE = "unloadable"
    UNPREPARED = "unprepared"
    NO_SPACE = "no-space"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    STALE = "stale"


class Suggestion(StrEnum):
    """What would mend an issue."""

    REPAIR = "repair"
    INSTALL = "install"
    FREE_SPACE = "free-space"
    REPLACE_FILE = "replace-file"
    CHECK_NETWORK = "check-network"


@dataclass(frozen=True, slots=True)
class Issue:
    """One trouble. `subject` is a voice's name, or empty for the store itself."""

    kind: IssueKind
    subject: str
    message: str
    suggestion: Suggestion | None = None


@dataclass(slots=True)
class Issues:
    """The open issues, at most one of a kind for a subject."""

    _open: dict[tuple[IssueKind, str], Issue] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Issue]:
        return iter(tuple(self._open.values()))

    def raise_issue(self, issue: Issue) -> bool:
        """Open an issue; returns whether it is new, and so worth a line in the log."""
        key = (issue.kind, issue.subject)
        new = self._open.get(key) != issue
        self._open[key] = issue
        return new

    def dismiss(self, subject: str, *kinds: IssueKind) -> None:
        """Close the issues of a subject: those of `kinds`, or all."""
        for key in list(self._open):
            if key[1] == subject and (not kinds or key[0] in kinds):
                del self._open[key]
