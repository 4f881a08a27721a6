"""Files that others wrote: only regular ones, within a limit, whatever happens to them meanwhile.

Everything here blocks on the disk; an event loop calls it in a thread. A file's name is followed
through links, as the user's own folders may hold them.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import SourceFileError

_BLOCK = 1 << 20
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def check_file(path: Path, limit: int) -> os.stat_result:
    """Return the state of a regular file of 1 to `limit` bytes, without opening it.

    Raises:
        SourceFileError: it is something else, or not there.
    """
    with _named_errors(path):
        return _checked(path, path.stat(), limit)


def read_file(path: Path, limit: int) -> bytes:
    """Return the bytes of a regular file.

    Raises:
        SourceFileError: see `check_file`; or it cannot be read, or changed meanwhile.
    """
    return b"".join(read_blocks(path, limit))


def copy_file(source: Path, target: Path, limit: int, before_block: Callable[[], None]) -> None:
    """Copy a regular file; never more bytes than it had when it was opened.

    Args:
        source: the file.
        target: the copy; whatever was there is replaced.
        limit: of its bytes.
        before_block: called before each megabyte is written; ends the copying by raising.

    Raises:
        SourceFileError: see `read_file`.
        OSError: the target cannot be written.
    """
    with target.open("wb") as file:
        for block in read_blocks(source, limit):
            before_block()
            file.write(block)


def read_blocks(path: Path, limit: int) -> Generator[bytes, None, None]:
    """Yield the bytes of a regular file, a megabyte at a time.

    Raises:
        SourceFileError: see `read_file`; some blocks may have come before.
    """
    check_file(path, limit)  # opening alone starts some devices
    with _opened(path) as file:
        with _named_errors(path):
            before = _checked(path, os.fstat(file.fileno()), limit)
        missing = before.st_size
        while missing:
            with _named_errors(path):
                block = file.read(min(_BLOCK, missing))
            if not block:
                break
            missing -= len(block)
            yield block
        with _named_errors(path):
            after = os.fstat(file.fileno())
    if missing or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise SourceFileError(f"{path.name!a} changed while it was read; leave it alone meanwhile")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    with _named_errors(path):
        descriptor = os.open(path, _FLAGS)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        yield file


def _checked(path: Path, found: os.stat_result, limit: int) -> os.stat_result:
    if not stat.S_ISREG(found.st_mode):
        raise SourceFileError(f"{path.name!a} is not a regular file")
    if not found.st_size:
        raise SourceFileError(f"{path.name!a} is empty")
    if found.st_size > limit:
        raise SourceFileError(f"{path.name!a} has more than {limit / 1e6:.0f} MB")
    return found


@contextlib.contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as err:  # ValueError: a name with a zero byte
        why = err.strerror if isinstance(err, OSError) else "not a file's name"
        raise SourceFileError(f"{path.name!a} cannot be read: {why}") from None
