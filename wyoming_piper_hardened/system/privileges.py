"""Giving up root: a container starts as root because its data folder is root's; nothing else is.

The folders are prepared first, then the process continues as an ordinary user. Where that is not
possible it keeps the rights it has: speaking matters more.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import pwd
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..reporting.events import Event

_LOGGER = logging.getLogger(__name__)
_PR_SET_NO_NEW_PRIVS = 38  # linux/prctl.h


def drop_privileges(user: str, folders: Sequence[Path], readable: Sequence[Path] = ()) -> bool:
    """Hand `folders` to `user` and go on as that user for good; returns whether that happened.

    Call it before threads and child processes exist. What the user must not lose is checked before
    the step that cannot be undone: `folders` that can be written must stay so, and `readable` ones
    readable. If they would not, if this process is not root, or if the system refuses, one line is
    logged and everything stays as it is. Blocks on the disk.
    """
    if os.geteuid() != 0:
        _forbid_new_privileges()
        _LOGGER.info(Event("running-as-uid", uid=os.geteuid()))
        return False
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        _LOGGER.warning(Event("running-as-root", reason=f"there is no user {user!r} here"))
        return False
    folders = [folder.resolve() for folder in folders]
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
    needed = [(path, os.R_OK | os.W_OK | os.X_OK) for path in folders]
    needed += [(path, os.R_OK | os.X_OK) for path in readable]
    needed = [(path, mode) for path, mode in needed if os.access(path, mode)]
    for folder in folders:
        _hand_over(folder, account.pw_uid, account.pw_gid)
    try:
        lost = _lost(needed, account)
        if lost is None:
            os.setgroups([])
            os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
            os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    except OSError as err:
        reason = f"becoming {user} is refused: {err.strerror}"
        _LOGGER.warning(Event("running-as-root", reason=reason))
        return False
    if lost is not None:
        _LOGGER.warning(Event("running-as-root-for-access", user=user, path=lost))
        return False
    os.environ["HOME"] = account.pw_dir
    _forbid_new_privileges()
    _LOGGER.info(Event("running-as-user", user=user, uid=account.pw_uid))
    return True


def _lost(needed: Sequence[tuple[Path, int]], account: pwd.struct_passwd) -> Path | None:
    """Return the first path that the account cannot access, tried with its rights."""
    groups = os.getgroups()
    group = os.getegid()
    try:
        os.setgroups([])
        os.setegid(account.pw_gid)
        os.seteuid(account.pw_uid)
        return next((p for p, mode in needed if not os.access(p, mode, effective_ids=True)), None)
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def _hand_over(folder: Path, uid: int, gid: int) -> None:
    """Make `uid` the owner of all in `folder` that is not; a symbolic link's target is left alone.

    What cannot be changed (a read-only disk, a network share) stays; what matters of it is found
    out later, by trying.
    """
    with contextlib.suppress(OSError):  # a folder that cannot be read any further
        for name, descriptor in _entries(folder):
            with contextlib.suppress(OSError):
                found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                # a second name of a file may lie where it is not ours to give away
                elsewhere = found.st_nlink > 1 and not stat.S_ISDIR(found.st_mode)
                if found.st_uid != uid and not elsewhere:
                    os.chown(name, uid, gid, dir_fd=descriptor, follow_symlinks=False)


def _entries(folder: Path) -> Iterator[tuple[str, int]]:
    """Everything in `folder`, and the folder itself, as names with the open folder they are in.

    By descriptors: nobody can exchange a folder for a link between looking and changing.
    """
    for _, folders, files, descriptor in os.fwalk(folder, topdown=False):
        for name in (*files, *folders):
            yield name, descriptor
    descriptor = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield folder.name, descriptor
    finally:
        os.close(descriptor)


def _forbid_new_privileges() -> None:
    """No program started from here on gets more rights than this one, whatever its file says."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
