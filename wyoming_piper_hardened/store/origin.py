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


_TEXTS = {OriginKind.HUB: "hub", OriginKind.CUSTOM: "custom", OriginKind.EMBEDDED: "package"}
_KINDS = {text: kind for kind, text in _TEXTS.items()}


@dataclass(frozen=True, slots=True)
class Origin:
    """Origin of the files of a voice; equal origins mean the same files.

    `fingerprint` is the model's MD5 (hub), sizes and times of both files (custom), or the model's
    size (embedded).
    """

    kind: OriginKind
    fingerprint: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a manifest; an unknown kind is taken for a voice of the hub."""
        prefix, _, fingerprint = text.partition(":")
        if (kind := _KINDS.get(prefix)) is not None:
            return cls(kind, fingerprint)
        return cls(OriginKind.HUB, text)

    def __str__(self) -> str:
        return f"{_TEXTS[self.kind]}:{self.fingerprint}"
