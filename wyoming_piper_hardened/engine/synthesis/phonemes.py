"""Text to phoneme ids, one list a sentence, by piper-tts."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Final, cast

import onnxruntime
from piper import PiperConfig, PiperVoice
from piper.config import PhonemeType
from piper.const import BOS, EOS, PAD
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

from ...errors import PhonemesError, SourceFileError, VoiceConfigError
from ..configuration.description import VoiceConfiguration
from ..configuration.espeak import espeak_voices
from ..configuration.phonemizers import Phonemizer
from ..configuration.reading import read_configuration
from ..cost import Piece, choose_piece, phrase_limit
from ..quoting import brief
from .phrasing import MOST_PHONEMES, phrases

_NUMBERS: Final = (
    "1, 2, 3.",
    "45 - 67?",
    "1984, 365, 12.",
    "8, 90, 700, 11!",
    "21 31 41 51, 61 71.",
    "123456, 789.",
)
"""Text that has words in every language that espeak knows."""

_ANY_RATE: Final = 22050

_PHONEMIZING: Final = threading.Lock()
"""espeak has one state in a process: the language of the voice that was asked last."""

_LETTERS: Final = 60
_PIECE_LETTERS: Final = 20
"""Numbers of phonemes: those of the map that stand in for text, and those of a sentence."""


def read_config(path: Path) -> VoiceConfiguration:
    """Read the configuration of a voice that is here.

    Raises:
        VoiceConfigError: it cannot be read, or not understood.
        PhonemizerMissingError: its phonemizer is not here.
    """
    try:
        return read_configuration(path)
    except SourceFileError as error:
        raise VoiceConfigError(str(error)) from None


def piper_config(config: VoiceConfiguration) -> PiperConfig:
    """Return a configuration as piper-tts wants it."""
    return PiperConfig(
        num_symbols=1 + max(number for ids in config.phoneme_ids.values() for number in ids),
        num_speakers=config.number_of_speakers,
        sample_rate=config.sample_rate,
        espeak_voice=config.espeak_voice,
        phoneme_id_map=config.phoneme_ids,
        phoneme_type=PhonemeType(config.phonemizer.value),
        speaker_id_map=config.speakers,
        length_scale=config.length_scale,
        noise_scale=config.noise_scale,
        noise_w_scale=config.noise_w_scale,
        vowel_clusters=set(config.vowel_clusters) or None,
        default_speaker_id=config.default_speaker,
    )


def language_config(languages: Sequence[str]) -> VoiceConfiguration:
    """Return a configuration for what a voice of espeak's would get in a language.

    Args:
        languages: codes as espeak has them; the first one that it knows is taken.

    Raises:
        PhonemesError: espeak knows none of them.
    """
    voices = espeak_voices()
    for language in languages:
        if voices is not None and (voice := voices.find(language)) is not None:
            ids = {phoneme: tuple(ids) for phoneme, ids in DEFAULT_PHONEME_ID_MAP.items()}
            return VoiceConfiguration(
                sample_rate=_ANY_RATE,
                language=language,
                espeak_voice=voice,
                phoneme_ids=MappingProxyType(ids),
            )
    named = ", ".join(languages) or "none"
    raise PhonemesError(f"espeak knows no language of these: {brief(named)}; use another code")


class Phonemes:
    """Turns text into sentences of phoneme ids. Needs the configuration only, not the model."""

    def __init__(self, config: VoiceConfiguration) -> None:
        self.config = config
        # piper's phonemizing methods never touch the session, which is a whole model to load.
        session = cast("onnxruntime.InferenceSession", None)
        self._piper = PiperVoice(session=session, config=piper_config(config))

    def piece(self, text: str, start: int, length_scale: float) -> Piece:
        """Phrases of `text` to speak at once, from number `start` on.

        Raises:
            PhonemesError: the language's phonemizer fails on this text.
            SynthesisError: the text costs too much.
        """
        return choose_piece(self.sentences(text, phrase_limit(length_scale)), start, length_scale)

    def sentences(self, text: str, most: int = MOST_PHONEMES) -> list[list[int]]:
        """Phoneme ids of each sentence, or phrase of a long one, that has a known phoneme.

        No phrase has more than `most` phonemes.

        Raises:
            PhonemesError: the language's phonemizer fails on this text.
        """
        return [
            self._piper.phonemes_to_ids(phrase)
            for heard in self._heard(text)
            for phrase in phrases(heard, most)
            if any(not _is_mark(phoneme) for phoneme in phrase)
        ]

    def spoken(self, text: str) -> list[str]:
        """Return what the voice gets of each sentence, as text.

        Raises:
            PhonemesError: the language's phonemizer fails on this text.
        """
        return [
            "".join(heard)
            for heard in self._heard(text)
            if any(not _is_mark(phoneme) for phoneme in heard)
        ]

    def _heard(self, text: str) -> list[list[str]]:
        """Return the phonemes of each sentence that the voice knows."""
        known = self.config.phoneme_ids
        try:
            with _PHONEMIZING:
                spoken = self._piper.phonemize(text.replace("\0", " "))
        except Exception as error:  # every language brings its own package, and its own errors
            kind = type(error).__name__  # its message might hold the text
            raise PhonemesError(
                f"the phonemizer {self._described()} fails with {kind}; choose another voice"
            ) from error
        return [[phoneme for phoneme in phonemes if phoneme in known] for phonemes in spoken]

    def _described(self) -> str:
        voice = f" (espeak.voice {self.config.espeak_voice})" if self.config.espeak_voice else ""
        return f"{self.config.phonemizer}{voice}"

    def samples(self) -> list[list[int]]:
        """Sentences to measure the voice with, as phoneme ids.

        Numbers, or the map's own phonemes where numbers are not spoken.
        """
        if self.config.phonemizer is Phonemizer.ESPEAK:
            spoken = [ids for text in _NUMBERS for ids in self.sentences(text)]
            if spoken:
                return spoken
        known = (phoneme for phoneme in self.config.phoneme_ids if not _is_mark(phoneme))
        letters = list(islice(known, _LETTERS))
        pieces = [
            letters[start : start + _PIECE_LETTERS]
            for start in range(0, len(letters), _PIECE_LETTERS)
        ]
        return [self._piper.phonemes_to_ids(piece) for piece in pieces if piece]


def _is_mark(phoneme: str) -> bool:
    """Return whether a phoneme is silent on its own: padding, space, punctuation."""
    return phoneme in (BOS, EOS, PAD) or all(
        unicodedata.category(letter)[0] in "ZPCS" for letter in phoneme
    )
