from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from wyoming_piper_hardened.config.settings import (
    Settings,
    all_settings,
    default_data_dir,
    schema,
)
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.errors import ConfigError


def test_defaults() -> None:
    assert load_settings() == Settings()
    assert Settings().voice == "en_US-joe-medium"
    assert Settings().uri == "tcp://0.0.0.0:10200"


def test_defaults_pass_their_own_checks() -> None:
    schema()({s.name: s.default for s in all_settings() if s.default is not None})


def test_user_without_a_home_has_a_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_uid: int) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    for variable in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    assert default_data_dir() == Path("/var/lib/wyoming-piper-hardened")


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json"])
def test_each_source_is_stronger_than_the_one_before(tmp_path: Path, suffix: str) -> None:
    values = {"max_queue": 5, "workers": 2, "threads_per_worker": 3, "voices": ["a", "b"]}
    file = tmp_path / f"settings{suffix}"
    dump = json.dumps if suffix == ".json" else yaml.safe_dump
    file.write_text(dump(values), encoding="utf-8")
    settings = load_settings(
        file,
        {"WPH_WORKERS": "4", "WPH_THREADS_PER_WORKER": "6", "PATH": "/bin", "WPH_VOICES": "c, d"},
        {"threads_per_worker": "7", "speaker": None},
    )
    assert settings.max_queue == 5
    assert settings.workers == 4
    assert settings.threads_per_worker == 7
    assert settings.voices == ("c", "d")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_segment_chars", 49),
        ("max_segment_chars", 501),
        ("max_segment_chars", 100.5),
        ("max_segment_chars", "many"),
        ("max_segment_chars", True),
        ("max_segment_chars", None),
        ("max_segment_chars", [100]),
        ("sentence_silence", -0.1),
        ("sentence_silence", float("nan")),
        ("sentence_silence", float("inf")),
        ("sentence_silence", "long"),
        ("length_scale", 0),
        ("length_scale", {}),
        ("workers", -1),
        ("workers", 10**30),
        ("voice", 5),
        ("voice", ""),
        ("voices", [1]),
        ("voices", {"a": 1}),
        ("speaker", ["0"]),
        ("uri", "tcp://localhost"),
        ("uri", "tcp://"),
        ("uri", "tcp://:"),
        ("uri", "tcp://user@:10200"),
        ("web_uri", "http://:"),
        ("uri", "http://localhost:1"),
        ("uri", "tcp://localhost:99999"),
        ("uri", "unix://"),
        ("web_uri", "tcp://localhost:1"),
        ("data_dir", 5),
        ("log_level", "loud"),
        ("synthesis_timeout", 0.5),
        ("voise", "x"),
        ("", "x"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(tmp_path: Path, key: str, value: Any) -> None:
    file = tmp_path / "options.yaml"
    file.write_text(yaml.safe_dump({key: value}), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    message = str(caught.value)
    assert key in message
    assert str(file) in message
    allowed = {setting.name: setting.allowed for setting in all_settings()}
    assert allowed.get(key, "max_segment_chars") in message
    assert len(message.splitlines()) == 1


def test_every_wrong_value_is_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(flags={"workers": "x", "max_queue": "0"})
    assert "--workers" in str(caught.value)
    assert "--max-queue" in str(caught.value)


@pytest.mark.parametrize("empty", [None, ""])
@pytest.mark.parametrize(
    "key", ["speaker", "length_scale", "noise_scale", "noise_w_scale", "web_uri", "zeroconf"]
)
def test_optional_means_it_may_be_empty(tmp_path: Path, key: str, empty: str | None) -> None:
    file = tmp_path / "options.json"
    file.write_text(json.dumps({key: empty}), encoding="utf-8")
    assert getattr(load_settings(file), key) is None


def test_an_empty_variable_counts_as_unset() -> None:
    assert load_settings(environment={"WPH_VOICE": "", "WPH_WORKERS": ""}) == Settings()


def test_an_unknown_variable_is_named() -> None:
    with pytest.raises(ConfigError, match="WPH_VOISE"):
        load_settings(environment={"WPH_VOISE": "x"})


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", "{", "not valid JSON"),
        ("a.yaml", "a: [", "not valid YAML"),
        ("a.yaml", "- a", "one object"),
        ("a.json", "5", "one object"),
        ("a.yaml", "1: a", "one object"),
        ("a.yaml", "\x00", "not valid YAML"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, content: str, said: str) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load_settings(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        load_settings(tmp_path / "none.yaml")


def test_an_empty_file_is_fine(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# nothing\n", encoding="utf-8")
    assert load_settings(tmp_path / "a.yaml") == Settings()


@pytest.mark.parametrize(
    ("line", "text"), [("on", "on"), ("off", "off"), ("'off'", "off"), ("marks", "marks")]
)
def test_treatment_of_texts_is_a_word_though_yaml_takes_it_for_a_switch(
    tmp_path: Path, line: str, text: str
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(f"text: {line}\n", encoding="utf-8")
    assert load_settings(file).text == text
    file.write_text("log_level: on\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="log_level"):
        load_settings(file)
