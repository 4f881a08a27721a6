"""Installed voices on the disk: a version exists whole and proved, or not at all.

::

    voices/<name>/<version>/   <name>.onnx  <name>.onnx.json  the parts  parts.json  manifest.json
    voices/<name>/current      symbolic link to the serving version, switched by rename
    staging/<transaction>/     locked while it lasts; thrown away at start-up when nobody does
    quarantine/<name>.corrupt.<time>/   the newest few, with reason.json
    locks/<name>               held by whoever changes that voice

Everything here blocks on the disk; an event loop calls it in a thread.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from ..atomic import move_folder, switch_link
from ..errors import NoSpaceError
from .manifest import MANIFEST_NAME, find_damage, make_manifest, quarantine_name
from .voice import Voice, read_voice

_LOGGER = logging.getLogger(__name__)
_SPACE_MARGIN = 64 << 20  # the parts take 2 MB of it; the rest is for everybody else
_KEPT_QUARANTINED = 3


class Store:
    """The voices below a data directory. Processes that share it take turns by a lock."""

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir
        self._voices = data_dir / "voices"
        self._staging = data_dir / "staging"
        self._quarantine = data_dir / "quarantine"
        self._held: dict[Path, int] = {}

    @contextlib.contextmanager
    def try_lock(self, name: str) -> Iterator[bool]:
        """Take the lock of a voice if it is free; yields whether. It ends with the process."""
        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("wb") as file:
            yield _locked(file.fileno())

    def recover(self) -> int:
        """Throw away what interrupted transactions left, not those under way; returns the bytes."""
        freed = 0
        with contextlib.suppress(OSError):  # nothing can be changed here, so nothing was
            for entry in os.scandir(self._staging):
                with _opened(Path(entry.path)) as descriptor:
                    if _locked(descriptor):
                        freed += folder_size(Path(entry.path))
                        shutil.rmtree(entry.path, ignore_errors=True)
        return freed

    def names(self) -> list[str]:
        """Names that have a folder, whether anything in it is usable or not."""
        try:
            return sorted(e.name for e in os.scandir(self._voices) if e.is_dir())
        except FileNotFoundError:
            return []
        except OSError as err:
            _LOGGER.error("cannot read %s: %s", self._voices, err.strerror)  # noqa: TRY400 - told
            return []

    def state(self) -> dict[str, str]:
        """Which version is current, by voice; changes with every commit and removal."""
        return {name: str(self.current(name)) for name in self.names()}

    def serving(self, name: str) -> Path | None:
        """The version to serve: ``current``, or the newest other one if that is damaged."""
        candidates = sorted(self.versions(name), key=_age)
        if (current := self.current(name)) in candidates:
            candidates.remove(current)
            candidates.insert(0, current)
        return next((path for path in candidates if not find_damage(path, digests=False)), None)

    def current(self, name: str) -> Path | None:
        """Where ``current`` points to, if it is a version's name and not a way out."""
        link = self._voices / name / "current"
        try:
            target = link.readlink()
        except OSError:
            return None
        return link.with_name(target.name) if target.name == str(target) else None

    def versions(self, name: str) -> list[Path]:
        """Every folder of a version that has a manifest."""
        try:
            folders = [Path(entry.path) for entry in os.scandir(self._voices / name)]
        except OSError:
            return []
        return [p for p in folders if not p.is_symlink() and (p / MANIFEST_NAME).is_file()]

    def begin(self, model_bytes: int) -> Path:
        """A new empty folder in staging, for the holder of the lock to fill and commit.

        Raises:
            NoSpaceError: a voice of `model_bytes` would not fit.
        """
        stage = self._new_stage()
        try:
            self.check_room(model_bytes)
        except NoSpaceError:
            self.abandon(stage)
            raise
        return stage

    def check_room(self, model_bytes: int = 0) -> None:
        """Return if a voice of `model_bytes` can be made into a version.

        Raises:
            NoSpaceError: it would not fit, or the disk would be too full for everybody else.
        """
        needed = model_bytes + _SPACE_MARGIN
        free = shutil.disk_usage(self._staging).free
        if free < needed:
            raise NoSpaceError(
                f"{needed >> 20} MB are needed in {self.root}, {free >> 20} MB are free; make room "
                "or choose a smaller voice"
            )

    def abandon(self, stage: Path) -> None:
        """Remove what is left of a transaction's folder, if anything."""
        shutil.rmtree(stage, ignore_errors=True)
        if (descriptor := self._held.pop(stage, None)) is not None:
            os.close(descriptor)

    def commit(self, name: str, source: str, stage: Path) -> Voice:
        """Let the proved files in `stage` be the serving version of a voice.

        Older versions but the one that served until now are removed. When the disk refuses before
        the switch, nothing of the new version is left.
        """
        manifest = make_manifest(name, source, stage)
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
                    folder.rmdir()  # which it is the first version of
            raise
        for old in self.versions(name):
            if old not in {folder / version, served}:
                shutil.rmtree(old, ignore_errors=True)
        return read_voice(name, folder / version / f"{name}.onnx")

    def set_aside(self, version: Path, reason: str) -> None:
        """Quarantine a damaged version; it is never served again. The newest few are kept."""
        self._quarantine.mkdir(parents=True, exist_ok=True)
        now = time.time()
        target = self._quarantine / quarantine_name(version.parent.name, now)
        while target.exists():
            target = target.with_name(f"{target.name}+")
        with contextlib.suppress(OSError):
            note = {"reason": reason, "version": version.name, "time": now}
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
        """Versions of a voice that do not serve."""
        served = self.serving(name)
        return [version for version in self.versions(name) if version != served]

    def quarantined(self) -> list[Path]:
        """What was set aside, the newest first."""
        try:
            return sorted(self._quarantine.iterdir(), key=_age)
        except OSError:
            return []

    def _new_stage(self) -> Path:
        """A new folder in staging that is locked, so that no `recover` takes it for a left one."""
        while True:
            stage = self._staging / secrets.token_hex(8)
            stage.mkdir(parents=True)
            with contextlib.suppress(FileNotFoundError):  # recovered before it was locked
                descriptor = os.open(stage, os.O_RDONLY | os.O_DIRECTORY)
                if _locked(descriptor) and stage.exists():
                    self._held[stage] = descriptor
                    return stage
                os.close(descriptor)


def folder_size(folder: Path) -> int:
    """Bytes of the files in `folder`."""
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
    """For sorting, the newest first; what cannot be looked at last."""
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0
