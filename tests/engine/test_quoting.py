"""Foreign text in messages."""

from __future__ import annotations

import pytest

from wyoming_piper_hardened.engine.quoting import brief, described


def fail() -> None:
    raise UnicodeError("x" * 10**6)


def test_long_text_is_cut_in_the_middle() -> None:
    text = brief("begin " + "x" * 10**6 + " end")
    assert len(text) < 320
    assert text.startswith("begin ")
    assert text.endswith(" end")


def test_special_characters_are_escaped() -> None:
    assert brief("a\x1b[31m\n\u202e\u2028é") == "a\\x1b[31m\\n\\u202e\\u2028é"


def test_unexpected_error_has_its_place_and_a_bounded_message() -> None:
    with pytest.raises(UnicodeError) as caught:
        fail()
    text = described(caught.value)
    assert text.startswith("UnicodeError at test_quoting.py:")
    assert len(text) < 400
