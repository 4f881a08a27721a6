"""A voice's configuration, and text to phoneme ids, one list a sentence."""

from __future__ import annotations

import json
import unicodedata
from itertools import islice
from pathlib import Path
from typing import Any, Final, cast

import onnxruntime
from piper import PiperConfig, PiperVoice
from piper.config import PhonemeType
from piper.const import BOS, EOS, PAD

from ...errors import PhonemesError, VoiceConfigError
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

_LETTERS: Final = 60
_PIECE_LETTERS: Final = 20
"""How many phonemes of the map stand in for text, and how many make a sentence of them."""


def read_config(path: Path) -> PiperConfig:
    """Read a voice's JSON.

    Raises:
        VoiceConfigError: says what is wrong with it.
    """
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise VoiceConfigError(f"cannot read {path.name}: {error}") from error
    except ValueError as error:
        start = path.read_bytes().lstrip()
        hint = "it is a web page" if start.startswith(b"<") else brief(error)
        raise VoiceConfigError(
            f"{path.name} is not JSON ({hint}); download the voice again"
        ) from error
    try:
        config = PiperConfig.from_dict(data)
        numbers = config.sample_rate > 0 and config.num_speakers >= 0
        identified = all(
            isinstance(number, int) for ids in config.phoneme_id_map.values() for number in ids
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise VoiceConfigError(
            f"{path.name} is not a Piper voice's configuration: {brief(repr(error))}"
        ) from error
    if not identified or not {BOS, EOS, PAD} <= set(config.phoneme_id_map):
        raise VoiceConfigError(f"{path.name}: phoneme_id_map lacks the marks {BOS} {EOS} {PAD}")
    if not numbers:
        raise VoiceConfigError(
            f"{path.name}: sample_rate and num_speakers must be numbers above zero"
        )
    return config


class Phonemes:
    """Turns text into sentences of phoneme ids. Needs the configuration only, not the model."""

    def __init__(self, config: PiperConfig) -> None:
        self.config = config
        # piper's phonemizing methods never touch the session, which is a whole model to load.
        self._piper = PiperVoice(session=cast("onnxruntime.InferenceSession", None), config=config)

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
        known = self.config.phoneme_id_map
        # Pinyin comes as names of syllables, which piper looks up later, in pieces.
        syllables = self.config.phoneme_type is PhonemeType.PINYIN
        found: list[list[int]] = []
        try:
            spoken = self._piper.phonemize(text.replace("\0", " "))
        except Exception as error:  # every language brings its own package, and its own errors
            kind = type(error).__name__  # its message might hold the text
            raise PhonemesError(
                f"the phonemizer of {self.config.phoneme_type.value} voices fails with {kind}; "
                "install what the language needs, or choose another voice"
            ) from error
        for phonemes in spoken:
            heard = [phoneme for phoneme in phonemes if syllables or phoneme in known]
            found.extend(
                self._piper.phonemes_to_ids(phrase)
                for phrase in phrases(heard, most)
                if any(not _is_mark(phoneme) for phoneme in phrase)
            )
        return found

    def samples(self) -> list[list[int]]:
        """Sentences to measure the voice with, as phoneme ids.

        Numbers, or the map's own phonemes where numbers are not spoken.
        """
        if self.config.phoneme_type is PhonemeType.ESPEAK:
            spoken = [ids for text in _NUMBERS for ids in self.sentences(text)]
            if spoken:
                return spoken
        known = (phoneme for phoneme in self.config.phoneme_id_map if not _is_mark(phoneme))
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
