"""Descriptions of installed voices, read without loading them."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..engine.configuration.reading import read_configuration
from ..engine.embedded import find_parts
from ..engine.messages import VoiceVersion, config_path
from ..engine.report import PART_NAMES, Mode, SplitReport
from ..engine.schedule import Schedule, choose
from ..errors import SourceFileError, SpeakerNotFoundError, VoiceError
from ..reporting.events import Event

_LOGGER = logging.getLogger(__name__)

NAME_PATTERN = r"[^\W\d_][\w.+-]{0,99}"
"""Names of voices; see `is_voice_name`."""

MAX_MODEL_BYTES = 1 << 30
"""The largest model of the hub has 114 MB."""

_NAME = re.compile(NAME_PATTERN)
_NUMBER = re.compile(r"[0-9]{1,5}")
_OTHER_CHARACTERS = re.compile(r"[^\w.+-]+")
_SHOWN_SPEAKERS = 20
_MAX_NAME_BYTES = 200  # file systems allow 255, with endings


@dataclass(frozen=True, slots=True)
class Voice:
    """One installed voice. `speakers` maps names to numbers and is empty for a single speaker."""

    name: str
    model: Path
    language: str
    quality: str
    sample_rate: int
    speakers: Mapping[str, int]
    number_of_speakers: int
    phoneme_type: str = "espeak"
    """Name of its phonemizer."""
    phonemes: frozenset[str] = frozenset()
    """Phonemes of one character."""
    length_scale: float = 1.0
    """Its own speed, as in the setting of that name."""
    prepared: bool = False
    """True if its parts lie beside the model, or came with this package."""
    schedule: Schedule | None = None
    """Chunks of its sentences; ``None`` for a voice that cannot stream."""

    @property
    def version(self) -> VoiceVersion:
        """Its identity; a repaired or updated voice has another one."""
        return VoiceVersion(self.model)

    def speaker_id(self, speaker: str | None) -> int | None:
        """Return the number of `speaker` (a name, or a number as text); ``None`` for the default.

        Raises:
            SpeakerNotFoundError: there is no such speaker; it names those that exist.
        """
        if speaker is None:
            return None
        number = self.speakers.get(speaker)
        if number is None and _NUMBER.fullmatch(speaker):
            number = int(speaker)
        if number is None or not 0 <= number < max(self.number_of_speakers, 1):
            raise SpeakerNotFoundError(
                f"the voice {self.name} has no speaker {speaker[:40]!r}; {self._speakers_shown()}"
            )
        return number if self.number_of_speakers > 1 else None

    def _speakers_shown(self) -> str:
        if self.number_of_speakers <= 1:
            return "it has one speaker: leave the speaker out"
        names = speaker_names(self.speakers, self.number_of_speakers)
        more = ", …" if len(names) > _SHOWN_SPEAKERS else ""
        return f"it has {', '.join(names[:_SHOWN_SPEAKERS])}{more}"


def speaker_names(speakers: Mapping[str, int], count: int) -> list[str]:
    """Return the names by which requests choose speakers, by number; none for a single speaker.

    Args:
        speakers: names and numbers, if they have names.
        count: the number of speakers.
    """
    if not speakers and count > 1:
        return [str(number) for number in range(count)]
    return sorted(speakers, key=lambda name: speakers[name])


def is_voice_name(name: str) -> bool:
    """Return whether a voice may have that name, which is then also safe as that of a file.

    Names of parts are refused: they lie in the same folder as the model.
    """
    return (
        _NAME.fullmatch(name) is not None
        and len(name.encode()) <= _MAX_NAME_BYTES
        and name not in PART_NAMES
    )


def shown_name(name: str) -> str:
    """Return a name for people: as it is if a voice may have it, else with escapes."""
    return name if is_voice_name(name) else ascii(name[:100])


def check_voice_name(name: str) -> None:
    """Raise VoiceError for a name that no voice may have; it says the rule, and one like it."""
    if is_voice_name(name):
        return
    similar = suggest_voice_name(name)
    hint = f", such as {similar}" if similar else ""
    raise VoiceError(
        f"{name[:100]!a} cannot be the name of a voice: that is a letter, then letters, digits and "
        f"_ . + - (100 at most){hint}"
    )


def suggest_voice_name(name: str) -> str | None:
    """Return the name most like `name` that a voice may have; ``None`` if nothing is left of it."""
    plain = unicodedata.normalize("NFC", name[:200])
    plain = _OTHER_CHARACTERS.sub("_", plain).lstrip("0123456789_.+-")[:100].rstrip("_")
    while len(plain.encode()) > _MAX_NAME_BYTES:
        plain = plain[:-1]
    return plain if is_voice_name(plain) else None


def read_voice(name: str, model: Path) -> Voice:
    """Describe the voice in `model` and the configuration beside it. Blocks on the disk.

    Raises:
        VoiceError: a file is missing, or the configuration is none that can be spoken with here.
    """
    try:
        if not model.is_file():
            raise VoiceError(f"{name!r}: {model.name!r} is missing; install the voice again")
        config = read_configuration(config_path(model))
    except SourceFileError as err:
        raise VoiceError(f"{name!r}: {err}") from None
    except OSError as err:
        raise VoiceError(f"{name!r}: cannot read {model.name!r}: {err.strerror}") from None
    report = _report(name, model)
    if report is not None:
        config = config.within(symbols=report.symbols, speakers=report.speakers)
    prepared, schedule = _preparation(name, report)
    return Voice(
        name=name,
        model=model,
        language=config.language,
        quality=config.quality,
        sample_rate=config.sample_rate,
        speakers=config.speakers,
        number_of_speakers=config.number_of_speakers,
        phoneme_type=config.phonemizer,
        phonemes=frozenset(phoneme for phoneme in config.phoneme_ids if len(phoneme) == 1),
        length_scale=config.length_scale,
        prepared=prepared,
        schedule=schedule,
    )


def _report(name: str, model: Path) -> SplitReport | None:
    """Return the report on the parts of a model; ``None`` if there are none that can be used."""
    if (folder := find_parts(model)) is None:
        return None
    try:
        return SplitReport.read(folder)
    except VoiceError as err:
        _LOGGER.warning(Event("parts-unusable", voice=name, reason=str(err)))
        return None


def _preparation(name: str, report: SplitReport | None) -> tuple[bool, Schedule | None]:
    if report is None:
        return False, None
    if report.mode is Mode.WHOLE:
        return True, None
    try:
        return True, choose(report.real_time_factor, report.hop_length / report.sample_rate)
    except (ArithmeticError, TypeError, ValueError) as err:
        _LOGGER.warning(Event("parts-unusable", voice=name, reason=repr(err)))
        return False, None
