"""Locks between processes: those of the system, or files with an owner where a disk has none.

Everything here blocks on the disk.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from ..foreign_json import parse_json

LOCK_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Opening a pipe in place of the file fails instead of waiting for its reader."""

_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAX_BYTES = 1000


class Locks(Protocol):
    """Takes locks that are named by paths; whoever holds one excludes all other processes."""

    def try_lock(self, path: Path) -> AbstractContextManager[bool]:
        """Try to take a lock; yields whether that worked. It ends with the process."""
        ...

    def check(self, path: Path) -> None:
        """Raise OSError if a lock that was taken here has been lost to another process."""
        ...


class SystemLocks:
    """Locks by ``flock`` on a file at the very path, which is left there."""

    @contextlib.contextmanager
    def try_lock(self, path: Path) -> Iterator[bool]:
        """Try to take a lock; yields whether that worked. It ends with the process."""
        descriptor = os.open(path, LOCK_FLAGS, 0o666)
        try:
            yield flocked(descriptor)
        finally:
            os.close(descriptor)

    def check(self, path: Path) -> None:
        """Do nothing: such a lock cannot be lost."""


def flocked(descriptor: int) -> bool:
    """Return whether the exclusive lock of an open file could be taken without waiting."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Process:
    """Identity of a process, which no other one has before the next start of its machine.

    `boot` is that start, `namespace` numbers the processes; both are empty where they are unknown.
    """

    boot: str
    namespace: str
    pid: int
    started: int

    @classmethod
    def this(cls) -> Process:
        """Return the identity of this process."""
        pid = os.getpid()
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
            namespace = str(Path("/proc/self/ns/pid").readlink())
        except OSError:
            return cls("", "", pid, 0)
        return cls(boot, namespace, pid, _start_of(pid) or 0)

    def is_over(self) -> bool | None:
        """Return whether it has ended; ``None`` if that cannot be seen from here."""
        here = self.this()
        if not here.boot or (self.boot, self.namespace) != (here.boot, here.namespace):
            return None
        if (started := _start_of(self.pid)) is not None:
            return started != self.started
        try:  # it may be hidden from this user
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):
            pass
        return None


def _start_of(pid: int) -> int | None:
    """Return when a process began, in ticks since its machine did; 0 if it is but a zombie.

    ``None`` if there is none, as far as can be seen.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = stat.rpartition(")")[2].split()
        return 0 if fields[0] in {"Z", "X"} else int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTimings:
    """Seconds between two signs of life of an owner, and without one until its lock is free."""

    beat: float = 5.0
    expiry: float = 30.0


class LeaseLocks:
    """Locks by exclusive creation of a file that names its owner and is touched while it lasts.

    The file of an owner that has ended is taken over: at once if that can be seen here, else (it
    ran in another container, on another machine, or before this one started) when the file has
    not been touched for a while. No clock is compared with another one's.

    Args:
        timings: how long an owner may show no sign of life.
        clock: seconds of a monotonic clock.
    """

    def __init__(
        self, timings: LeaseTimings | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._timings = timings or LeaseTimings()
        self._clock = clock
        self._held: dict[Path, str] = {}
        self._seen: dict[Path, tuple[tuple[str, int], float]] = {}

    @contextlib.contextmanager
    def try_lock(self, path: Path) -> Iterator[bool]:
        """Try to take a lock; yields whether that worked. It ends with the process."""
        lease = lease_of(path)
        text = self._take(lease)
        if text is None:
            yield False
            return
        stop = threading.Event()
        beat = threading.Thread(target=self._beat, args=(lease, text, stop), daemon=True)
        beat.start()
        self._held[path] = text
        try:
            yield True
        finally:
            stop.set()
            del self._held[path]
            with contextlib.suppress(OSError):
                if _read(lease)[0] == text:
                    lease.unlink()

    def check(self, path: Path) -> None:
        """Raise OSError if a lock that was taken here has been lost to another process."""
        if (text := self._held.get(path)) is not None and _read(lease_of(path))[0] != text:
            raise OSError(errno.ESTALE, "another program took the lock over; try again", str(path))

    def _take(self, lease: Path) -> str | None:
        """Return the text of the file that now is ours; ``None`` if another process has it."""
        if (text := _create(lease)) is not None:
            return text
        try:
            found = _read(lease)
        except FileNotFoundError:  # given back in this moment
            return _create(lease)
        return self._take_over(lease, found) if self._is_over(lease, found) else None

    def _take_over(self, lease: Path, found: tuple[str, int]) -> str | None:
        """Take over a lock whose owner has ended; a second file lets one process do that."""
        breaker = lease.with_name(f"{lease.name}~")
        if _create(breaker) is None:
            with contextlib.suppress(FileNotFoundError):
                if self._is_over(breaker, _read(breaker)):
                    breaker.unlink()  # killed while it did this
            return None
        try:
            with contextlib.suppress(FileNotFoundError):
                if _read(lease) == found:
                    lease.unlink()
        finally:
            breaker.unlink(missing_ok=True)
        return _create(lease)

    def _is_over(self, lease: Path, found: tuple[str, int]) -> bool:
        """Return whether the owner of a file has ended or showed no sign of life for too long."""
        owner = _owner(found[0])
        if owner is not None and (over := owner.is_over()) is not None:
            return over
        now = self._clock()
        before, since = self._seen.get(lease, (None, now))
        if before != found:
            since = now
        self._seen[lease] = (found, since)
        return now - since >= self._timings.expiry

    def _beat(self, lease: Path, text: str, stop: threading.Event) -> None:
        """Touch a file again and again as long as it is ours."""
        while not stop.wait(self._timings.beat):
            with contextlib.suppress(OSError):
                if _read(lease)[0] != text:
                    return
                os.utime(lease)


def lease_of(path: Path) -> Path:
    """Return the file of a lock by exclusive creation; no file of `SystemLocks` is taken for it."""
    return path.with_name(f".{path.name}")


def _create(lease: Path) -> str | None:
    """Create a file that names this process; returns its text, ``None`` if it is there already."""
    text = json.dumps({**asdict(Process.this()), "token": secrets.token_hex(8)})
    try:
        descriptor = os.open(lease, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
    except OSError:
        lease.unlink(missing_ok=True)
        raise
    return text


def _read(lease: Path) -> tuple[str, int]:
    """Return the text of a file and when it was touched last."""
    descriptor = os.open(lease, _READ_FLAGS)
    try:
        text = os.read(descriptor, _MAX_BYTES).decode(errors="replace")
        return text, os.fstat(descriptor).st_mtime_ns
    finally:
        os.close(descriptor)


def _owner(text: str) -> Process | None:
    """Return the owner that a file names; ``None`` if it was cut off when it was written."""
    try:
        found = parse_json(text.encode())
        boot, namespace = str(found["boot"]), str(found["namespace"])
        return Process(boot, namespace, int(found["pid"]), int(found["started"]))
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
