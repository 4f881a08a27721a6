"""What belongs to a committed version of a voice, and whether it is still as it was committed."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from ..errors import VoiceError

MANIFEST_NAME = "manifest.json"
FORMAT = 1
_MAX_BYTES = 1 << 20
_FILE_NAME = re.compile(r"[^/\0\x00-\x1f]{1,200}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Size in bytes and digest of a file."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Every file of a version, made when all of them had been proved.

    `source` tells where the voice came from, so that a repair knows where to get it again.
    """

    voice: str
    source: str
    files: Mapping[str, FileRecord]

    def write(self, folder: Path) -> None:
        """Put the manifest into `folder`."""
        files = {name: asdict(record) for name, record in sorted(self.files.items())}
        data = {"format": FORMAT, "voice": self.voice, "source": self.source, "files": files}
        text = json.dumps(data, ensure_ascii=False, indent=1)
        (folder / MANIFEST_NAME).write_text(text + "\n", encoding="utf-8")


def make_manifest(voice: str, source: str, folder: Path) -> Manifest:
    """Record every file in `folder`. Blocks on the disk."""
    files = {
        path.name: FileRecord(path.stat().st_size, _digest(path, None))
        for path in folder.iterdir()
        if path.name != MANIFEST_NAME
    }
    return Manifest(voice, source, MappingProxyType(files))


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a version.

    Raises:
        VoiceError: there is none, or it is damaged: the version is not to be trusted.
    """
    try:
        with (folder / MANIFEST_NAME).open("rb") as file:
            data = json.loads(file.read(_MAX_BYTES))
        if data["format"] != FORMAT:
            raise VoiceError(f"{str(folder)!r} has a manifest of another version of this program")
        files = {
            _matched(name, _FILE_NAME): FileRecord(
                _size(record["size"]), _matched(record["sha256"], _SHA256)
            )
            for name, record in data["files"].items()
        }
        return Manifest(str(data["voice"]), str(data["source"]), MappingProxyType(files))
    except OSError as err:
        raise VoiceError(f"{str(folder)!r} has no manifest: {err.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise VoiceError(f"the manifest of {str(folder)!r} is damaged") from None


def find_damage(
    folder: Path, *, digests: bool, pause: Callable[[], None] | None = None
) -> list[str]:
    """What is wrong with a committed version; empty when nothing is. Blocks on the disk.

    Args:
        folder: the version.
        digests: read every byte, too; else only presence and size are looked at.
        pause: called between blocks, so that a check in the background can give way.
    """
    try:
        manifest = read_manifest(folder)
    except VoiceError as err:
        return [str(err)]
    found: list[str] = []
    for name, record in manifest.files.items():
        path = folder / name
        try:
            size = path.stat().st_size
            if size != record.size:
                found.append(f"{name} has {size} bytes instead of {record.size}")
            elif digests and _digest(path, pause) != record.sha256:
                found.append(f"{name} has changed")
        except OSError as err:
            found.append(f"{name} cannot be read: {err.strerror}")
    return found


def _digest(path: Path, pause: Callable[[], None] | None) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            if pause is not None:
                pause()
    return digest.hexdigest()


def _matched(value: object, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value) or value in {".", ".."}:
        raise ValueError
    return value


def _size(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError
    return value


def quarantine_name(voice: str, now: float) -> str:
    """The name of a quarantined version's folder; sorts by time within a voice."""
    return f"{voice}.corrupt.{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}"
