"""The manifest of a committed version of a voice, and the comparison of the files with it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from ..engine.report import REPORT_NAME, SplitReport
from ..errors import SourceFileError, VoiceError
from ..hub.files import CARD_NAME
from ..reporting.issues import Damage, DamageKind
from ..system.foreign_files import read_blocks, read_file
from ..system.foreign_json import parse_json
from ..system.numbers import checked_int
from .origin import Origin, OriginKind
from .voice import MAX_MODEL_BYTES

MANIFEST_NAME = "manifest.json"
FORMAT = 1
_MAX_BYTES = 1 << 20
_FILE_NAME = re.compile(r"[^/\0\x00-\x1f]{1,200}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Size in bytes and digest of a file."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Every file of a version, made when all of them had been tested.

    `origin` is where the voice came from, so that a repair knows where to get it again.
    """

    voice: str
    origin: Origin
    files: Mapping[str, FileRecord]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(record.size for record in self.files.values())

    def write(self, folder: Path) -> None:
        """Write the manifest into `folder`."""
        files = {name: asdict(record) for name, record in sorted(self.files.items())}
        source = str(self.origin)
        data = {"format": FORMAT, "voice": self.voice, "source": source, "files": files}
        text = json.dumps(data, ensure_ascii=False, indent=1)
        (folder / MANIFEST_NAME).write_text(text + "\n", encoding="utf-8")


def make_manifest(voice: str, origin: Origin, folder: Path) -> Manifest:
    """Record every file in `folder`. Blocks on the disk.

    Raises:
        SourceFileError: one of them is no regular file.
    """
    files = {
        path.name: FileRecord(path.stat().st_size, _digest(path, MAX_MODEL_BYTES, None))
        for path in folder.iterdir()
        if path.name != MANIFEST_NAME
    }
    return Manifest(voice, origin, MappingProxyType(files))


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a version.

    Raises:
        VoiceError: there is none, or it is damaged: the version is not to be trusted.
    """
    try:
        data = parse_json(read_file(folder / MANIFEST_NAME, _MAX_BYTES))
        if data["format"] != FORMAT:
            raise VoiceError(f"{folder.name!r} has a manifest of another version of this program")
        files = {
            _matched(name, _FILE_NAME): FileRecord(
                checked_int(record["size"], 0), _matched(record["sha256"], _SHA256)
            )
            for name, record in data["files"].items()
        }
        voice = _matched(data["voice"], _FILE_NAME)
        _ = files[f"{voice}.onnx"], files[f"{voice}.onnx.json"]  # every voice has both
        origin = Origin.parse(_matched(data["source"], _FILE_NAME))
        return Manifest(voice, origin, MappingProxyType(files))
    except SourceFileError as err:
        raise VoiceError(f"{folder.name!r} has no manifest: {err}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise VoiceError(f"the manifest of {folder.name!r} is damaged") from None


def origin_and_size(model: Path) -> tuple[Origin, int]:
    """Return where an installed model came from, and the bytes of its files, parts included.

    A model without a manifest is that of the embedded voice. Blocks on the disk.
    """
    try:
        manifest = read_manifest(model.parent)
    except VoiceError:
        try:
            size = model.stat().st_size
        except OSError:
            size = 0
        return Origin(OriginKind.EMBEDDED, str(size)), size
    return manifest.origin, manifest.size


def origin_kind(version: Path) -> OriginKind | None:
    """Return the kind of a version's origin, by its name or its manifest. Blocks on the disk."""
    if (kind := OriginKind.of_prefix(version.name.rpartition(".")[2])) is not None:
        return kind
    try:
        return read_manifest(version).origin.kind
    except VoiceError:
        return None


def find_damage(
    folder: Path, *, digests: bool, pause: Callable[[], None] | None = None
) -> tuple[Damage, ...]:
    """Compare a committed version with its manifest. Blocks on the disk.

    Args:
        folder: the version.
        digests: read every byte of every file; else only presence and size are compared, of what
            speech needs.
        pause: called between blocks, so that a check in the background can give way.
    """
    try:
        manifest = read_manifest(folder)
        _check_complete(manifest, folder)
    except VoiceError as err:
        return (Damage(MANIFEST_NAME, DamageKind.MANIFEST, {"error": str(err)}),)
    found: list[Damage] = []
    for name, record in manifest.files.items():
        if name == CARD_NAME and not digests:
            continue
        path = folder / name
        try:
            size = path.stat().st_size
            if size != record.size:
                detail = {"found": size, "expected": record.size}
                found.append(Damage(name, DamageKind.SIZE, detail))
            elif digests and _digest(path, record.size, pause) != record.sha256:
                found.append(Damage(name, DamageKind.CHANGED))
        except OSError as err:
            found.append(Damage(name, DamageKind.UNREADABLE, {"error": err.strerror}))
        except SourceFileError as err:
            found.append(Damage(name, DamageKind.UNREADABLE, {"error": str(err)}))
    return tuple(found)


def _check_complete(manifest: Manifest, folder: Path) -> None:
    """Raise VoiceError if a file that speaks is not listed, so that nothing would verify it."""
    used: set[str] = set()
    if manifest.voice != folder.parent.name:
        raise VoiceError(f"the manifest of {folder.name} is that of another voice")
    if (folder / REPORT_NAME).exists():
        used.add(REPORT_NAME)
        with contextlib.suppress(VoiceError):  # its own damage is found by its digest
            report = SplitReport.read(folder)
            parts = (part for part in (report.flow, report.decoder) if part is not None)
            used |= {str(report.front), *(str(part.file) for part in parts)}
    if missing := used - manifest.files.keys():
        raise VoiceError(f"the manifest of {folder.name} lacks {', '.join(sorted(missing))}")


def _digest(path: Path, limit: int, pause: Callable[[], None] | None) -> str:
    digest = hashlib.sha256()
    for block in read_blocks(path, limit):
        digest.update(block)
        if pause is not None:
            pause()
    return digest.hexdigest()


def _matched(value: object, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value) or value in {".", ".."}:
        raise ValueError
    return value
