"""Reader of the configuration of a voice, a JSON file beside the model.

The one place that reads it: the store, the preparation and the engine get what it returns. Piper's
own tools and people's editors have written these files in many ways, so what is plainly meant is
taken, and what cannot be understood is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from json import JSONDecodeError
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ...errors import VoiceConfigError
from ...system.foreign_files import read_file
from ...system.foreign_json import parse_json
from ..messages import LENGTH_SCALES, NOISE_SCALES
from .description import MARKS, VoiceConfiguration
from .espeak import espeak_voices
from .phonemizers import Phonemizer, check_available
from .values import Section, ValueRefusedError, shown, whole_number

MAX_CONFIG_BYTES: Final = 4 * 1024 * 1024
"""The largest of the hub, with 904 speakers, has 50 kB."""

_RATES: Final = (4000, 192_000)
_MOST_SPEAKERS: Final = 10_000  # the hub's largest voice has 904
_MOST_PHONEMES: Final = 10_000  # the hub's largest map has 256
_MOST_CLUSTERS: Final = 1000
_MAX_ID: Final = 1_000_000
_MAX_NAME_BYTES: Final = 400
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{1,8}){0,3}")
_IN_NAME: Final = re.compile(r"([a-z]{2,3}_[A-Z]{2})-")
_QUALITY: Final = re.compile(r"\w{0,20}")
_SUFFIX: Final = ".onnx.json"
_LFS_POINTER: Final = b"version https://git-lfs"


def language_of_name(voice: str) -> str | None:
    """Return the code that a voice's name begins with (``en_US-joe-medium``), if it does."""
    match = _IN_NAME.match(voice)
    return match[1] if match else None


def read_configuration(path: Path) -> VoiceConfiguration:
    """Read the configuration in ``NAME.onnx.json``. Blocks on the disk.

    Raises:
        SourceFileError: it is no regular file of a few megabytes, or cannot be read.
        VoiceConfigError: it cannot be understood; names the key, the value and what is allowed.
        PhonemizerMissingError: it is of a voice that needs a phonemizer which is not here.
    """
    config = parse_configuration(read_file(path, MAX_CONFIG_BYTES), path.name)
    check_available(config.phonemizer, _voice_of(path.name))
    return config


def parse_configuration(raw: bytes, file: str) -> VoiceConfiguration:
    """Return what the bytes of a configuration mean.

    Args:
        raw: JSON in any of Unicode's encodings, with or without a mark that says which.
        file: name of the file, ``NAME.onnx.json``; for what its contents do not say.

    Raises:
        VoiceConfigError: see `read_configuration`.
    """
    try:
        return _configuration(_object(raw), _voice_of(file))
    except ValueRefusedError as err:
        raise VoiceConfigError(f"{file}: {err}") from None


def _voice_of(file: str) -> str:
    """Return the name of the voice whose configuration a file is."""
    return file[: -len(_SUFFIX)] if file.lower().endswith(_SUFFIX) else file


def _object(raw: bytes) -> Section:
    """Return the object of a JSON text."""
    start = raw[:200].lstrip(b"\xef\xbb\xbf\xfe\xff\0 \t\r\n")
    if start.startswith(b"<"):
        raise ValueRefusedError("it is a web page; download the voice again")
    if start.startswith(_LFS_POINTER):
        raise ValueRefusedError("it is a pointer of Git LFS; get the file that it stands for")
    try:
        data = parse_json(raw)
    except JSONDecodeError as err:
        place = f"line {err.lineno}, column {err.colno}"
        raise ValueRefusedError(f"it is not JSON ({place}); download the voice again") from None
    except ValueError:  # its encoding, its size, its depth
        raise ValueRefusedError("it is not JSON of a configuration; download it again") from None
    if not isinstance(data, dict):
        raise ValueRefusedError(f"it is {shown(data)}; an object of settings is needed")
    return Section(data)


def _configuration(config: Section, voice: str) -> VoiceConfiguration:
    inference = config.section("inference")
    noise_w = "noise_w" if inference.get("noise_w") is not None else "noise_w_scale"
    phonemizer = _phonemizer(config)
    espeak = _espeak_name(config)
    language = _language(config) or language_of_name(voice) or _language_of_espeak(espeak)
    if language is None:
        config.refuse("language", 'a code is needed, such as {"code": "en_US"}')
    speakers = _speakers(config.section("speaker_id_map"))
    count = max(config.whole("num_speakers", 0, _MOST_SPEAKERS, 1), 1, *_following(speakers))
    default = config.whole("default_speaker_id", 0, _MOST_SPEAKERS, 0)
    return VoiceConfiguration(
        sample_rate=config.section("audio").whole("sample_rate", *_RATES),
        language=language,
        quality=_quality(config.section("audio").get("quality")),
        phonemizer=phonemizer,
        espeak_voice=(
            _espeak_voice(config, espeak, language) if phonemizer is Phonemizer.ESPEAK else ""
        ),
        phoneme_ids=MappingProxyType(_phoneme_ids(config)),
        number_of_speakers=count,
        speakers=MappingProxyType(speakers),
        default_speaker=default if default < count else 0,
        length_scale=inference.number("length_scale", *LENGTH_SCALES, 1.0),
        noise_scale=inference.number("noise_scale", *NOISE_SCALES, 0.667),
        noise_w_scale=inference.number(noise_w, *NOISE_SCALES, 0.8),
        vowel_clusters=_vowel_clusters(config),
    )


