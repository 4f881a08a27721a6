"""Actions on voices: under way and finished."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Generator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from ..errors import HardenedError, JobCancelledError
from ..store.origin import Origin
from .installation.progress import Progress, Step

T = TypeVar("T")


class Action(StrEnum):
    """The actions on a voice."""

    INSTALL = "install"
    VERIFY = "verify"
    REPAIR = "repair"
    REMOVE = "remove"


class Outcome(StrEnum):
    """The ways in which an action ends."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class FinishedJob:
    """A finished action; `code` and `message` are those of the error, if it failed."""

    id: str
    """That of its job."""
    voice: str
    action: Action
    outcome: Outcome
    code: str = ""
    message: str = ""


@dataclass(slots=True, eq=False)
class Job(Generic[T]):
    """An action on a voice, waiting or under way; `progress` changes.

    Awaiting it gives its result or raises its error; a caller that stops waiting does not end it.
    """

    voice: str
    action: Action
    origin: Origin | None = None
    """Of the files to install; ``None`` for other actions."""
    reports_failure: bool = True
    """False if a failure concerns only the caller: no issue is opened, no page tells it."""
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    """Its own from its start to its end, for as long as the server runs."""
    progress: Progress = field(default_factory=Progress)
    cancelled: bool = False
    task: asyncio.Task[T] = field(init=False, repr=False)

    def __await__(self) -> Generator[Any, None, T]:
        return asyncio.shield(self.task).__await__()

    def can_be_joined(self, other: Job[Any]) -> bool:
        """Return whether the result of this job is also that of `other`."""
        same = (self.action, self.origin) == (other.action, other.origin)
        return same and not self.cancelled

    async def cancel(self) -> None:
        """End the job, unless it is too late for that, and wait until it has ended."""
        await asyncio.sleep(0)  # a task that has not begun would end without its outcome
        if not self.cancelled and self.progress.step is not Step.COMMITTING:
            self.cancelled = True
            self.task.cancel()
        await asyncio.wait({self.task})

    def finished(self) -> FinishedJob | None:
        """Return the outcome; ``None`` if the server stops."""
        if self.task.cancelled():
            return None
        code = message = ""
        match self.task.exception():
            case None:
                outcome = Outcome.DONE
            case JobCancelledError():
                outcome = Outcome.CANCELLED
            case err:
                outcome = Outcome.FAILED
                if not isinstance(err, HardenedError):
                    err = HardenedError("unexpected error; see the log")
                code, message = err.code, str(err)
        return FinishedJob(self.id, self.voice, self.action, outcome, code, message)
