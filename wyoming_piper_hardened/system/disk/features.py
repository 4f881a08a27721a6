"""Features that a disk may lack: those of FAT, exFAT, SMB, NFS or FUSE have not all of them."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from ..files import LACKING, sync_entry
from .locks import flocked


class DiskFeature(StrEnum):
    """Features of disks that not every one has."""

    SYMBOLIC_LINKS = "symbolic-links"
    LOCKS = "locks"
    FOLDER_SYNC = "folder-sync"


def missing_features(folder: Path) -> frozenset[DiskFeature]:
    """Try each feature in a new folder below `folder`; return those that it lacks.

    Blocks on the disk.

    Raises:
        OSError: the disk refuses for another reason, so nothing is known.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for last in (False, False, True):
        try:
            return _tried(folder / secrets.token_hex(8))
        except FileNotFoundError:  # another process takes it for remains
            if last:
                raise
    raise AssertionError


def _tried(trial: Path) -> frozenset[DiskFeature]:
    lock = trial.with_name(f"{trial.name}.lock")
    try:
        with lock.open("wb") as file:
            missing = set() if _has(lambda: flocked(file.fileno())) else {DiskFeature.LOCKS}
            trial.mkdir()
            if not _has(lambda: (trial / "link").symlink_to("target")):
                missing.add(DiskFeature.SYMBOLIC_LINKS)
            if not _has(lambda: sync_entry(trial)):
                missing.add(DiskFeature.FOLDER_SYNC)
    finally:
        shutil.rmtree(trial, ignore_errors=True)
        lock.unlink(missing_ok=True)
    return frozenset(missing)


def _has(attempt: Callable[[], object]) -> bool:
    """Return whether the disk can do that at all."""
    try:
        attempt()
    except OSError as err:
        if err.errno not in LACKING:
            raise
        return False
    return True
