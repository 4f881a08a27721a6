"""Files that survive a power cut: written aside, flushed to the disk, switched by one rename.

Everything here blocks on the disk; an event loop calls it in a thread.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Flush every file below `folder`, then the folders themselves."""
    for path, _, files in os.walk(folder, topdown=False):
        for name in files:
            _sync(Path(path, name), os.O_RDONLY)
        _sync(Path(path), os.O_RDONLY | os.O_DIRECTORY)


def move_folder(source: Path, target: Path) -> None:
    """Flush `source` and rename it to `target`, which must not exist; durable on return."""
    sync_folder(source)
    for parent in reversed(target.parents):
        if not parent.exists():
            parent.mkdir()
            _sync(parent.parent, os.O_RDONLY | os.O_DIRECTORY)
    source.rename(target)
    _sync(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    _sync(source.parent, os.O_RDONLY | os.O_DIRECTORY)


def write_file(path: Path, data: bytes) -> None:
    """Write a file, old or new but never torn; durable on return. Makes its folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(path)
    try:
        with aside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
    _sync(path.parent, os.O_RDONLY | os.O_DIRECTORY)


def switch_link(link: Path, target: str) -> None:
    """Make the symbolic link `link` point to `target`, old or new but never missing."""
    aside = _aside(link)
    aside.symlink_to(target)
    try:
        aside.replace(link)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
    _sync(link.parent, os.O_RDONLY | os.O_DIRECTORY)


def _aside(path: Path) -> Path:
    """Return the name under which the successor of `path` is made."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
