"""The reader of configurations: what is plainly meant is taken, anything else is named."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from support.voices import SINGLE, SINGLE_CONFIG, Prepared, spoken
from wyoming_piper_hardened.engine.configuration.description import MARKS, VoiceConfiguration
from wyoming_piper_hardened.engine.configuration.phonemizers import Phonemizer
from wyoming_piper_hardened.engine.configuration.reading import (
    parse_configuration,
    read_configuration,
)
from wyoming_piper_hardened.engine.configuration.values import shown
from wyoming_piper_hardened.engine.schedule import choose
from wyoming_piper_hardened.engine.synthesis.voice import load
from wyoming_piper_hardened.errors import PhonemizerMissingError, VoiceConfigError

FILE = "my-voice.onnx.json"
GOOD: dict[str, Any] = {
    **json.loads(SINGLE_CONFIG.read_bytes()),
    "language": {"code": "en_US", "family": "en", "region": "US"},
    "audio": {"sample_rate": 22050, "quality": "medium"},
    "vowel_clusters": [["a", "ɪ"]],
    "default_speaker_id": 0,
    "hop_length": 256,
    "piper_version": "1.0.0",
}
PYTHON = re.compile(r"None|Error|Type|True|False|Traceback|dict|\bstr\b|\bint\b|\blist'|unhashable")
"""What a message in Python's words has."""


def read(changed: dict[str, Any] | None = None, **keys: Any) -> VoiceConfiguration:
    return parse_configuration(json.dumps({**GOOD, **(changed or {}), **keys}).encode(), FILE)


def refused(**keys: Any) -> str:
    with pytest.raises(VoiceConfigError) as raised:
        read(keys)
    return str(raised.value)


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"],
)
def test_any_encoding_of_unicode_is_read(encoding: str) -> None:
    text = json.dumps(GOOD, ensure_ascii=False)
    assert parse_configuration(text.encode(encoding), FILE) == read()


def test_byte_order_mark_before_utf_16_is_read() -> None:
    text = json.dumps(GOOD, ensure_ascii=False)
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        assert parse_configuration(mark + text.encode(encoding), FILE) == read()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("PhonemeType.ESPEAK", Phonemizer.ESPEAK),
        ("PhonemeType.TEXT", Phonemizer.TEXT),
        ("ESPEAK", Phonemizer.ESPEAK),
        (" Espeak ", Phonemizer.ESPEAK),
        ("espeak-ng", Phonemizer.ESPEAK),
        ("codepoints", Phonemizer.TEXT),
        ("PhonemeType.PINYIN", Phonemizer.PINYIN),
        (None, Phonemizer.ESPEAK),
    ],
)
def test_phoneme_type_is_read_as_it_is_meant(written: str | None, meant: Phonemizer) -> None:
    assert read(phoneme_type=written).phonemizer is meant


@pytest.mark.parametrize(
    "left_out", ["phoneme_type", "inference", "num_symbols", "num_speakers", "speaker_id_map"]
)
def test_what_has_a_default_may_be_missing_or_null(left_out: str) -> None:
    without = {key: value for key, value in GOOD.items() if key != left_out}
    assert parse_configuration(json.dumps(without).encode(), FILE) == read({left_out: None})
    assert read({left_out: None}) == read()


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("en", "en"),
        ("de_DE", "de_DE"),
        ({"code": "de_DE"}, "de_DE"),
        ({"family": "de", "region": "AT"}, "de_AT"),
        ({"code": None, "family": "de"}, "de"),
        (None, "en_US"),  # espeak's voice says it
        (5, "en_US"),
        ("English", "en_US"),
        ({}, "en_US"),
    ],
)
def test_language_may_be_a_text_or_come_from_elsewhere(language: object, code: str) -> None:
    assert read(language=language).language == code


def test_language_comes_from_the_name_before_espeak() -> None:
    raw = json.dumps({**GOOD, "language": None}).encode()
    assert parse_configuration(raw, "en_GB-mine-low.onnx.json").language == "en_GB"
    assert parse_configuration(raw, "en_GB-mine-low.ONNX.JSON").language == "en_GB"


