"""Memory and processor time of a server with all of its child processes."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_INTERVAL = 0.02
"""Seconds from one look at the memory to the next."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Memory in bytes: proportional set size, in which pages that are shared count once."""

    total: int = 0
    anonymous: int = 0
    """The part that no file stands behind: nothing of it can be dropped."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.total + other.total, self.anonymous + other.anonymous)


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

    def memory(self) -> Usage:
        """Return the memory of all of them together.

        Raises:
            PermissionError: the processes belong to somebody else.
        """
        return sum(map(_usage, self.processes()), Usage())


def _usage(process: psutil.Process) -> Usage:
    try:
        rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return Usage()
    sizes = dict(re.findall(r"^(\w+): +(\d+) kB$", rollup, re.MULTILINE))
    return Usage(1024 * int(sizes.get("Pss", 0)), 1024 * int(sizes.get("Pss_Anon", 0)))


class Peak:
    """The highest memory seen so far, in bytes."""

    def __init__(self) -> None:
        self.total = self.anonymous = 0

    def look(self, tree: ProcessTree) -> None:
        """Take one sample."""
        usage = tree.memory()
        self.total = max(self.total, usage.total)
        self.anonymous = max(self.anonymous, usage.anonymous)


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
