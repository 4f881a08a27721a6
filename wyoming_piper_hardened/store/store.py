"""Installed voices on the disk: a version exists whole and tested, or not at all.

::

    voices/<name>/<version>/   <name>.onnx  <name>.onnx.json  the parts  parts.json  manifest.json
    voices/<name>/current      symbolic link to the serving version, switched by rename
    staging/<transaction>/     locked while it lasts; removed at start-up if nobody holds it
    quarantine/<name>.corrupt.<time>/   the newest few, with reason.json
    locks/<name>               held by the process that changes that voice

Everything here blocks on the disk; an event loop calls it in a thread.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
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
from ..reporting.issues import Damage
from ..system.files import move_folder, switch_link
from .manifest import MANIFEST_NAME, find_damage, make_manifest
from .origin import Origin
from .voice import Voice, read_voice

_LOGGER = logging.getLogger(__name__)
_KEPT_QUARANTINED = 3


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
    """The voices below a data directory; processes that share it exclude each other by locks."""

    def __init__(self, data_dir: Path, space: SpacePolicy | None = None) -> None:
        self.root = data_dir
        self._space = space or SpacePolicy()
        self._voices = data_dir / "voices"
        self._staging = data_dir / "staging"
        self._quarantine = data_dir / "quarantine"
        self._held: dict[Path, int] = {}

    @contextlib.contextmanager
    def try_lock(self, name: str) -> Iterator[bool]:
        """Try to take the lock of a voice; yields whether that worked. It ends with the process."""
        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("wb") as file:
            yield _locked(file.fileno())

    def recover(self) -> int:
        """Remove the remains of interrupted transactions; returns the bytes.

        Transactions under way, also those of other processes, are left alone.
        """
        freed = 0
        with contextlib.suppress(OSError):  # nothing can be changed here, so nothing was
            for entry in os.scandir(self._staging):
                with _opened(Path(entry.path)) as descriptor:
                    if _locked(descriptor):
                        freed += folder_size(Path(entry.path))
                        shutil.rmtree(entry.path, ignore_errors=True)
        return freed

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
        return next((path for path in candidates if not find_damage(path, digests=False)), None)

    def current(self, name: str) -> Path | None:
        """Return the target of ``current``, if it is a version's name and leads nowhere else."""
        link = self._voices / name / "current"
        try:
            target = link.readlink()
        except OSError:
            return None
        return link.with_name(target.name) if target.name == str(target) else None

    def versions(self, name: str) -> list[Path]:
        """Return every folder of a version that has a manifest."""
        try:
            folders = [Path(entry.path) for entry in os.scandir(self._voices / name)]
        except OSError:
            return []
        return [p for p in folders if not p.is_symlink() and (p / MANIFEST_NAME).is_file()]

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
                f"{needed >> 20} MB are needed in {self.root}, {free >> 20} MB are free; make room "
                "or choose a smaller voice"
            )

    def abandon(self, stage: Path) -> None:
        """Remove the folder of a transaction, if it is still there."""
        shutil.rmtree(stage, ignore_errors=True)
        if (descriptor := self._held.pop(stage, None)) is not None:
            os.close(descriptor)

    def commit(self, name: str, origin: Origin, stage: Path) -> Voice:
        """Make the tested files in `stage` the serving version of a voice.

        Older versions but the one that served until now are removed. When the disk refuses before
        the switch, nothing of the new version is left.
        """
        manifest = make_manifest(name, origin, stage)
        manifest.write(stage)
        digest = manifest.files[f"{name}.onnx"].sha256
        version = f"{digest[:16]}-{secrets.token_hex(2)}"
        folder = self._voices / name
        served = self.serving(name)
        try:
            move_folder(stage, folder / version)
            switch_link(folder / "current", version)
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
        """Remove every version of a voice; ``current`` goes first."""
        (self._voices / name / "current").unlink(missing_ok=True)
        shutil.rmtree(self._voices / name)

    def superfluous(self, name: str) -> list[Path]:
        """Return the versions of a voice that do not serve."""
        served = self.serving(name)
        return [version for version in self.versions(name) if version != served]

    def quarantined(self) -> list[Path]:
        """Return the quarantined versions, the newest first."""
        try:
            return sorted(self._quarantine.iterdir(), key=_age)
        except OSError:
            return []

    def _new_stage(self) -> Path:
        """Make a folder in staging that is locked, so that no `recover` removes it."""
        while True:
            stage = self._staging / secrets.token_hex(8)
            stage.mkdir(parents=True)
            with contextlib.suppress(FileNotFoundError):  # recovered before it was locked
                descriptor = os.open(stage, os.O_RDONLY | os.O_DIRECTORY)
                if _locked(descriptor) and stage.exists():
                    self._held[stage] = descriptor
                    return stage
                os.close(descriptor)


def disk_error(err: OSError, root: Path) -> VoiceError:
    """Return the error to raise when the disk below `root` refuses."""
    kind = NoSpaceError if err.errno in {errno.ENOSPC, errno.EDQUOT} else StoreError
    return kind(f"{root} refuses: {err.strerror}; what was there still serves")


def folder_size(folder: Path) -> int:
    """Return the bytes of the files in `folder`."""
    return sum(path.lstat().st_size for path in folder.rglob("*"))


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _age(path: Path) -> float:
    """Return a key that sorts the newest first, and unreadable paths last."""
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0
