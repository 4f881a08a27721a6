"""The setting `presets`: how it is written, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from wyoming_piper_hardened.composition import wanted_voices
from wyoming_piper_hardened.config.presets import MOST, Preset, split_line
from wyoming_piper_hardened.config.settings import Settings
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.errors import ConfigError
from wyoming_piper_hardened.speech.presets import Presets
from wyoming_piper_hardened.voices.library import Library

SLOWLY = {"name": "Joe, slowly", "voice": "en_US-joe-medium", "length_scale": 1.3}


def test_presets_are_a_list_in_a_file_and_json_in_a_variable(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump({"presets": [SLOWLY]}))
    expected = (Preset(name="Joe, slowly", voice="en_US-joe-medium", length_scale=1.3),)
    assert load_settings(file).presets == expected
    assert load_settings(environment={"WPH_PRESETS": json.dumps([SLOWLY])}).presets == expected
    assert load_settings(flags={"presets": expected}).presets == expected


def test_empty_parts_of_a_preset_are_as_the_settings_say() -> None:
    written = {**SLOWLY, "speaker": "", "volume": None}
    (preset,) = load_settings(flags={"presets": [written]}).presets
    assert (preset.speaker, preset.volume) == (None, None)


def test_dictionary_of_a_preset_has_a_word_and_what_is_spoken_in_each_line() -> None:
    lines = [" GIF  file = jif = file ", "", "نیم‌فاصله=[[niːm]]", "Psst ="]
    (preset,) = load_settings(flags={"presets": [{**SLOWLY, "dictionary": lines}]}).presets
    assert [split_line(line) for line in preset.dictionary] == [
        ("GIF file", "jif = file"),
        ("نیم‌فاصله", "[[niːm]]"),
        ("Psst", ""),
    ]


def test_voices_of_presets_are_wanted() -> None:
    settings = Settings(voice="a", voices=("b",), presets=(Preset(name="x", voice="c"),))
    library = Library((), settings.voice)
    wanted = wanted_voices(settings, library, Presets(settings.presets, library))
    assert wanted == ("a", "b", "c")


@pytest.mark.parametrize(
    ("presets", "said"),
    [
        ([{"name": "Slowly"}], "preset 1 has no voice"),
        ([{"voice": "a"}], "preset 1 has no name"),
        ([SLOWLY, 7], "preset 2 is no object"),
        ([{**SLOWLY, "length_scale": 9}], "length_scale: 9 is not allowed; allowed: a number from"),
        ([{**SLOWLY, "volume": float("nan")}], "volume: nan is not allowed"),
        ([{**SLOWLY, "pitch": 2}], "'pitch' is no part of a preset; there are: name, voice"),
        ([{**SLOWLY, "name": "a\u202eb"}], "preset 1: name"),
        ([{**SLOWLY, "name": "x" * 61}], "preset 1: name"),
        ([{**SLOWLY, "name": ["x"]}], "preset 1: name"),
        *(
            ([{**SLOWLY, "dictionary": words}], "dictionary: ")
            for words in ("GIF = jif", {"GIF": "jif"}, [7], ["GIF"], ["= jif"], ["- = jif"])
        ),
        ([{**SLOWLY, "dictionary": ["a = b\nc = d"]}], "dictionary: "),
        ([{**SLOWLY, "dictionary": ["a = \ud800"]}], "dictionary: "),
        ([{**SLOWLY, "dictionary": [f"a = {'b' * 257}"]}], "of at most 260 characters"),
        ([{**SLOWLY, "dictionary": ["a = b"] * 51}], "a list of at most 50 texts"),
        ([SLOWLY, {**SLOWLY, "name": "JOE, SLOWLY"}], "two presets are called"),
        ([{"name": "a", "voice": "a"}], "'a' is called like the voice of one"),
        ([{"name": "a", "voice": "b"}, {"name": "c", "voice": "a"}], "called like the voice of"),
        ([{**SLOWLY, "name": f"{n}"} for n in range(MOST + 1)], "at most 100"),
        ("[", "a list of at most"),
        ("[" * 100_000, "a list of at most"),
        ({}, "a list of at most"),
    ],
)
def test_a_wrong_preset_is_named(presets: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=r"^--presets in the command line: ") as error:
        load_settings(flags={"presets": presets})
    assert said in str(error.value)
    assert len(str(error.value)) < 600
