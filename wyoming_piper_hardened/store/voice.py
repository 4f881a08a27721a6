"""Descriptions of installed voices, read without loading them."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..engine.embedded import find_parts
from ..engine.messages import LENGTH_SCALES, NOISE_SCALES, VoiceVersion, config_path
from ..engine.report import Mode, SplitReport
from ..engine.schedule import Schedule, choose
from ..errors import SourceFileError, SpeakerNotFoundError, VoiceError
from ..reporting.events import Event
from ..system.foreign_files import read_file
from ..system.foreign_json import parse_json
from ..system.numbers import checked_int
from ..text import language_codes

_LOGGER = logging.getLogger(__name__)

NAME_PATTERN = r"[^\W\d_][\w.+-]{0,99}"
"""Names of voices; see `is_voice_name`."""

MAX_MODEL_BYTES = 1 << 30
"""The largest model of the hub has 114 MB."""

MAX_CONFIG_BYTES = 4 * 1024 * 1024
"""The largest of the hub, with 904 speakers, has 50 kB."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{1,8}){0,3}")
_QUALITY = re.compile(r"\w{0,20}")
_RATES = (4000, 192_000)
_MOST_SPEAKERS = 10_000  # the hub's largest voice has 904
_MAX_SPEAKER_CHARS = 100
_PHONEME_TYPE = re.compile(r"[a-z]{1,20}")
_MOST_PHONEMES = 10_000  # the hub's largest map has 256
_NAME = re.compile(NAME_PATTERN)
_NUMBER = re.compile(r"[0-9]{1,5}")
_SCALES = {"length_scale": LENGTH_SCALES, "noise_scale": NOISE_SCALES, "noise_w": NOISE_SCALES}
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
    """Return whether a voice may have that name, which is then also safe as that of a file."""
    return _NAME.fullmatch(name) is not None and len(name.encode()) <= _MAX_NAME_BYTES


def shown_name(name: str) -> str:
    """Return a name for people: as it is if a voice may have it, else with escapes."""
    return name if is_voice_name(name) else ascii(name[:100])


def check_voice_name(name: str) -> None:
    """Raise VoiceError for a name that no voice may have."""
    if not is_voice_name(name):
        raise VoiceError(f"{name[:100]!a} cannot be the name of a voice")


def read_voice(name: str, model: Path) -> Voice:
    """Describe the voice in `model` and the configuration beside it. Blocks on the disk.

    Raises:
        VoiceError: a file is missing or the configuration is not one of a Piper voice.
    """
    path = config_path(model)
    try:
        if not model.is_file():
            raise VoiceError(f"{name!r}: {model.name!r} is missing; install the voice again")
        config = parse_json(read_file(path, MAX_CONFIG_BYTES))
        _check_scales(config.get("inference", {}))
        prepared, schedule = _preparation(name, model)
        return Voice(
            name=name,
            model=model,
            language=_language(name, config),
            quality=_quality(config["audio"].get("quality", "")),
            sample_rate=checked_int(config["audio"]["sample_rate"], *_RATES),
            speakers=MappingProxyType(_speakers(config.get("speaker_id_map", {}))),
            number_of_speakers=checked_int(config.get("num_speakers", 1) or 1, 1, _MOST_SPEAKERS),
            phoneme_type=_phoneme_type(config.get("phoneme_type", "espeak")),
            phonemes=_phonemes(config.get("phoneme_id_map") or {}),
            length_scale=float(config.get("inference", {}).get("length_scale", 1.0)),
            prepared=prepared,
            schedule=schedule,
        )
    except SourceFileError as err:
        raise VoiceError(f"{name!r}: {err}") from None
    except OSError as err:
        raise VoiceError(f"{name!r}: cannot read {path.name!r}: {err.strerror}") from None
    except (ValueError, OverflowError, KeyError, TypeError, AttributeError, RecursionError):
        raise VoiceError(
            f"{name!r}: {path.name!r} is not the configuration of a Piper voice; install it again"
        ) from None


def _preparation(name: str, model: Path) -> tuple[bool, Schedule | None]:
    if (folder := find_parts(model)) is None:
        return False, None
    try:
        report = SplitReport.read(folder)
    except VoiceError as err:
        _LOGGER.warning(Event("parts-unusable", voice=name, reason=str(err)))
        return False, None
    if report.mode is Mode.WHOLE:
        return True, None
    try:
        return True, choose(report.real_time_factor, report.hop_length / report.sample_rate)
    except (ArithmeticError, TypeError, ValueError) as err:
        _LOGGER.warning(Event("parts-unusable", voice=name, reason=repr(err)))
        return False, None


def _check_scales(inference: Mapping[str, object]) -> None:
    """Check the voice's own scales, as those of requests are."""
    for key, (low, high) in _SCALES.items():
        value = inference.get(key, 1.0)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ValueError
        if not low <= value <= high:  # which holds for no NaN
            raise VoiceError(f"inference.{key} of its configuration is not from {low} to {high}")


def _language(name: str, config: Any) -> str:
    code = (config.get("language") or {}).get("code")
    if isinstance(code, str) and _LANGUAGE.fullmatch(code):
        return code
    if named := language_codes.of_voice_name(name):
        return named
    voice = str(config["espeak"]["voice"]).rpartition("/")[2].partition("+")[0]
    if not _LANGUAGE.fullmatch(voice):
        raise ValueError
    family, _, region = voice.partition("-")
    return f"{family}_{region.upper()}" if region else family


def _quality(value: object) -> str:
    return value if isinstance(value, str) and _QUALITY.fullmatch(value) else ""


def _phoneme_type(value: object) -> str:
    if not isinstance(value, str) or not _PHONEME_TYPE.fullmatch(value):
        raise ValueError
    return value


def _phonemes(numbers: Mapping[Any, Any]) -> frozenset[str]:
    if len(numbers) > _MOST_PHONEMES:
        raise ValueError
    return frozenset(phoneme for phoneme in numbers if len(phoneme) == 1)


def _speakers(numbers: Mapping[Any, Any]) -> dict[str, int]:
    """Return checked names: every client gets them."""
    if len(numbers) > _MOST_SPEAKERS:
        raise ValueError
    found = {
        str(name): checked_int(int(number), 0, _MOST_SPEAKERS) for name, number in numbers.items()
    }
    if any(len(name.encode()) > 4 * _MAX_SPEAKER_CHARS for name in found):
        raise ValueError
    return found
