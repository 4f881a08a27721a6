"""Trouble as data: what is wrong, with what, and what would mend it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class IssueKind(StrEnum):
    """What can be wrong with a voice, the store, the catalogue, an option or a worker."""

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


class Suggestion(StrEnum):
    """What would mend an issue."""

    REPAIR = "repair"
    INSTALL = "install"
    UPDATE = "update"
    FREE_SPACE = "free-space"
    REPLACE_FILE = "replace-file"
    CHECK_NETWORK = "check-network"
    CHANGE_OPTION = "change-option"
    RESTART_WORKERS = "restart-workers"


@dataclass(frozen=True, slots=True)
class Issue:
    """One trouble.

    `subject` is a voice's name, an option's, a worker's, ``catalogue`` or ``data_dir``.
    """

    kind: IssueKind
    subject: str
    message: str
    suggestion: Suggestion | None = None

    @property
    def id(self) -> str:
        """Names the issue as long as it is open."""
        return f"{self.kind}:{self.subject}"


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

    def find(self, issue_id: str) -> Issue | None:
        """The open issue of that id."""
        return next((issue for issue in self if issue.id == issue_id), None)

    def dismiss(self, subject: str, *kinds: IssueKind) -> None:
        """Close the issues of a subject: those of `kinds`, or all."""
        for key in list(self._open):
            if key[1] == subject and (not kinds or key[0] in kinds):
                del self._open[key]
