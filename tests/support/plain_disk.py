"""A disk without symbolic links, hard links, locks and the flushing of folders.

The calls are refused with the errors that such disks give; a real one is mounted by the fixture
`exfat`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from typing import Any

import pytest


@contextlib.contextmanager
def plain_disk(patch: pytest.MonkeyPatch | None = None) -> Iterator[None]:
    """Refuse what a plain disk lacks, for the whole process, within the context."""
    with contextlib.ExitStack() as stack:
        patch = patch or stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(os, "symlink", _refuse(errno.EPERM))
        patch.setattr(os, "link", _refuse(errno.EPERM))
        patch.setattr(fcntl, "flock", _refuse(errno.EOPNOTSUPP))
        patch.setattr(os, "fsync", _without_folders(os.fsync))
        yield


def _refuse(code: int) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return refuse


def _without_folders(fsync: Callable[[int], None]) -> Callable[[int], None]:
    def flush(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        fsync(descriptor)

    return flush
