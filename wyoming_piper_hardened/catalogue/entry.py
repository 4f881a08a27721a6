"""The entry of a voice in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ..engine.configuration.phonemizers import AVAILABLE, Phonemizer
from ..hub.files import VoiceFile

_PHONEMIZERS = {
    "zh_CN-chaowen-medium": Phonemizer.PINYIN,
    "zh_CN-xiao_ya-medium": Phonemizer.PINYIN,
}
"""The catalogue does not say; of other voices their configuration does, before the model comes."""

_PHONEMIZERS_OF_LANGUAGES = {"ja": Phonemizer.JAPANESE, "th": Phonemizer.THAI}
"""By family: languages that espeak cannot read."""


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
    def phonemizer(self) -> Phonemizer | None:
        """The phonemizer that it is known to need; ``None`` if its configuration has to say."""
        by_language = _PHONEMIZERS_OF_LANGUAGES.get(self.language.family)
        return _PHONEMIZERS.get(self.name, by_language)

    @property
    def can_speak(self) -> bool:
        """Whether it can speak here, as far as known without its files."""
        return self.phonemizer is None or self.phonemizer in AVAILABLE

    @property
    def files(self) -> tuple[VoiceFile, ...]:
        """All files, those that speech needs first."""
        needed = (self.model, self.config)
        return needed if self.model_card is None else (*needed, self.model_card)

    @property
    def size(self) -> int:
        """Bytes of the files that speech needs."""
        return self.model.size + self.config.size
