"""Options as people type them: there are always settings, and an issue for each wrong one."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

from wyoming_piper_hardened.config.settings import LogLevel, Settings, all_settings
from wyoming_piper_hardened.errors import ConfigError
from wyoming_piper_hardened.home_assistant.options import (
    APP_DEFAULTS,
    INGRESS,
    AppOptions,
    read_options,
)
from wyoming_piper_hardened.reporting.issues import IssueKind, Suggestion

NO_OPTIONS = Settings(**APP_DEFAULTS, web_trusted=INGRESS)
ENGLISH = pytest.mark.rendering
OFFICIAL = {
    "voice": "en_US-lessac-medium",
    "speaker": 0,
    "length_scale": 1.0,
    "noise_scale": 0.667,
    "noise_w": 0.333,
    "sentence_silence": 0.2,
    "max_piper_procs": 1,
    "update_voices": True,
    "debug_logging": False,
    "streaming": True,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "options.json"


def read(
    file: Path, options: object, environment: dict[str, str] | None = None, **flags: Any
) -> AppOptions:
    file.write_text(json.dumps(options), encoding="utf-8")
    return read_options(file, environment or {}, flags, supervised=True)


def test_the_app_has_defaults_of_its_own(file: Path) -> None:
    settings = read(file, {}).settings
    assert settings.uri == "tcp://0.0.0.0:10200"
    assert settings.web_uri == "http://0.0.0.0:8099"
    assert settings.data_dir == Path("/data")
    assert settings.custom_voice_dirs == (Path("/share/piper"), Path("/share/piper_hardened"))


def test_every_setting_is_an_option(file: Path) -> None:
    given = {
        setting.name: list(map(str, setting.default))
        if isinstance(setting.default, tuple)
        else str(setting.default)
        for setting in all_settings()
        if setting.default is not None
    }
    read_back = read(file, given | {"custom_voice_dirs": []})
    assert (read_back.issues, read_back.notes) == ((), ())
    assert read_back.settings.data_dir == Settings().data_dir


def test_the_options_of_the_official_app_can_be_pasted(file: Path) -> None:
    read_back = read(file, OFFICIAL)
    assert read_back.issues == ()
    settings = read_back.settings
    assert (settings.voice, settings.speaker) == ("en_US-lessac-medium", "0")
    assert (settings.length_scale, settings.noise_scale) == (1.0, 0.667)
    assert (settings.noise_w_scale, settings.sentence_silence) == (0.333, 0.2)
    assert settings.log_level is LogLevel.INFO
    assert settings.resident_voices == Settings().resident_voices  # its default would be a loss
    assert len(read_back.notes) == 5


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        ({"noise_w": 0.5}, "noise_w_scale", 0.5),
        ({"noise_w": 0.5, "noise_w_scale": None}, "noise_w_scale", 0.5),
        ({"noise_w": 0.5, "noise_w_scale": 0.7}, "noise_w_scale", 0.7),
        ({"debug_logging": True}, "log_level", LogLevel.DEBUG),
        ({"debug_logging": True, "log_level": "info"}, "log_level", LogLevel.DEBUG),
        ({"debug_logging": True, "log_level": "error"}, "log_level", LogLevel.ERROR),
        ({"debug_logging": False, "log_level": "error"}, "log_level", LogLevel.ERROR),
        ({"max_piper_procs": 5}, "resident_voices", 5),
        ({"max_piper_procs": 5, "resident_voices": 2}, "resident_voices", 2),
        ({"max_piper_procs": None}, "resident_voices", 3),
    ],
)
def test_retired_options_count_unless_the_new_ones_say_something_else(
    file: Path, options: dict[str, object], name: str, value: object
) -> None:
    read_back = read(file, options)
    assert getattr(read_back.settings, name) == value
    assert read_back.issues == ()


@pytest.mark.parametrize("empty", [None, "", "  ", []])
def test_empty_means_default(file: Path, empty: object) -> None:
    read_back = read(file, dict.fromkeys((s.name for s in all_settings()), empty))
    assert read_back == AppOptions(NO_OPTIONS)


def test_unknown_options_are_named_and_nothing_else(file: Path) -> None:
    read_back = read(file, {"voise": "x", "max_queue": 5})
    assert read_back.issues == ()
    assert read_back.settings.max_queue == 5
    assert "voise" in read_back.notes[0]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("workers", 99, "0 to 16"),
        ("workers", "many", "0 to 16"),
        ("workers", [1], "0 to 16"),
        ("length_scale", 0, "0.25 to 4"),
        ("length_scale", float("nan"), "0.25 to 4"),
        ("voice", 5, "name of a voice"),
        ("voice", {"name": "x"}, "name of a voice"),
        ("voice", "a\0b", "name of a voice"),
        ("voice", "\ud800", "name of a voice"),
        ("voices", ["a", "b\nc"], "list of names"),
        ("auto_repair", "perhaps", "true or false"),
        ("log_level", "loud", "debug, info"),
        pytest.param(
            "hub_endpoint", "https://me:secret@mirror", "without a password", marks=ENGLISH
        ),
        ("hub_endpoint", 5, "http://HOST"),
        pytest.param("hub_revision", "../..", "branch", marks=ENGLISH),
        ("noise_w", 9, "0 to 2"),
        ("debug_logging", "perhaps", "true or false"),
        ("max_piper_procs", -1, "1 to 50"),
    ],
)
def test_a_wrong_option_is_at_its_default_and_all_others_are_kept(
    file: Path, name: str, value: object, said: str
) -> None:
    others: dict[str, object] = {"max_queue": 7, "sentence_silence": 0.5}
    read_back = read(file, {**others, name: value})
    (issue,) = read_back.issues
    assert (issue.kind, issue.subject) == (IssueKind.OPTION, name)
    assert issue.suggestion is Suggestion.CHANGE_OPTION
    assert said in str(issue.params)
    assert "secret" not in str(issue.params)
    assert read_back.settings == read(file, others).settings


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1, 2]",
        b"5",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"workers": ' + b"9" * 5000 + b"}",
        b'{"a": "' + b"x" * (1 << 20) + b'"}',
    ],
    ids=lambda content: repr(content[:10]),
)
def test_a_broken_file_is_one_issue(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    read_back = read_options(file, {}, supervised=True)
    (issue,) = read_back.issues
    assert issue.subject == "options.json"
    assert read_back.settings == NO_OPTIONS


def test_a_missing_file_matters_only_where_somebody_should_write_it(file: Path) -> None:
    alone = replace(NO_OPTIONS, web_trusted=())  # anybody may come, for there is no ingress
    assert read_options(file, {}, supervised=False) == AppOptions(alone)
    assert len(read_options(file, {}, supervised=True).issues) == 1


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)])
def test_what_is_no_file_is_not_read(file: Path, make: Any) -> None:
    make(file)
    assert len(read_options(file, {}, supervised=True).issues) == 1


def test_the_environment_is_weaker_than_options_and_flags_are_stronger(file: Path) -> None:
    environment = {"WPH_WORKERS": "2", "WPH_MAX_QUEUE": "8", "WPH_VOICE": "", "PATH": "/bin"}
    read_back = read(file, {"max_queue": 9, "speaker": "3"}, environment, speaker="4", voice=None)
    settings = read_back.settings
    assert (settings.workers, settings.max_queue, settings.speaker) == (2, 9, "4")
    assert settings.voice == Settings().voice


def test_a_wrong_variable_is_reported_and_a_wrong_flag_ends(file: Path) -> None:
    read_back = read(file, {}, {"WPH_WORKERS": "many", "WPH_VOISE": "x"})
    (issue,) = read_back.issues
    assert issue.subject == "WPH_WORKERS"
    assert "WPH_VOISE" in read_back.notes[0]
    with pytest.raises(ConfigError):
        read(file, {}, workers="many")


NAMES = [*(setting.name for setting in all_settings()), *OFFICIAL, "unknown", ""]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    SCALARS, lambda some: st.lists(some) | st.dictionaries(st.text(), some), max_leaves=5
)


@hypothesis_settings(max_examples=100, deadline=None)
@given(options=st.dictionaries(st.sampled_from(NAMES) | st.text(), VALUES))
def test_no_options_whatever_are_too_much(
    tmp_path_factory: pytest.TempPathFactory, options: dict[str, object]
) -> None:
    file = tmp_path_factory.getbasetemp() / "hostile.json"
    read_back = read(file, options)
    for setting in all_settings():
        value = getattr(read_back.settings, setting.name)
        plain = [str(one) for one in value] if isinstance(value, tuple) else value
        assert value is None or setting.check(plain) == value
    for issue in read_back.issues:
        assert issue.subject in options
    for text in (*read_back.notes, *(str(issue) for issue in read_back.issues)):
        assert len(text) < 1000