def _phonemizer(config: Section) -> Phonemizer:
    if config.get("phoneme_type") is None:
        return Phonemizer.ESPEAK
    needed = f"one of {', '.join(Phonemizer)} is needed"
    try:
        return Phonemizer.parse(config.text("phoneme_type", needed))
    except ValueRefusedError:
        raise
    except ValueError:
        config.refuse("phoneme_type", needed)


def _espeak_name(config: Section) -> str:
    """Return the name of the voice of espeak, as it is; empty if there is none."""
    if isinstance(config.get("espeak"), str):
        return config.text("espeak", "")
    return config.section("espeak").text("voice", _ESPEAK_NEEDED)


_ESPEAK_NEEDED: Final = "the name of a voice of espeak is needed, such as en-us"


def _espeak_voice(config: Section, name: str, language: str) -> str:
    """Return the name that espeak's library takes; without one, that of the language."""
    voices = espeak_voices()
    if voices is None:  # then nothing can speak here anyway
        return name or language
    found = voices.find(name or language)
    if found is None and isinstance(config.get("espeak"), str):
        config.refuse("espeak", _ESPEAK_NEEDED)
    if found is None:
        config.section("espeak").refuse("voice", _ESPEAK_NEEDED)
    return found


def _language(config: Section) -> str | None:
    """Return the code of the language, an object or a text; ``None`` if it says none."""
    said = config.get("language")
    if isinstance(said, dict):
        family, region = said.get("family"), said.get("region")
        said = said.get("code")
        if said is None and isinstance(family, str):
            said = f"{family}_{region}" if isinstance(region, str) and region else family
    said = said.strip() if isinstance(said, str) else ""
    return said if _LANGUAGE.fullmatch(said) else None


def _language_of_espeak(voice: str) -> str | None:
    code = voice.rpartition("/")[2].partition("+")[0]
    if not _LANGUAGE.fullmatch(code):
        return None
    family, _, region = code.partition("-")
    return f"{family}_{region.upper()}" if region else family


def _quality(value: object) -> str:
    return value if isinstance(value, str) and _QUALITY.fullmatch(value) else ""


def _phoneme_ids(config: Section) -> dict[str, tuple[int, ...]]:
    numbers = config.section("phoneme_id_map")
    if not numbers.values or len(numbers.values) > _MOST_PHONEMES:
        config.refuse("phoneme_id_map", f"an object of 1 to {_MOST_PHONEMES} phonemes is needed")
    found = {name: _ids(numbers, name) for name in numbers.values if numbers.get(name) is not None}
    for mark in MARKS:
        if not found.get(mark):
            numbers.refuse(mark, f"the marks {' '.join(MARKS)} need a number each")
    return found


def _ids(numbers: Section, phoneme: str) -> tuple[int, ...]:
    value = numbers.get(phoneme)
    ids = tuple(map(whole_number, value if isinstance(value, list) else [value]))
    found = tuple(number for number in ids if number is not None and 0 <= number <= _MAX_ID)
    if len(found) < len(ids):
        needed = f"a list of whole numbers from 0 to {_MAX_ID} is needed"
        if isinstance(value, list):
            wrong = next(one for one, number in zip(value, ids, strict=True) if number not in found)
            needed = f"{shown(wrong)} in it is none; {needed}"
        numbers.refuse(phoneme, needed)
    return found


def _speakers(numbers: Section) -> dict[str, int]:
    if len(numbers.values) > _MOST_SPEAKERS:
        raise ValueRefusedError(f"speaker_id_map has more than {_MOST_SPEAKERS} speakers")
    for name in numbers.values:
        if len(name.encode("utf-8", "surrogatepass")) > _MAX_NAME_BYTES or not _is_text(name):
            raise ValueRefusedError(
                f"speaker_id_map has the name {shown(name)}; a name of at most {_MAX_NAME_BYTES} "
                "bytes is needed"
            )
    return {
        name: numbers.whole(name, 0, _MOST_SPEAKERS - 1)
        for name in numbers.values
        if numbers.get(name) is not None
    }


def _is_text(name: str) -> bool:
    """Return whether a name can be written at all; half of a surrogate pair cannot."""
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _following(speakers: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(number + 1 for number in speakers.values())


def _vowel_clusters(config: Section) -> frozenset[tuple[str, ...]]:
    said: Any = config.get("vowel_clusters")
    if said is None or said == {}:
        return frozenset()
    if not (
        isinstance(said, list)
        and len(said) <= _MOST_CLUSTERS
        and all(isinstance(one, list) and one for one in said)
        and all(isinstance(vowel, str) for one in said for vowel in one)
    ):
        config.refuse("vowel_clusters", "a list of lists of vowels is needed")
    return frozenset(map(tuple, said))