@pytest.mark.parametrize(
    ("key", "value", "attribute", "meant"),
    [
        ("audio", {"sample_rate": "22050"}, "sample_rate", 22050),
        ("audio", {"sample_rate": 16000.0}, "sample_rate", 16000),
        ("num_speakers", "3", "number_of_speakers", 3),
        ("num_speakers", 0, "number_of_speakers", 1),
        ("speaker_id_map", {"a": "0", "b": 1.0}, "speakers", {"a": 0, "b": 1}),
        ("speaker_id_map", {"a": 0, "b": 4}, "number_of_speakers", 5),
        ("inference", {"length_scale": "1.5"}, "length_scale", 1.5),
        ("inference", {"noise_w": None, "noise_w_scale": ".5"}, "noise_w_scale", 0.5),
        ("inference", {"noise_scale": 0}, "noise_scale", 0.0),
        ("default_speaker_id", 7, "default_speaker", 0),
        ("espeak", "en-us", "espeak_voice", "en-us"),
        ("espeak", {"voice": None}, "espeak_voice", "en-us"),
        ("espeak", None, "espeak_voice", "en-us"),
    ],
)
def test_value_is_read_as_it_is_meant(
    key: str, value: object, attribute: str, meant: object
) -> None:
    assert getattr(read({key: value}), attribute) == meant


def test_phoneme_ids_may_be_single_or_text() -> None:
    ids = {**GOOD["phoneme_id_map"], "a": 5, "b": "6", "c": [7.0, "8"], "d": None}
    found = read(phoneme_id_map=ids).phoneme_ids
    assert (found["a"], found["b"], found["c"]) == ((5,), (6,), (7, 8))
    assert "d" not in found


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"audio": None}, ["audio.sample_rate is missing", "from 4000 to 192000"]),
        ({"audio": {"sample_rate": "fast"}}, ['audio.sample_rate is "fast"', "from 4000 to"]),
        ({"audio": {"sample_rate": None}}, ["audio.sample_rate is null"]),
        ({"audio": []}, ["audio is a list; an object is needed"]),
        ({"phoneme_type": "runes"}, ['phoneme_type is "runes"', "espeak, text, pinyin"]),
        ({"phoneme_type": 5}, ["phoneme_type is 5", "espeak"]),
        ({"num_speakers": True}, ["num_speakers is true; a whole number from 0"]),
        ({"num_speakers": 2.5}, ["num_speakers is 2.5"]),
        ({"num_speakers": 10**90}, ["num_speakers is a number of many digits"]),
        ({"inference": {"noise_w": float("nan")}}, ["inference.noise_w is NaN", "from 0.0 to 5.0"]),
        ({"inference": {"length_scale": [1]}}, ["inference.length_scale is a list"]),
        ({"phoneme_id_map": {"a": [1]}}, ['phoneme_id_map["^"] is missing', "^ $ _"]),
        ({"phoneme_id_map": None}, ["phoneme_id_map is null", "phonemes"]),
        ({"speaker_id_map": {"a": "x"}}, ['speaker_id_map.a is "x"']),
        ({"speaker_id_map": {"a\n": -1}}, [r'speaker_id_map["a\n"] is -1']),
        ({"espeak": {"voice": "tlh-xx"}}, ['espeak.voice is "tlh-xx"', "en-us"]),
        ({"espeak": {"voice": ["en"]}}, ["espeak.voice is a list"]),
        ({"espeak": 7}, ["espeak is 7; an object is needed"]),
        ({"language": None, "espeak": None}, ["language is null", "en_US"]),
        ({"vowel_clusters": ["a"]}, ["vowel_clusters is a list", "lists"]),
    ],
)
def test_what_cannot_be_read_is_named(keys: dict[str, Any], says: list[str]) -> None:
    message = refused(**keys)
    assert message.startswith(f"{FILE}: ")
    assert all(part in message for part in says), message
    assert message.isprintable()
    assert not PYTHON.search(message), message


