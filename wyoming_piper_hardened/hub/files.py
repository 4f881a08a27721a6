"""Files of the voice repository, as a catalogue lists them."""

from __future__ import annotations

from dataclasses import dataclass


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
