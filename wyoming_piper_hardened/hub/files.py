"""Files of the voice repository, as a catalogue lists them."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from ..system.foreign_json import parse_json

REPOSITORY = "rhasspy/piper-voices"
CATALOGUE_PATH = "voices.json"
CARD_NAME = "MODEL_CARD"
MIRROR_PATH = "mirror.json"
"""Only mirrors have it that are folders behind some web server, whose answers name no commit."""

_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class VoiceFile:
    """One file: its path in the repository, its size in bytes, its MD5 in hex."""

    path: str
    size: int
    md5: str

    @property
    def name(self) -> str:
        """The path's last part."""
        return self.path.rpartition("/")[2]


def is_commit(revision: str) -> bool:
    """Return whether a revision of the repository is a commit, which never moves."""
    return _COMMIT.fullmatch(revision) is not None


def mirror_mark(catalogue: bytes) -> bytes:
    """Return the mark of a mirror with that catalogue, whose digest stands for a commit."""
    commit = hashlib.sha1(catalogue, usedforsecurity=False).hexdigest()
    return json.dumps({"format": 1, "commit": commit}).encode()


def mirror_commit(mark: bytes) -> str | None:
    """Return what stands for a commit in the mark of a mirror; ``None`` if it is something else."""
    try:
        data = parse_json(mark)
        known = data["format"] == 1 and is_commit(data["commit"])
    except (ValueError, KeyError, TypeError):
        return None
    return data["commit"] if known else None
