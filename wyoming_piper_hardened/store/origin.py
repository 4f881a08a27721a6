"""Where an installed voice came from, and how much of the disk it takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..errors import VoiceError
from ..voices.sources import CUSTOM, PACKAGE
from .manifest import read_manifest
from .voice import Voice


class Origin(StrEnum):
    """The kinds of places that voices come from."""

    HUB = "hub"
    CUSTOM = "custom"
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a voice came from, and the bytes of its files, parts included."""

    origin: Origin
    size: int


_ORIGINS = {PACKAGE: Origin.EMBEDDED, CUSTOM: Origin.CUSTOM}


def provenance(voice: Voice) -> Provenance:
    """Look at the version that serves. Blocks on the disk."""
    try:
        manifest = read_manifest(voice.model.parent)
    except VoiceError:  # it is served from the package itself
        return Provenance(Origin.EMBEDDED, _size(voice))
    kind = manifest.source.partition(":")[0]
    size = sum(record.size for record in manifest.files.values())
    return Provenance(_ORIGINS.get(kind, Origin.HUB), size)


def _size(voice: Voice) -> int:
    try:
        return voice.model.stat().st_size
    except OSError:
        return 0
