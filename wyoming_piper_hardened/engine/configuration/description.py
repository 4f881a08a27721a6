"""Meaning of a voice's configuration, whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from ...errors import VoiceConfigError
from .phonemizers import Phonemizer

MARKS: Final = ("^", "$", "_")
"""Begin, end and padding, which every voice has among its phonemes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceConfiguration:
    """The configuration of a voice, every default filled in.

    Args:
        sample_rate: in hertz.
        language: a code such as ``en_GB``.
        quality: as its maker calls it; empty if unknown.
        phonemizer: makes phonemes of a text.
        espeak_voice: a name that espeak's library takes; empty where espeak is not needed.
        phoneme_ids: the model's numbers for each phoneme, marks included.
        number_of_speakers: at least 1.
        speakers: names and numbers, if they have names.
        default_speaker: number of the speaker of requests that name none.
        length_scale: the voice's own speed.
        noise_scale: its own variation of sound.
        noise_w_scale: its own variation of rhythm.
        vowel_clusters: vowels that are one phoneme together.
    """

    sample_rate: int
    language: str
    quality: str = ""
    phonemizer: Phonemizer = Phonemizer.ESPEAK
    espeak_voice: str = ""
    phoneme_ids: Mapping[str, tuple[int, ...]]
    number_of_speakers: int = 1
    speakers: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    default_speaker: int = 0
    length_scale: float = 1.0
    noise_scale: float = 0.667
    noise_w_scale: float = 0.8
    vowel_clusters: frozenset[tuple[str, ...]] = frozenset()

    def phonemes_beyond(self, symbols: int) -> tuple[str, ...]:
        """Return the phonemes that a model with a table of `symbols` rows does not have."""
        return tuple(
            phoneme
            for phoneme, ids in self.phoneme_ids.items()
            if symbols and any(number >= symbols for number in ids)
        )

    def speakers_beyond(self, speakers: int) -> int:
        """Return how many speakers a model with a table of `speakers` rows does not have."""
        return max(0, self.number_of_speakers - speakers) if speakers else 0

    def within(self, *, symbols: int = 0, speakers: int = 0) -> VoiceConfiguration:
        """Return what is left of it in a model with tables of so many rows; 0 if unknown.

        Raises:
            VoiceConfigError: the model lacks what every sentence needs.
        """
        beyond = frozenset(self.phonemes_beyond(symbols))
        if marks := sorted(beyond.intersection(MARKS)):
            raise VoiceConfigError(
                f"the numbers of phoneme_id_map for {' '.join(marks)} are beyond the model's "
                f"phonemes; numbers from 0 to {symbols - 1} are needed"
            )
        if not beyond and not self.speakers_beyond(speakers):
            return self
        count = self.number_of_speakers - self.speakers_beyond(speakers)
        return replace(
            self,
            phoneme_ids=MappingProxyType(
                {name: ids for name, ids in self.phoneme_ids.items() if name not in beyond}
            ),
            number_of_speakers=count,
            speakers=MappingProxyType({n: i for n, i in self.speakers.items() if i < count}),
            default_speaker=self.default_speaker if self.default_speaker < count else 0,
        )
