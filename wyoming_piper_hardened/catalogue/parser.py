"""The hub's ``voices.json``, read without trust, and written.

A catalogue decides which paths are fetched and which bytes are right, so one malformed value, a
path that leads elsewhere or a digest that is none refuses the whole of it. Only a voice whose name
has a form that this program does not know yet is left out alone: the hub may grow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from ..errors import CatalogueError
from ..hub.files import CARD_NAME, VoiceFile
from ..system.foreign_json import parse_json
from ..system.numbers import checked_int
from .entry import CatalogueVoice, Language, Quality

MAX_BYTES = 8 * 1024 * 1024
"""The real one has 245 kB."""

_MAX_VOICES = 10_000
_MAX_SPEAKERS = 10_000
_MAX_ALIASES = 20
_MAX_SIZES = {".onnx": 1 << 30, ".onnx.json": 4 << 20}

# One voice has a letter outside ASCII; a pattern for all letters would let look-alikes in.
_NAME = re.compile(
    r"(?P<family>[a-z]{2,3})_(?P<region>[A-Z]{2,3})"
    r"-(?P<dataset>[A-Za-z0-9_]{1,60}|tugão)"
    r"-(?P<quality>x_low|low|medium|high)"
)
_PLAIN_NAME = re.compile(r"[\w-]{1,100}")
_ALIAS = re.compile(r"[A-Za-z0-9_-]{1,100}")
_MD5 = re.compile(r"[0-9a-f]{32}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}")
# No control characters, line ends, changes of the writing direction, or halves of a character.
_TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]{1,100}")


class _MalformedError(ValueError):
    """The defect, in a few words."""


def parse_voices(voices: object) -> tuple[dict[str, CatalogueVoice], tuple[str, ...]]:
    """Return the voices of a decoded ``voices.json`` by name, and the names that were left out.

    Raises:
        CatalogueError: a voice is malformed; it says which, and how.
    """
    found: dict[str, CatalogueVoice] = {}
    left_out: list[str] = []
    at = ""
    try:
        if not isinstance(voices, dict) or not 0 < len(voices) <= _MAX_VOICES:
            _refuse("not an object of voices")
        for name, entry in voices.items():
            at = f" at {ascii(name)[:80]}"
            if not _PLAIN_NAME.fullmatch(name):
                _refuse("not a name")
            if _NAME.fullmatch(name):
                found[name] = _voice(name, entry)
            else:
                left_out.append(name)
        if not found:
            at = ""
            _refuse("no voice has a name that is known here")
    except _MalformedError as err:
        raise CatalogueError(
            f"the catalogue of voices is malformed{at}: {err}; the one known before stays in use"
        ) from None
    return found, tuple(left_out)


def is_plausible_name(name: str) -> bool:
    """Return whether the hub might have a voice of that name or alias one day."""
    return _PLAIN_NAME.fullmatch(name) is not None


def decode(data: bytes) -> Any:
    """Return the value of a JSON document of at most `MAX_BYTES`.

    Raises:
        CatalogueError: it is larger, has too many values, is not JSON, or has a key twice.
    """
    if len(data) > MAX_BYTES:
        raise CatalogueError(f"the catalogue of voices has more than {MAX_BYTES / 1e6:.0f} MB")
    try:
        return parse_json(data, object_pairs_hook=_unique, parse_constant=_refuse)
    except ValueError:
        raise CatalogueError(
            "the catalogue of voices is not valid JSON; the one known before stays in use"
        ) from None


def encode_voices(voices: Iterable[CatalogueVoice]) -> dict[str, Any]:
    """Return the form that `parse_voices` reads back to the same voices."""
    return {
        voice.name: {
            "key": voice.name,
            "name": voice.dataset,
            "language": {name: getattr(voice.language, name) for name in _LANGUAGE_FIELDS},
            "quality": str(voice.quality),
            "num_speakers": voice.number_of_speakers,
            "speaker_id_map": dict(voice.speakers),
            "files": {f.path: {"size_bytes": f.size, "md5_digest": f.md5} for f in voice.files},
            "aliases": list(voice.aliases),
        }
        for voice in voices
    }


_LANGUAGE_FIELDS = tuple(Language.__dataclass_fields__)


def _voice(name: str, entry: object) -> CatalogueVoice:
    match = _NAME.fullmatch(name)
    assert match is not None
    said = _object(entry, "the voice")
    language = _language(_object(said.get("language"), "language"))
    expected = {
        "key": name,
        "name": match["dataset"],
        "quality": match["quality"],
    }
    if any(said.get(key) != value for key, value in expected.items()) or language.code != (
        f"{match['family']}_{match['region']}"
    ):
        _refuse("key, name, language and quality do not fit together")
    number, speakers = _speakers(said.get("num_speakers"), said.get("speaker_id_map"))
    folder = f"{language.family}/{language.code}/{match['dataset']}/{match['quality']}"
    files = _files(folder, _object(said.get("files"), "files"))
    model, config = files.get(f"{name}.onnx"), files.get(f"{name}.onnx.json")
    if model is None or config is None:
        _refuse("the model or its configuration is missing")
    return CatalogueVoice(
        name=name,
        dataset=match["dataset"],
        language=language,
        quality=Quality(match["quality"]),
        number_of_speakers=number,
        speakers=speakers,
        aliases=_aliases(said.get("aliases", [])),
        model=model,
        config=config,
        model_card=files.get(CARD_NAME),
    )


def _language(said: dict[str, Any]) -> Language:
    language = Language(**{name: _text(said.get(name), name) for name in _LANGUAGE_FIELDS})
    if language.code != f"{language.family}_{language.region}":
        _refuse("code, family and region of the language do not fit together")
    return language


def _speakers(number: object, numbers: object) -> tuple[int, Mapping[str, int]]:
    count = _int(number, 1, _MAX_SPEAKERS, "num_speakers")
    speakers = {
        _text(speaker, "a speaker's name"): _int(one, 0, count - 1, "a speaker's number")
        for speaker, one in _object(numbers, "speaker_id_map").items()
    }
    return count, MappingProxyType(speakers)


def _files(folder: str, said: dict[str, Any]) -> dict[str, VoiceFile]:
    files: dict[str, VoiceFile] = {}
    for path, facts in said.items():
        parent, _, name = path.rpartition("/")
        plain = name.removesuffix(".onnx.json").removesuffix(".onnx")
        if parent != folder or not (_NAME.fullmatch(plain) or _FILE_NAME.fullmatch(name)):
            _refuse(f"the path {ascii(path)[:120]} is not below {folder}")
        facts = _object(facts, "a file")  # noqa: PLW2901 - the same, checked
        largest = next((n for end, n in _MAX_SIZES.items() if name.endswith(end)), 1 << 30)
        size = _int(facts.get("size_bytes"), 1, largest, f"the size of {name}")
        md5 = facts.get("md5_digest")
        if not isinstance(md5, str) or not _MD5.fullmatch(md5):
            _refuse(f"the MD5 of {name} is not 32 hexadecimal digits")
        files[name] = VoiceFile(path, size, md5)
    return files


def _aliases(said: object) -> tuple[str, ...]:
    if not isinstance(said, list) or len(said) > _MAX_ALIASES:
        _refuse("aliases is not a short list")
    if not all(isinstance(alias, str) and _ALIAS.fullmatch(alias) for alias in said):
        _refuse("an alias is not a name")
    return tuple(said)


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse(f"{what} is not an object")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not _TEXT.fullmatch(value):
        _refuse(f"{what} is not a short text")
    return value


def _int(value: object, low: int, high: int, what: str) -> int:
    try:
        return checked_int(value, low, high)
    except ValueError:
        _refuse(f"{what} is not a whole number from {low} to {high}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        _refuse("a key is there twice")
    return value


def _refuse(why: str) -> NoReturn:
    raise _MalformedError(why)
