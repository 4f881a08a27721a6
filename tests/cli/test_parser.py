"""Flags and help of the commands."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from wyoming_piper_hardened.cli import main
from wyoming_piper_hardened.cli.flags import flag, join_switch_values
from wyoming_piper_hardened.cli.parser import Parser, build_parser
from wyoming_piper_hardened.config.settings import all_settings
from wyoming_piper_hardened.config.sources import load_settings

COMMANDS = [
    ["serve"],
    ["app"],
    ["say", "x"],
    ["text", "x"],
    ["health"],
    ["completion", "bash"],
    *(["voices", action, "x"] for action in ("install", "verify", "repair", "remove", "import")),
    ["voices", "list"],
    ["voices", "gc"],
]


def parse(*arguments: str) -> argparse.Namespace:
    return build_parser().parse_args(join_switch_values(arguments))


def parser_of(*arguments: str) -> Parser:
    found = parse(*arguments).parser
    assert isinstance(found, Parser)
    return found


def shown_help(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[str]:
    monkeypatch.setenv("COLUMNS", "80")
    return parser_of(*arguments).format_help().splitlines()


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_help_fits_in_80_columns(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    lines = shown_help(monkeypatch, *arguments)
    assert max(map(len, lines)) < 80
    if arguments[0] not in {"serve", "app"}:  # which take every setting
        assert len(lines) <= 36


def test_help_of_say_begins_with_what_people_need(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(shown_help(monkeypatch, "say", "x"))
    shown = ["TEXT", "--output", "--voice", "--offline/--no-offline", "--volume", "--workers"]
    places = [text.index(f"  {name}") for name in shown[:-1]] + [text.index(shown[-1])]
    assert places == sorted(places)
    assert "--web-uri" not in text


@pytest.mark.parametrize("command", ["serve", "app"])
def test_servers_take_every_setting(command: str) -> None:
    text = parser_of(command).format_help()
    assert all(flag(setting.name) in text for setting in all_settings())


@pytest.mark.parametrize(
    ("given", "offline", "words"),
    [
        (["x", "--offline"], True, "x"),
        (["x", "--no-offline"], False, "x"),
        (["--offline", "true", "x"], True, "x"),
        (["--offline", "False", "x"], False, "x"),
        (["--offline=1", "x"], True, "x"),
        (["--offline=off", "x"], False, "x"),
        (["--offline", "x"], True, "x"),
        (["--offline", "yes"], True, "yes"),
        (["--offline", "--", "true"], True, "true"),
        (["x"], None, "x"),
    ],
)
def test_switches_need_no_value(given: list[str], offline: object, words: str) -> None:
    parsed = parse("say", *given)
    assert (parsed.offline, parsed.words) == (offline, words)


@pytest.mark.parametrize("given", [["--offline=maybe", "x"], ["--no-offline=true", "x"]])
def test_switch_with_another_value_is_wrong_usage(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        parse("say", *given)
    assert raised.value.code == 2
    assert "offline" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["1", "true", "YES", "on", 1, True])
def test_every_way_to_write_true_is_understood(value: Any) -> None:
    assert load_settings(flags={"offline": value}).offline
    if isinstance(value, str):
        assert load_settings(environment={"WPH_OFFLINE": value}).offline


@pytest.mark.parametrize("value", ["0", "false", "No", "off", 0, False])
def test_every_way_to_write_false_is_understood(value: Any) -> None:
    assert not load_settings(flags={"auto_install": value}).auto_install


@pytest.mark.parametrize(
    ("arguments", "problem", "suggestion"),
    [
        (["say", "x", "--voices", "y"], "no effect", "--voice"),
        (["say", "x", "--voise", "y"], "not known", "--voice"),
        (["voices", "list", "--langauge", "de"], "not known", "--language"),
        (["voices", "instal", "x"], "not known", "install"),
        (["sa", "x"], "not known", "say"),
        (["say", "x", "--web-uri", "http://127.0.0.1:1"], "no effect", None),
    ],
)
def test_what_may_have_been_meant_is_suggested(
    arguments: list[str], problem: str, suggestion: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    error = capsys.readouterr().err
    assert problem in error
    assert "usage:" in error
    if suggestion is None:
        assert "did you mean" not in error
    else:
        assert f"did you mean {suggestion}?" in error
