"""Output for a terminal: whatever it is made of, nothing in it steers the terminal."""

from __future__ import annotations

import contextlib
import io
import json
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given, strategies as st

from wyoming_piper_hardened.cli.streams import answer, note, print_json, print_rows

SPECIAL = {"Cc", "Cf", "Cs", "Zl", "Zp"}
CONTROLS = "\x1b]0;title\x07\x9b31m\u202e\u2028\r[red]"
HOSTILE = f"{CONTROLS}\ud800"


def special(text: str) -> bool:
    return any(unicodedata.category(char) in SPECIAL for char in text if char != "\n")


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Ll"]), max_size=30))
@example(HOSTILE)
def test_rows_steer_nothing(text: str) -> None:
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")) as said:
        print_rows(["name"], [[text, text]])
        said.seek(0)
        assert not special(said.read())


@pytest.mark.parametrize("print_it", [answer, note])
def test_lines_steer_nothing(
    print_it: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    print_it(f"one\n{HOSTILE}")
    said = "".join(capsys.readouterr())
    assert not special(said)
    assert said.count("\n") == 2
    assert "[red]" in said


@given(st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp", "Ll", "So"]), max_size=30))
@example(CONTROLS)
def test_json_says_the_same_with_escapes(text: str) -> None:
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")) as said:
        print_json({text: [text]})
        said.seek(0)
        shown = said.read()
    assert not special(shown)
    assert json.loads(shown) == {text: [text]}
