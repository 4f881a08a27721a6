"""Progress of installs: bars on a terminal, else a line for each step."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress as Bars,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)

from ..voices.installation.progress import Progress, Report, Step
from .streams import note, printable


@contextlib.contextmanager
def shown_progress(voice: str) -> Iterator[Report]:
    """Show the steps of an install on standard error within the context."""
    if not is_drawable():
        yield _Lines(voice).report
        return
    with Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def report(progress: Progress) -> None:
            label = progress.file or str(progress.step)
            if label not in tasks:
                tasks[label] = bars.add_task(printable(label), total=progress.total or None)
            bars.update(tasks[label], completed=progress.done, total=progress.total or None)

        yield report


def is_drawable() -> bool:
    """Return whether standard error is a terminal that has the characters of bars."""
    return sys.stderr.isatty() and "utf" in sys.stderr.encoding.lower()


class _Lines:
    """Prints a line when a step begins."""

    def __init__(self, voice: str) -> None:
        self._voice = voice
        self._step: Step | None = None

    def report(self, progress: Progress) -> None:
        if progress.step is not self._step:
            self._step = progress.step
            note(f"{self._voice}: {progress.step}")
