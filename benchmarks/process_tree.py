"""Memory and processor time of a server with all of its child processes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

SAMPLE_INTERVAL = 0.02
"""Seconds from one look at the memory to the next."""


class ProcessTree:
    """A process and its descendants, those to come included."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def processes(self) -> list[psutil.Process]:
        """Everything that runs now, the root first; empty when the root has ended."""
        try:
            return [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def cpu_seconds(self) -> float:
        """Processor time so far, that of children that have ended included."""
        total = 0.0
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def memory(self) -> int:
        """Proportional set size in bytes: pages that several processes share count once.

        Raises:
            PermissionError: the processes belong to somebody else.
        """
        total = 0
        for process in self.processes():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii")
                total += next(
                    (
                        int(line.split()[1]) * 1024
                        for line in rollup.splitlines()
                        if line.startswith("Pss:")
                    ),
                    0,
                )
        return total


class Peak:
    """The highest memory seen so far, in bytes."""

    def __init__(self) -> None:
        self.bytes = 0

    def look(self, tree: ProcessTree) -> None:
        """Take one sample."""
        self.bytes = max(self.bytes, tree.memory())


@contextlib.contextmanager
def watched(tree: ProcessTree) -> Iterator[Peak]:
    """Sample the tree's memory within the context, at a fixed rate, and once at its end."""
    peak = Peak()
    done = threading.Event()

    def sample() -> None:
        due = time.monotonic()
        while not done.wait(max(0.0, due - time.monotonic())):
            peak.look(tree)
            due = max(due + SAMPLE_INTERVAL, time.monotonic())

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
        peak.look(tree)
