"""The entry of a voice in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ..hub.files import VoiceFile


class Quality(StrEnum):
    """The sizes that Piper voices are trained in."""

    X_LOW = "x_low"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Language:
    """The language of a voice; `code` is ``<family>_<region>``, such as ``en_GB``."""

    code: str
    family: str
    region: str
    name_native: str
    name_english: str
    country_english: str


@dataclass(frozen=True, slots=True)
class CatalogueVoice:
    """One voice of the hub.

    `name` is its name in requests (``en_US-joe-medium``), `dataset` the part that names the
    speaker or the recordings (``joe``), `aliases` are older names. `speakers` maps names to numbers
    and is empty for a single speaker.
    """

    name: str
    dataset: str
    language: Language
    quality: Quality
    number_of_speakers: int
    speakers: Mapping[str, int]
    aliases: tuple[str, ...]
    model: VoiceFile
    config: VoiceFile
    model_card: VoiceFile | None

    @property
    def folder(self) -> str:
        """Folder of its files on the hub."""
        return f"{self.language.family}/{self.language.code}/{self.dataset}/{self.quality}"

    @property
    def files(self) -> tuple[VoiceFile, ...]:
        """All files, those that speech needs first."""
        needed = (self.model, self.config)
        return needed if self.model_card is None else (*needed, self.model_card)

    @property
    def size(self) -> int:
        """Bytes of the files that speech needs."""
        return self.model.size + self.config.size
