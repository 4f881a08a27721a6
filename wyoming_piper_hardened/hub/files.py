"""Files of the voice repository, as a catalogue lists them."""

from __future__ import annotations

import re
from dataclasses import dataclass

CATALOGUE_PATH = "voices.json"
CARD_NAME = "MODEL_CARD"

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
