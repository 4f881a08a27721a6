"""An action on a voice: what it is, how far it has come, how it ended."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..errors import HardenedError, JobCancelledError
from .progress import Progress, Step


class Action(StrEnum):
    """What is done to a voice."""

    INSTALL = "install"
    VERIFY = "verify"
    REPAIR = "repair"
    REMOVE = "remove"


class Outcome(StrEnum):
    """How an action ended."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class FinishedJob:
    """An action that has ended; `code` and `message` are those of the error, if it failed."""

    id: str
    voice: str
    action: Action
    outcome: Outcome
    code: str = ""
    message: str = ""


@dataclass(slots=True)
class Job:
    """An action under way; `progress` changes."""

    voice: str
    action: Action
    label: str = ""
    """Which files are installed; nothing for other actions."""
    progress: Progress = field(default_factory=Progress)
    task: asyncio.Task[Any] | None = None
    reports_failure: bool = True
    """Whether a failure is remembered; if not, it concerns only who asked."""
    cancelled: bool = False

    async def cancel(self) -> None:
        """End it, unless it is too late for that, and wait until it has ended."""
        assert self.task is not None
        await asyncio.sleep(0)  # a task that has not begun could not tell how it ended
        if not self.cancelled and self.progress.step is not Step.COMMITTING:
            self.cancelled = True
            self.task.cancel()
        await asyncio.wait({self.task})

    def ended(self) -> FinishedJob | None:
        """How it ended; ``None`` if nobody but who asked need know, or because the server stops."""
        assert self.task is not None
        if self.task.cancelled():
            return None
        code = message = ""
        match self.task.exception():
            case None:
                outcome = Outcome.DONE
            case JobCancelledError():
                outcome = Outcome.CANCELLED
            case err:
                if not self.reports_failure:
                    return None
                outcome = Outcome.FAILED
                if not isinstance(err, HardenedError):
                    err = HardenedError("unexpected error; the log tells more")
                code, message = err.code, str(err)
        return FinishedJob(secrets.token_hex(4), self.voice, self.action, outcome, code, message)