def test_wrong_phoneme_id_is_named_with_its_phoneme() -> None:
    message = refused(phoneme_id_map={**GOOD["phoneme_id_map"], "ˈ": [120, "x"]})
    assert 'phoneme_id_map.ˈ is a list; "x" in it' in message or 'phoneme_id_map["ˈ"]' in message
    assert '"x" in it is none' in message


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"<!DOCTYPE html>", "web page"),
        (b"\xef\xbb\xbf\n<html>", "web page"),
        ("<html>".encode("utf-16"), "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"", "not JSON"),
        (b'{"a": 1,\n}', "not JSON (line 2, column 1)"),
        (b"\xff\xfe\xff", "not JSON"),
        (b'{"a": "\xe9"}', "not JSON"),
        (b"[1]", "it is a list; an object of settings"),
        (b"null", "it is null"),
        (b"9" * 10_000, "not JSON"),
        (b"[" * 50_000, "not JSON"),
    ],
)
def test_what_is_no_configuration_says_what_it_is(raw: bytes, says: str) -> None:
    with pytest.raises(VoiceConfigError) as raised:
        parse_configuration(raw, FILE)
    assert says in str(raised.value)
    assert not PYTHON.search(str(raised.value))


def test_voice_whose_phonemizer_is_not_here_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "zh_CN-mine-medium.onnx.json"
    path.write_text(json.dumps({**GOOD, "phoneme_type": "pinyin"}), encoding="utf-8")
    with pytest.raises(PhonemizerMissingError, match="zh_CN-mine-medium has the phoneme_type pin"):
        read_configuration(path)


KEYS: list[tuple[str, ...]] = [
    *((key,) for key in GOOD),
    *(
        (key, inner)
        for key, value in GOOD.items()
        if isinstance(value, dict)
        for inner in (value if key != "phoneme_id_map" else (*MARKS, "a", "ˈ", " "))
    ),
    *((("speaker_id_map", "somebody"), ("inference", "noise_w_scale"), ("unknown",))),
]
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["", "5", "1.0", "en-gb", "en_US", "en", "PhonemeType.ESPEAK", "\ud800"]),
    st.lists(st.one_of(st.integers(), st.text(max_size=3), st.none()), max_size=3),
    st.dictionaries(st.text(max_size=3), st.one_of(st.integers(), st.none()), max_size=3),
    st.sampled_from([[0], [1], [10**6], [[]], {"code": 5}, {"voice": {}}, {"sample_rate": {}}]),
)


def without(keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the good configuration without a key."""
    return changed(keys, lambda section, key: section.pop(key, None))


def with_value(keys: tuple[str, ...], value: object) -> dict[str, Any]:
    """Return the good configuration with another value."""
    return changed(keys, lambda section, key: section.update({key: value}))


def changed(
    keys: tuple[str, ...], change: Callable[[dict[str, Any], str], object]
) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(GOOD))
    section = data
    for key in keys[:-1]:
        section = section[key]
    change(section, keys[-1])
    return data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a prepared voice."""
    return Prepared(SINGLE, tmp_path_factory.mktemp("voice")).folder


def speaks_or_names(
    folder: Path, keys: tuple[str, ...], data: dict[str, Any], value: object = None
) -> None:
    """Check that a configuration makes a voice that speaks, or an error that names its key."""
    path = folder / FILE
    path.write_text(json.dumps(data), encoding="utf-8")
    try:
        voice = load(folder, path)
    except VoiceConfigError as err:
        message = str(err)
        assert keys[0] in message, message
        assert message.isprintable()
        assert not PYTHON.search(message.replace(shown(value), "")), message
        return
    except PhonemizerMissingError:
        assert keys[0] == "phoneme_type"
        return
    assert spoken(voice, "Good day. Yes.", choose(0.1)).size > 0


@pytest.mark.parametrize("keys", KEYS, ids=".".join)
def test_any_key_may_be_missing_or_null(folder: Path, keys: tuple[str, ...]) -> None:
    speaks_or_names(folder, keys, without(keys))
    speaks_or_names(folder, keys, with_value(keys, None))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(keys=st.sampled_from(KEYS), value=VALUES)
def test_any_value_makes_a_voice_that_speaks_or_is_named(
    folder: Path, keys: tuple[str, ...], value: object
) -> None:
    speaks_or_names(folder, keys, with_value(keys, value), value)
