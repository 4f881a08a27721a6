"""Progress of the installation of a voice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """The steps of a transaction, in their order."""

    WAITING = "waiting"
    FETCHING = "fetching"
    COPYING = "copying"
    """Instead of fetching, where the files are on this machine."""
    PREPARING = "preparing"
    TESTING = "testing"
    COMMITTING = "committing"


@dataclass(frozen=True, slots=True)
class Progress:
    """One step; while fetching also the file, its bytes so far and all of them."""

    step: Step = Step.WAITING
    file: str = ""
    done: int = 0
    total: int = 0


Report = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """Ignore progress."""
