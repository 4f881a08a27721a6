"""The index of a bundle, which holds a voice in one file, for machines without a network.

A bundle is a tar archive that is not compressed: first ``voice.json``, which lists the other files
with sizes and digests, then these. Their names are always the same; that of the voice is in the
index alone. The parts are not among them: they are made where the voice is to speak, as they
record that machine's speed. So a bundle fits every architecture, and says so.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from ...catalogue.model_card import MAX_CARD_BYTES
from ...engine.configuration.reading import MAX_CONFIG_BYTES
from ...hub.files import CARD_NAME
from ...store.manifest import FileRecord
from ...store.origin import Origin, OriginKind
from ...store.voice import MAX_MODEL_BYTES, is_voice_name
from ...system.foreign_json import parse_json
from ...system.numbers import checked_int
from .errors import (
    BundleArchitectureError,
    BundleChangedError,
    BundleError,
    BundleNewerError,
    BundleUnsafeError,
)

FORMAT = 1
INDEX_NAME = "voice.json"
MAX_INDEX_BYTES = 64 << 10
CONFIG, CARD, MODEL = "model.onnx.json", CARD_NAME, "model.onnx"
LIMITS: Mapping[str, int] = MappingProxyType(
    {CONFIG: MAX_CONFIG_BYTES, CARD: MAX_CARD_BYTES, MODEL: MAX_MODEL_BYTES}
)
"""The files that a bundle may have, in their order, and the most bytes of each."""

_ANY = "any"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MD5 = re.compile(r"[0-9a-f]{32}")
_ORIGIN = re.compile(r"(hub|custom|package):[\w.-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Index:
    """The voice of a bundle, its origin, and its files in their order."""

    voice: str
    origin: Origin
    files: Mapping[str, FileRecord]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(record.size for record in self.files.values())

    def to_json(self) -> bytes:
        """Return what `parse_index` reads."""
        files = {name: asdict(record) for name, record in self.files.items()}
        data = {
            "format": FORMAT,
            "architecture": _ANY,
            "voice": self.voice,
            "source": str(self.origin),
            "files": files,
        }
        return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode()

    def check_origin(self, model_md5: str) -> None:
        """Raise BundleChangedError if the model is none of that origin."""
        expected = {
            OriginKind.HUB: model_md5,
            OriginKind.EMBEDDED: str(self.files[MODEL].size),
        }.get(self.origin.kind, self.origin.fingerprint)
        if self.origin.fingerprint != expected:
            raise BundleChangedError("the bundle's model is not from where its index says")


def target_name(voice: str, name: str) -> str:
    """Return the name of a bundle's file in the folder of a version."""
    return {MODEL: f"{voice}.onnx", CONFIG: f"{voice}.onnx.json"}.get(name, name)


def parse_index(raw: bytes) -> Index:
    """Read an index.

    Raises:
        BundleError: it is malformed, newer, for another architecture, or has unsafe names.
    """
    try:
        data = parse_json(raw)
        if (version := checked_int(data["format"], 1)) > FORMAT:
            raise BundleNewerError(
                f"the bundle has format {version}, this program reads {FORMAT}; update it"
            )
        _check_architecture(data["architecture"])
        voice = _checked_name(data["voice"])
        if not is_voice_name(voice):
            raise BundleError(f"the bundle names a voice {voice[:80]!a}, which none may be called")
        origin = Origin.parse(_matched(data["source"], _ORIGIN))
        if origin.kind is OriginKind.HUB:
            _matched(origin.fingerprint, _MD5)
        return Index(voice, origin, MappingProxyType(_files(data["files"])))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BundleError(f"the bundle's {INDEX_NAME} is malformed") from None


def check_member(name: str, expected: str) -> None:
    """Raise BundleError unless the archive's next file is the expected one."""
    if _checked_name(name) != expected:
        raise BundleError(f"the bundle holds {name[:80]!a} where {expected} should be")


def _files(said: Any) -> dict[str, FileRecord]:
    files: dict[str, FileRecord] = {}
    for name in said:
        if _checked_name(name) not in LIMITS:
            raise BundleError(f"the bundle lists {name[:80]!a}, which is no file of a voice")
    for name, limit in LIMITS.items():
        if (record := said.get(name)) is not None:
            size = checked_int(record["size"], 1, limit)
            files[name] = FileRecord(size, _matched(record["sha256"], _SHA256))
    _ = files[MODEL], files[CONFIG]  # every voice has both
    return files


def _check_architecture(made_for: object) -> None:
    here = platform.machine()
    if not isinstance(made_for, str):
        raise TypeError
    if made_for not in {_ANY, here}:
        raise BundleArchitectureError(
            f"the bundle was made for {made_for[:40]!a}, and this is {here}; export the voice anew"
        )


def _checked_name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError
    if name in {"", ".", ".."} or "/" in name or "\\" in name or "\0" in name:
        raise BundleUnsafeError(f"the bundle holds the path {name[:80]!a}; it is not used")
    return name


def _matched(value: Any, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError
    return value
