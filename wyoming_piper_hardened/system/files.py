"""Files that survive a power cut: written aside, flushed to the disk, switched by one rename.

Everything here blocks on the disk; an event loop calls it in a thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
LACKING = frozenset(
    {errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
    | {errno.ENOLCK, errno.EBADF}
)
"""Errors by which disks say that they lack a feature."""

_MAX_POINTER_BYTES = 300
_POINTER_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def sync_folder(folder: Path) -> None:
    """Flush every file below `folder`, then the folders themselves."""
    for path, _, files in os.walk(folder, topdown=False):
        for name in files:
            _sync(Path(path, name), os.O_RDONLY)
        _sync_entries(Path(path))


def move_folder(source: Path, target: Path) -> None:
    """Flush `source` and rename it to `target`, which must not exist; durable on return."""
    sync_folder(source)
    for parent in reversed(target.parents):
        if not parent.exists():
            parent.mkdir()
            _sync_entries(parent.parent)
    source.rename(target)
    _sync_entries(target.parent)
    _sync_entries(source.parent)


def write_file(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Write a file, old or new but never torn; durable on return. Makes its folder if need be.

    Args:
        path: of the file.
        data: its bytes.
        mode: its permissions, less those that the process withholds.
    """
    write_blocks(path, (data,), mode)


def write_blocks(path: Path, blocks: Iterable[bytes], mode: int = 0o666) -> None:
    """Do as `write_file` with bytes that come one after the other; what they raise is raised."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(path)
    try:
        with os.fdopen(os.open(aside, _NEW_FILE, mode), "wb") as file:
            for block in blocks:
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
    _sync_entries(path.parent)


def switch_link(link: Path, target: str) -> None:
    """Make the symbolic link `link` point to `target`, old or new but never missing."""
    aside = _aside(link)
    aside.symlink_to(target)
    _clear(link)
    try:
        aside.replace(link)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
    _sync_entries(link.parent)


def switch_pointer(pointer: Path, target: str) -> None:
    """Do as `switch_link` with a file that has the target's name, where there are no links."""
    _clear(pointer)
    write_file(pointer, target.encode() + b"\n")


def read_pointer(pointer: Path) -> str | None:
    """Return the target of a symbolic link or of a file that replaces one; ``None`` without it."""
    try:
        return str(pointer.readlink())
    except OSError as err:
        if err.errno not in {errno.EINVAL, *LACKING}:
            return None
    try:
        descriptor = os.open(pointer, _POINTER_FLAGS)
    except OSError:
        return None
    try:
        return os.read(descriptor, _MAX_POINTER_BYTES).decode().strip("\n")
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)


def sync_entry(folder: Path) -> None:
    """Flush the entries of a folder.

    Raises:
        OSError: the disk refuses, or cannot do that.
    """
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync_entries(folder: Path) -> None:
    """Flush the entries of a folder where the disk can do that."""
    try:
        sync_entry(folder)
    except OSError as err:
        if err.errno not in LACKING:
            raise


def _clear(pointer: Path) -> None:
    """Remove the folder that a copy which followed a link has put in its place."""
    if pointer.is_dir() and not pointer.is_symlink():
        shutil.rmtree(pointer)


def _aside(path: Path) -> Path:
    """Return the name under which the successor of `path` is made."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
