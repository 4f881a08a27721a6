"""An action on a voice: what it is, how far it has come, how it ended."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..errors import CalledOffError, HardenedError
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
    CALLED_OFF = "called-off"


@dataclass(frozen=True, slots=True)
class Ended:
    """An action that has ended; `code` and `message` are those of the error, if it failed."""

    id: str
    voice: str
    action: Action
    outcome: Outcome
    code: str = ""
    message: str = ""


@dataclass(slots=True)
class Work:
    """An action under way; `progress` changes."""

    voice: str
    action: Action
    label: str = ""
    """Which files are installed; nothing for other actions."""
    progress: Progress = field(default_factory=Progress)
    task: asyncio.Task[Any] | None = None
    lasting: bool = True
    """Whether a failure is remembered; if not, it concerns only who asked."""
    called_off: bool = False

    async def call_off(self) -> None:
        """End it, unless it is too late for that, and wait until it has ended."""
        assert self.task is not None
        await asyncio.sleep(0)  # a task that has not begun could not tell how it ended
        if not self.called_off and self.progress.step is not Step.COMMITTING:
            self.called_off = True
            self.task.cancel()
        await asyncio.wait({self.task})

    def ended(self) -> Ended | None:
        """How it ended; ``None`` if nobody but who asked need know, or because the server stops."""
        assert self.task is not None
        if self.task.cancelled():
            return None
        code = message = ""
        match self.task.exception():
            case None:
                outcome = Outcome.DONE
            case CalledOffError():
                outcome = Outcome.CALLED_OFF
            case err:
                if not self.lasting:
                    return None
                outcome = Outcome.FAILED
                if not isinstance(err, HardenedError):
                    err = HardenedError("unexpected error; the log tells more")
                code, message = err.code, str(err)
        return Ended(secrets.token_hex(4), self.voice, self.action, outcome, code, message)
