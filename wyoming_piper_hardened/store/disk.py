"""The disk of a data directory: what it can do, and what replaces the rest.

Some lack symbolic links (FAT, exFAT, SMB), locks (SMB, NFS, FUSE) or the flushing of folders (SMB,
FUSE). A version's pointer is then a file, a lock a file with an owner. Which it is is chosen once,
by trying, before anything is changed; both kinds of pointers are read everywhere.

Everything here blocks on the disk.
"""

from __future__ import annotations

import errno
import logging
import os
import tempfile
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ..reporting.events import Event
from ..reporting.issues import Issue, IssueKind, Suggestion
from ..system.disk.features import DiskFeature, missing_features
from ..system.disk.locks import LeaseLocks, LeaseTimings, Locks, SystemLocks
from ..system.files import switch_link, switch_pointer

_LOGGER = logging.getLogger(__name__)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_TRIED_BYTES = 4096


class Disk:
    """Locks and pointers of a data directory, by the features that its disk has.

    Args:
        root: the data directory.
        leases: timings of locks by files with an owner.
    """

    def __init__(self, root: Path, leases: LeaseTimings | None = None) -> None:
        self._root = root
        self._leases = leases
        self._choice = threading.Lock()
        self._locks: Locks | None = None
        self._symbolic = True

    def try_lock(self, path: Path) -> AbstractContextManager[bool]:
        """Try to take a lock; yields whether that worked. It ends with the process."""
        return self._chosen().try_lock(path)

    def check_lock(self, path: Path) -> None:
        """Raise OSError if a lock that was taken here has been lost to another process."""
        self._chosen().check(path)

    def switch(self, pointer: Path, target: str) -> None:
        """Make a pointer name `target`, old or new but never missing."""
        self._chosen()
        switch = switch_link if self._symbolic else switch_pointer
        switch(pointer, target)

    def _chosen(self) -> Locks:
        """Try the disk when it is needed first; return its locks.

        Raises:
            OSError: the disk refuses; it is tried again next time.
        """
        with self._choice:
            if self._locks is None:
                missing = missing_features(self._root / "staging")
                self._symbolic = DiskFeature.SYMBOLIC_LINKS not in missing
                leased = DiskFeature.LOCKS in missing
                self._locks = LeaseLocks(self._leases) if leased else SystemLocks()
                self._report(missing)
            return self._locks

    def _report(self, missing: frozenset[DiskFeature]) -> None:
        if DiskFeature.SYMBOLIC_LINKS in missing:
            _LOGGER.info(Event("disk-without-symbolic-links", folder=self._root))
        if DiskFeature.LOCKS in missing:
            _LOGGER.info(Event("disk-without-locks", folder=self._root))
        if DiskFeature.FOLDER_SYNC in missing:  # nothing replaces that
            _LOGGER.warning(Event("disk-without-folder-sync", folder=self._root))


def folder_issue(root: Path) -> Issue | None:
    """Return the issue that nothing can be written below a data directory, if so.

    Its folders are looked at, and a file is written. Blocks on the disk.
    """
    try:
        for folder in _folders(root):
            if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root) as file:
            file.write(b"x" * _TRIED_BYTES)
    except OSError as err:
        return _issue(root, err)
    return None


def foreign_owner(folder: Path) -> int | None:
    """Return the number of the user to whom a folder belongs, if that is another one."""
    try:
        owner = folder.stat().st_uid
    except OSError:
        return None
    return None if owner == os.geteuid() else owner


def _folders(root: Path) -> list[Path]:
    voices = root / "voices"
    try:
        names = [Path(entry.path) for entry in os.scandir(voices) if entry.is_dir()]
    except OSError:
        names = []
    return [root, root / "locks", root / "staging", root / "quarantine", voices, *names]


def _issue(root: Path, err: OSError) -> Issue:
    refused = Path(err.filename) if isinstance(err.filename, str) else root
    folder = refused if refused.is_dir() else root
    params: dict[str, Any] = {"reason": err.strerror}
    if err.errno in _FULL:
        suggestion = Suggestion.FREE_SPACE
        return Issue(IssueKind.NO_SPACE, "data_dir", "data_dir", params, suggestion)
    if err.errno in {errno.EACCES, errno.EPERM} and (owner := foreign_owner(folder)) is not None:
        params |= {"folder": folder, "owner": str(owner), "user": str(os.geteuid())}
        suggestion = Suggestion.CHANGE_OWNER
        return Issue(IssueKind.UNWRITABLE, "data_dir", "foreign-owner", params, suggestion)
    return Issue(IssueKind.UNWRITABLE, "data_dir", "", params)
