"""Origins of installed voices, and their text in a manifest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class OriginKind(StrEnum):
    """The kinds of sources that voices come from."""

    HUB = "hub"
    CUSTOM = "custom"
    EMBEDDED = "embedded"

    @classmethod
    def of_prefix(cls, text: str) -> Self | None:
        """Return the kind of a text in manifests and names of versions; ``None`` for others."""
        kind = _KINDS.get(text)
        return None if kind is None else cls(kind)


_TEXTS = {OriginKind.HUB: "hub", OriginKind.CUSTOM: "custom", OriginKind.EMBEDDED: "package"}
_LABEL = 8  # digits that tell apart the few versions that a voice ever had
_KINDS = {text: kind for kind, text in _TEXTS.items()}


@dataclass(frozen=True, slots=True)
class Origin:
    """Origin of the files of a voice; equal origins mean the same files.

    `fingerprint` is the model's MD5 (hub), sizes and times of both files (custom), or the model's
    size (embedded).
    """

    kind: OriginKind
    fingerprint: str

    @property
    def label(self) -> str | None:
        """Short name of a version of the repository's files; ``None`` for other files."""
        return self.fingerprint[:_LABEL] if self.kind is OriginKind.HUB else None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a manifest; an unknown kind is taken for a voice of the hub."""
        prefix, _, fingerprint = text.partition(":")
        if (kind := _KINDS.get(prefix)) is not None:
            return cls(kind, fingerprint)
        return cls(OriginKind.HUB, text)

    @property
    def prefix(self) -> str:
        """Its kind in names of versions and manifests."""
        return _TEXTS[self.kind]

    def __str__(self) -> str:
        return f"{self.prefix}:{self.fingerprint}"
