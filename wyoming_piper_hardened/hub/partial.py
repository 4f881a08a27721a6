"""An incomplete file: written aside, digested on the way, renamed when it is right.

Everything here blocks on the disk; an event loop calls it in a thread.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import NoSpaceError, StoreError
from .errors import DownloadCorruptError
from .files import VoiceFile

_BLOCK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Partial:
    """The bytes of `file` so far, beside `target`, in ``<target>.<start of its MD5>.part``.

    The digest in its name lets a later download go on where this one stopped: the part can only
    belong to a file of the same bytes.

    `check_room` is called before bytes are written.

    Every method raises `NoSpaceError` or `StoreError` when the disk refuses.
    """

    def __init__(
        self, target: Path, file: VoiceFile, check_room: Callable[[], None] = lambda: None
    ) -> None:
        self.path = target.with_name(f"{target.name}.{file.md5[:8]}.part")
        self.size = 0
        self._target = target
        self._expected = file
        self._check_room = check_room
        self._file: BinaryIO | None = None
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    def open(self) -> None:
        """Open the part, new or with the bytes that are there already; a link is not followed."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._named_errors():
            self._file = os.fdopen(os.open(self.path, flags, 0o644), "r+b", buffering=0)
            while block := self._file.read(_BLOCK):
                self._digest(block)
        if self.size > self._expected.size:
            self.restart()

    def write(self, data: bytes) -> None:
        """Append bytes."""
        assert self._file is not None
        self._check_room()
        with self._named_errors():
            view = memoryview(data)
            while view:
                written = self._file.write(view)
                self._digest(view[:written])
                view = view[written:]

    def restart(self) -> None:
        """Drop all bytes."""
        assert self._file is not None
        with self._named_errors():
            self._file.seek(0)
            self._file.truncate()
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    def finish(self, sha256: str | None) -> tuple[str, str]:
        """Check everything and take the target's name; returns the MD5 and the SHA-256.

        Args:
            sha256: the digest that the hub announced, if it did.

        Raises:
            DownloadCorruptError: these are not the bytes of the catalogue; they are dropped.
        """
        assert self._file is not None
        found = self._md5.hexdigest(), self._sha256.hexdigest()
        if (self.size, found[0]) != (self._expected.size, self._expected.md5):
            self.restart()
            raise DownloadCorruptError(
                f"{self._expected.path}: the bytes are not those of the catalogue; refresh the "
                "catalogue, try later, or set hub_endpoint to a mirror that does not alter files"
            )
        if sha256 not in (None, found[1]):
            self.restart()
            raise DownloadCorruptError(
                f"{self._expected.path}: the bytes are not those that the hub announced; try later"
            )
        with self._named_errors():
            self.path.replace(self._target)
        return found

    def close(self) -> None:
        """Close the file; the bytes so far stay, an empty file goes."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            self._file.close()
        if not self.size:
            self.discard()

    def discard(self) -> None:
        """Remove the part."""
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _digest(self, data: bytes | memoryview) -> None:
        self._md5.update(data)
        self._sha256.update(data)
        self.size += len(data)

    @contextlib.contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            if err.errno in _FULL:
                raise NoSpaceError(
                    f"data_dir: {err.strerror}; {self._expected.name} needs "
                    f"{self._expected.size / 1e6:.1f} MB, make room and try again"
                ) from None
            raise StoreError(
                f"cannot write {self._expected.name} in data_dir: {err.strerror}; check the disk "
                "and the permissions"
            ) from None
