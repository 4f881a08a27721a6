"""Limits of a preparation on this machine: from the model's size, free memory and speed.

A sound model stays far below; one that computes without end, asks for any amount of memory or
writes any amount of constants is stopped by the kernel. The formulas are pure.
"""

from __future__ import annotations

import contextlib
import math
import resource
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MIB: Final = 1 << 20
_BASE_MEMORY: Final = 192 * _MIB
_MEMORY_FACTOR: Final = 2
"""Of the model's size; a medium voice took 150 MiB in all, a high one 200."""
_MOST_MEMORY: Final = 4
"""Times the least memory that may be taken where the machine has that much."""
_BASE_SECONDS: Final = 30.0
_WORK: Final = 12e9 / _MIB
"""Floating-point operations for a byte of model; a medium voice took 7.6e9 for each MiB."""
_MARGIN: Final = 5.0
_WAITING: Final = 10.0
"""Times its processor time that a preparation may last, for others come first."""
_BASE_FILE: Final = 16 * _MIB
"""Of a file that is written, besides the model's weights; a part has at most 1 MB, and its weights
only if the library changes their form."""

_SIDE: Final = 256
_MEASURED_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one preparation."""

    memory: int
    """Bytes that are its own; the model's file, which is mapped, is not counted."""
    cpu_seconds: float
    """Processor time."""
    file_bytes: int
    """Bytes of each file that it writes."""

    @property
    def seconds(self) -> float:
        """Time that may go by, which the starting process has an eye on: it knows of pauses."""
        return _WAITING * self.cpu_seconds

    @classmethod
    def choose(cls, model_bytes: int, free_bytes: int, speed: float) -> Limits:
        """Return the limits for a model; `speed` is one core's, in operations a second.

        Half of what is free may be taken, within what a model of that size can need at all.
        """
        least = _BASE_MEMORY + _MEMORY_FACTOR * model_bytes
        memory = max(least, min(free_bytes // 2, _MOST_MEMORY * least))
        cpu_seconds = _BASE_SECONDS + _MARGIN * _WORK * model_bytes / speed
        return cls(memory, cpu_seconds, _BASE_FILE + model_bytes)

    def apply(self) -> None:
        """Hold this process to them: memory beyond is refused, anything else ends the process.

        The kernel ends it by SIGXCPU or SIGXFSZ, whatever it is doing.
        """
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # which Python ignores
        _lower(resource.RLIMIT_FSIZE, self.file_bytes)
        seconds = math.ceil(self.cpu_seconds)
        _lower(resource.RLIMIT_CPU, seconds)
        if sys.platform == "linux":  # elsewhere it does not count what is mapped
            _lower(resource.RLIMIT_DATA, self.memory)


def measure_speed() -> float:
    """Floating-point operations a second of one core, by a product of matrices."""
    import numpy as np  # noqa: PLC0415 - the formulas are used without it

    factor = np.ones((_SIDE, _SIDE), np.float32)
    factor @ factor  # the library sets itself up
    started, rounds = time.process_time(), 0
    while (taken := time.process_time() - started) < _MEASURED_SECONDS:
        factor @ factor
        rounds += 1
    return 2 * _SIDE**3 * rounds / taken


def free_memory(root: Path = Path("/")) -> int:
    """Bytes that can be had without swapping, here and in this container; 0 if that is unknown."""
    found = []
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
        available = next((line for line in lines if line.startswith("MemAvailable:")), "")
        found.append(int(available.split()[1]) << 10)
    with contextlib.suppress(OSError, ValueError):  # "max" is no number: no limit
        group = root / "sys/fs/cgroup"
        limit, used, cached = (
            int((group / "memory.max").read_text(encoding="ascii")),
            int((group / "memory.current").read_text(encoding="ascii")),
            _cached(group / "memory.stat"),
        )
        found.append(max(0, limit - used + cached))
    return min(found, default=0)


def _cached(statistics: Path) -> int:
    """Bytes of files that the kernel gives up at once when memory is short."""
    for line in statistics.read_text(encoding="ascii").splitlines():
        name, _, number = line.partition(" ")
        if name == "inactive_file":
            return int(number)
    return 0


def _lower(kind: int, limit: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(kind, (limit, hard))
