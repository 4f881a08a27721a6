"""Descriptions of voices, read from files that nobody may trust."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from wyoming_piper_hardened.engine.preparation.split import FILES
from wyoming_piper_hardened.errors import SpeakerNotFoundError, VoiceError, VoiceNotFoundError
from wyoming_piper_hardened.store.store import Store
from wyoming_piper_hardened.store.voice import Voice, check_voice_name, read_voice
from wyoming_piper_hardened.voices.library import Library, find_voices

MARKS = {"_": [0], "^": [1], "$": [2]}
CONFIG = {
    "audio": {"sample_rate": 16000, "quality": "low"},
    "espeak": {"voice": "de"},
    "phoneme_id_map": MARKS,
    "num_speakers": 3,
    "speaker_id_map": {"anna": 0, "bert": 1, "carl": 2},
}


@pytest.fixture
def several(tmp_path: Path) -> Voice:
    """Return a voice with three speakers."""
    model = tmp_path / "de_DE-all-low.onnx"
    model.touch()
    Path(f"{model}.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    return read_voice(model.stem, model)


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[]", b"{}", b"5", b'{"audio": 5}', b"[" * 100_000, b"\xff"]
)
def test_invalid_configuration_is_refused(tmp_path: Path, content: bytes) -> None:
    model = tmp_path / "bad.onnx"
    model.touch()
    Path(f"{model}.json").write_bytes(content)
    with pytest.raises(VoiceError, match="bad"):
        read_voice("bad", model)


@pytest.mark.parametrize(
    "changed",
    [
        *({"audio": {"sample_rate": rate}} for rate in (0, 1, 3 * 10**9, 10**30, -16000, 16000.5)),
        *({"num_speakers": number} for number in (-1, 5_000_000, 2.5, "x")),
        *({"speaker_id_map": names} for names in ({"\ud800": 0}, {"x" * 1000: 0}, {"a": -1})),
        *({"speaker_id_map": names} for names in ({"a": "x"}, {str(i): i for i in range(20_000)})),
        *({"phoneme_type": name} for name in (5, "", "x" * 100, "\ud800", "pinyin")),
        *({"phoneme_id_map": ids} for ids in (5, {str(i): [i] for i in range(20_000)})),
        *({"espeak": {"voice": voice}} for voice in ("x" * 1000, "\ud800", "x y", "")),
    ],
    ids=lambda changed: repr(changed)[:50],
)
def test_impossible_values_are_refused(tmp_path: Path, changed: dict[str, object]) -> None:
    """Every client would get them."""
    model = tmp_path / "bad.onnx"
    model.touch()
    Path(f"{model}.json").write_text(json.dumps({**CONFIG, **changed}), encoding="utf-8")
    with pytest.raises(VoiceError, match="bad"):
        read_voice("bad", model)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, ("espeak", frozenset(MARKS), 1.0)),
        (
            {
                "phoneme_type": "hebrew",
                "phoneme_id_map": {**MARKS, "a": [1], "ˈ": [2], "zh": [3]},
                "inference": {"length_scale": 1.5},
            },
            ("hebrew", frozenset("^$_aˈ"), 1.5),
        ),
    ],
)
def test_phonemes_and_speed_are_read(
    tmp_path: Path, changed: dict[str, object], expected: tuple[str, frozenset[str], float]
) -> None:
    model = tmp_path / "my-voice.onnx"
    model.touch()
    Path(f"{model}.json").write_text(json.dumps({**CONFIG, **changed}), encoding="utf-8")
    voice = read_voice("my-voice", model)
    assert (voice.phoneme_type, voice.phonemes, voice.length_scale) == expected


@pytest.mark.parametrize("code", ["\ud800", "x" * 1000, "de DE", 5, ["de_DE"], ""])
def test_invalid_language_is_taken_from_espeak(tmp_path: Path, code: object) -> None:
    model = tmp_path / "my-voice.onnx"
    model.touch()
    audio = {"sample_rate": 16000, "quality": code}
    config = {**CONFIG, "audio": audio, "language": {"code": code}}
    Path(f"{model}.json").write_text(json.dumps(config), encoding="utf-8")
    voice = read_voice("my-voice", model)
    assert (voice.language, voice.quality) == ("de", "")


def test_devices_pipes_and_huge_files_are_not_read(tmp_path: Path) -> None:
    model = tmp_path / "bad.onnx"
    model.touch()
    config = Path(f"{model}.json")
    config.symlink_to("/dev/zero")
    with pytest.raises(VoiceError):
        read_voice("bad", model)
    config.unlink()
    os.mkfifo(config)
    with pytest.raises(VoiceError):
        read_voice("bad", model)
    config.unlink()
    config.write_bytes(b" " * (5 << 20))
    with pytest.raises(VoiceError):
        read_voice("bad", model)


@pytest.mark.parametrize("file", [*FILES, "folded.onnx"])
def test_no_voice_has_the_name_of_a_part_beside_which_its_model_lies(file: str) -> None:
    with pytest.raises(VoiceError, match="cannot be the name"):
        check_voice_name(file.removesuffix(".onnx"))
    check_voice_name(f"my-{file.removesuffix('.onnx')}")


def test_hostile_name_is_logged_on_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    name = "a\x1b[31m\nFAKE"
    version = tmp_path / "voices" / name / "v"
    version.mkdir(parents=True)
    (version.parent / "current").symlink_to("v")
    find_voices(Store(tmp_path))
    (record,) = caplog.records
    assert "\n" not in record.getMessage()
    assert "\x1b" not in record.getMessage()


@pytest.mark.parametrize(("speaker", "number"), [(None, None), ("bert", 1), ("2", 2), ("0", 0)])
def test_speakers_are_found_by_name_and_number(
    several: Voice, speaker: str, number: int | None
) -> None:
    assert several.speaker_id(speaker) == number


@pytest.mark.parametrize("speaker", ["dora", "3", "-1", "99999999", "١", " "])
def test_unknown_speaker_is_refused_with_those_that_exist(several: Voice, speaker: str) -> None:
    with pytest.raises(SpeakerNotFoundError, match="anna, bert, carl"):
        several.speaker_id(speaker)


def test_language_comes_from_the_name_or_from_espeak(several: Voice, tmp_path: Path) -> None:
    assert several.language == "de_DE"
    other = tmp_path / "myvoice.onnx"
    shutil.copy(several.model, other)
    shutil.copy(f"{several.model}.json", f"{other}.json")
    assert read_voice("myvoice", other).language == "de"


def test_library_without_voices_finds_none() -> None:
    library = Library([], "en_US-joe-medium")
    assert list(library) == []
    with pytest.raises(VoiceNotFoundError, match="no voice is installed"):
        library.find()
