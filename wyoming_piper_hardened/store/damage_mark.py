"""Marks of damaged versions that nothing can replace: a voice of the user's own without a copy.

Such a version stays where it is, so that what is left of it can be saved, but serves no more.
Everything here blocks on the disk.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import SourceFileError, VoiceError
from ..reporting.issues import Damage, DamageKind
from ..system.files import write_file
from ..system.foreign_files import read_file
from ..system.foreign_json import parse_json

MARK_NAME = "damage.json"
_MAX_BYTES = 1 << 16


class NoCopyError(VoiceError):
    """A voice of the user's own is damaged, and no source has it: only a person has a copy."""

    code = "no-copy"

    def __init__(self, voice: str, damage: tuple[Damage, ...]) -> None:
        shown = "; ".join(map(str, damage))
        super().__init__(
            f"{voice} is damaged ({shown}) and there is no copy; upload or import it again, or "
            "remove it"
        )
        self.damage = damage


@dataclass(frozen=True, slots=True)
class DamageMark:
    """The damage of a version, and whether its issue has been dismissed."""

    damage: tuple[Damage, ...]
    dismissed: bool = False

    def write(self, version: Path) -> None:
        """Mark a version."""
        write_file(version / MARK_NAME, json.dumps(asdict(self)).encode())


def is_marked(version: Path) -> bool:
    """Return whether a version is marked."""
    return (version / MARK_NAME).exists()


def read_mark(version: Path) -> DamageMark | None:
    """Return the mark of a version; ``None`` without one. One that is cut off has no details."""
    if not is_marked(version):
        return None
    try:
        data = parse_json(read_file(version / MARK_NAME, _MAX_BYTES))
    except (SourceFileError, ValueError):
        return DamageMark(())
    try:
        damage = tuple(
            Damage(str(one["file"]), DamageKind(one["kind"]), dict(one["detail"]))
            for one in data["damage"]
        )
        for one in damage:
            str(one)  # its details are those of its kind
        return DamageMark(damage, data["dismissed"] is True)
    except (ValueError, KeyError, TypeError, AttributeError):
        return DamageMark(())


def remove_mark(version: Path) -> None:
    """Remove the mark of a version that turned out to be whole."""
    (version / MARK_NAME).unlink(missing_ok=True)
