"""Installed voices on the disk: a version exists whole and tested, or not at all.

::

    voices/<name>/<version>/   <name>.onnx  <name>.onnx.json  the parts  parts.json  manifest.json
                               MODEL_CARD, if the voice came with one, and damage.json, if it is
                               damaged and nothing can replace it
    voices/<name>/current      the serving version, switched by rename: a symbolic link to it, or a
                               file with its name where the disk has no such links
    staging/<transaction>/     removed at start-up if nobody holds the lock beside it
    staging/<transaction>.lock
    quarantine/<name>.corrupt.<time>/   the newest few, with reason.json
    locks/<name>               held by the process that changes that voice

A version's name ends in the kind of its origin: backups leave out the models that can be had
again. A lock is one of the system (flock). Where the disk has none it is a file in the same place,
with a dot before its name, that names its owner.

Everything here blocks on the disk; an event loop calls it in a thread.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import NoSpaceError, StoreError, VoiceError
from ..reporting.events import Event
from ..reporting.issues import Damage, Issue
from ..system.disk.locks import LeaseTimings
from ..system.files import move_folder, read_pointer
from .damage_mark import DamageMark, is_marked, read_mark
from .disk import Disk, folder_issue, foreign_owner
from .manifest import MANIFEST_NAME, find_damage, make_manifest
from .origin import Origin
from .voice import Voice, read_voice

_LOGGER = logging.getLogger(__name__)
_KEPT_QUARANTINED = 3
_CURRENT = "current"
_LOCK = ".lock"


def free_bytes(folder: Path) -> int:
    """Return how much of the disk of `folder` is free."""
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True, kw_only=True)
class SpacePolicy:
    """The free space that a voice needs before its installation begins.

    Its model's size and `margin` bytes, of which the parts take 2 MB and the rest is left for
    others. `free` measures; tests pass their own.
    """

    margin: int = 64 << 20
    free: Callable[[Path], int] = free_bytes


class Store:
    """The voices below a data directory; processes that share it exclude each other by locks.

    Args:
        data_dir: the data directory.
        space: the free space that a voice needs.
        leases: timings of locks on a disk that has none.
    """

    def __init__(
        self,
        data_dir: Path,
        space: SpacePolicy | None = None,
        leases: LeaseTimings | None = None,
    ) -> None:
        self.root = data_dir
        self._disk = Disk(data_dir, leases)
        self._space = space or SpacePolicy()
        self._voices = data_dir / "voices"
        self._staging = data_dir / "staging"
        self._quarantine = data_dir / "quarantine"
        self._held: dict[Path, contextlib.ExitStack] = {}

    @contextlib.contextmanager
    def try_lock(self, name: str) -> Iterator[bool]:
        """Try to take the lock of a voice; yields whether that worked. It ends with the process."""
        path = self._lock_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._disk.try_lock(path) as taken:
            yield taken

    def recover(self) -> int:
        """Remove the remains of interrupted transactions; returns the bytes.

        Transactions under way, also those of other processes, are left alone.
        """
        freed = 0
        try:
            entries = [entry.name for entry in os.scandir(self._staging)]
        except OSError:
            return 0
        for transaction in {_transaction(name) for name in entries} - {""}:
            with contextlib.suppress(OSError):  # else not ours
                stage = self._staging / transaction
                with self._disk.try_lock(_lock_of(stage)) as free:
                    if free:
                        freed += folder_size(stage)
                        shutil.rmtree(stage, ignore_errors=True)
                        _lock_of(stage).unlink(missing_ok=True)
                        for name in entries:  # locks of the other kind
                            if _transaction(name) == transaction != name:
                                (self._staging / name).unlink(missing_ok=True)
        return freed

    def check_folder(self) -> Issue | None:
        """Return the issue that nothing can be written to the data directory, if so."""
        return folder_issue(self.root)

    def names(self) -> list[str]:
        """Return the names that have a folder, whether anything in it is usable or not."""
        try:
            return sorted(e.name for e in os.scandir(self._voices) if e.is_dir())
        except FileNotFoundError:
            return []
        except OSError as err:
            event = Event("store-unreadable", folder=self._voices, reason=err.strerror)
            _LOGGER.error(event)  # noqa: TRY400 - the event says all
            return []

    def state(self) -> dict[str, str]:
        """Return the current version by voice; changes with every commit and removal."""
        return {name: str(self.current(name)) for name in self.names()}

    def serving(self, name: str) -> Path | None:
        """Return the version to serve: ``current``, or the newest other one if that is damaged."""
        candidates = sorted(self.versions(name), key=_age)
        if (current := self.current(name)) in candidates:
            candidates.remove(current)
            candidates.insert(0, current)
        whole = (path for path in candidates if not is_marked(path))
        return next((path for path in whole if not find_damage(path, digests=False)), None)

    def marked(self, name: str) -> tuple[Path, DamageMark] | None:
        """Return the version that should serve and its mark, if it has one."""
        current = self.current(name)
        mark = None if current is None else read_mark(current)
        return None if current is None or mark is None else (current, mark)

    def current(self, name: str) -> Path | None:
        """Return the target of ``current``, if it is a version's name and leads nowhere else."""
        pointer = self._voices / name / _CURRENT
        target = read_pointer(pointer)
        if target is None or "\0" in target or target in {"", ".", ".."}:
            return None
        return pointer.with_name(target) if Path(target).name == target else None

    def versions(self, name: str) -> list[Path]:
        """Return every folder of a version that has a manifest."""
        try:
            folders = [Path(entry.path) for entry in os.scandir(self._voices / name)]
        except OSError:
            return []
        return [
            path
            for path in folders
            # a copy that followed links has a folder instead of the pointer
            if path.name != _CURRENT and not path.is_symlink() and (path / MANIFEST_NAME).is_file()
        ]

    def begin(self, model_bytes: int) -> Path:
        """Make an empty folder in staging, for the holder of the lock to fill and commit.

        Raises:
            NoSpaceError: a voice of `model_bytes` would not fit.
        """
        stage = self._new_stage()
        try:
            self.check_space(model_bytes)
        except NoSpaceError:
            self.abandon(stage)
            raise
        return stage

    def check_space(self, model_bytes: int = 0) -> None:
        """Check that a voice of `model_bytes` can be made into a version.

        Raises:
            NoSpaceError: it would not fit, or would leave too little for others.
        """
        needed = model_bytes + self._space.margin
        free = self._space.free(self._staging)
        if free < needed:
            raise NoSpaceError(
                f"{needed / 1e6:.0f} MB are needed in data_dir, {free / 1e6:.0f} MB are free; make "
                "room or choose a smaller voice"
            )

    def abandon(self, stage: Path) -> None:
        """Remove the folder of a transaction, if it is still there."""
        shutil.rmtree(stage, ignore_errors=True)
        if (lock := self._held.pop(stage, None)) is not None:
            lock.close()

    def commit(self, name: str, origin: Origin, stage: Path) -> Voice:
        """Make the tested files in `stage` the serving version of a voice.

        Older versions but the one that served until now are removed. When the disk refuses before
        the switch, nothing of the new version is left.
        """
        manifest = make_manifest(name, origin, stage)
        manifest.write(stage)
        digest = manifest.files[f"{name}.onnx"].sha256
        version = f"{digest[:16]}-{secrets.token_hex(2)}.{origin.prefix}"
        folder = self._voices / name
        served = self.serving(name)
        self._disk.check_lock(self._lock_path(name))
        try:
            move_folder(stage, folder / version)
            self._disk.switch(folder / _CURRENT, version)
        except OSError:
            if self.current(name) != folder / version:
                self.abandon(folder / version)
                with contextlib.suppress(OSError):
                    folder.rmdir()  # it was the first version
            raise
        for old in self.versions(name):
            if old not in {folder / version, served}:
                shutil.rmtree(old, ignore_errors=True)
        return read_voice(name, folder / version / f"{name}.onnx")

    def quarantine_version(self, version: Path, damage: tuple[Damage, ...]) -> None:
        """Quarantine a damaged version; it is never served again. The newest few are kept."""
        self._quarantine.mkdir(parents=True, exist_ok=True)
        now = time.time()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        target = self._quarantine / f"{version.parent.name}.corrupt.{stamp}"
        while target.exists():
            target = target.with_name(f"{target.name}+")
        with contextlib.suppress(OSError):
            note = {
                "reason": "; ".join(map(str, damage)),
                "damage": [asdict(one) for one in damage],
                "version": version.name,
                "time": now,
            }
            (version / "reason.json").write_text(json.dumps(note), encoding="utf-8")
        version.rename(target)
        if not self.versions(version.parent.name):
            shutil.rmtree(version.parent, ignore_errors=True)
        kept = sorted(self._quarantine.iterdir(), key=_age)
        for old in kept[_KEPT_QUARANTINED:]:
            shutil.rmtree(old, ignore_errors=True)

    def remove(self, name: str) -> None:
        """Remove every version of a voice; ``current`` goes first.

        Some disks (NFS, FUSE) keep files that an engine has open until it ends: `recover` removes
        those.
        """
        folder = self._voices / name
        with contextlib.suppress(IsADirectoryError):
            (folder / _CURRENT).unlink(missing_ok=True)
        try:
            shutil.rmtree(folder)
        except OSError as err:
            if err.errno != errno.ENOTEMPTY:
                raise
            self._staging.mkdir(parents=True, exist_ok=True)
            folder.rename(self._staging / secrets.token_hex(8))

    def superfluous(self, name: str) -> list[Path]:
        """Return the versions of a voice that do not serve, but for marked ones."""
        served = self.serving(name)
        versions = (version for version in self.versions(name) if version != served)
        return [version for version in versions if not is_marked(version)]

    def quarantined(self) -> list[Path]:
        """Return the quarantined versions, the newest first."""
        try:
            return sorted(self._quarantine.iterdir(), key=_age)
        except OSError:
            return []

    def _new_stage(self) -> Path:
        """Make a folder in staging that is locked, so that no `recover` removes it."""
        self._staging.mkdir(parents=True, exist_ok=True)
        while True:
            stage = self._staging / secrets.token_hex(8)
            with contextlib.ExitStack() as stack:
                lock = _lock_of(stage)
                if stack.enter_context(self._disk.try_lock(lock)):
                    stack.callback(lock.unlink, missing_ok=True)
                    stage.mkdir()
                    self._held[stage] = stack.pop_all()
                    return stage

    def _lock_path(self, name: str) -> Path:
        return self.root / "locks" / name


def disk_error(err: OSError) -> VoiceError:
    """Return the error to raise when the disk of the store refuses."""
    kind = NoSpaceError if err.errno in {errno.ENOSPC, errno.EDQUOT} else StoreError
    reason = str(err.strerror)
    if err.errno in {errno.EACCES, errno.EPERM} and isinstance(err.filename, str):
        owner = foreign_owner(Path(err.filename).parent)
        if owner is not None:
            reason += f" (it belongs to user {owner}, and this is user {os.geteuid()})"
    return kind(f"data_dir refuses: {reason}; what was there still serves")


def folder_size(folder: Path) -> int:
    """Return the bytes of the files in `folder`."""
    return sum(path.lstat().st_size for path in folder.rglob("*"))


def _lock_of(stage: Path) -> Path:
    return stage.with_name(f"{stage.name}{_LOCK}")


def _transaction(name: str) -> str:
    """Return the transaction to which an entry of staging belongs: its folder, or a lock."""
    return name.rstrip("~").removeprefix(".").removesuffix(_LOCK)


def _age(path: Path) -> float:
    """Return a key that sorts the newest first, and unreadable paths last."""
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0
