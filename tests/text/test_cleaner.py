from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from wyoming_piper_hardened.text.cleaner import clean, has_words, speakable


@given(st.text(alphabet=st.characters(), max_size=200), st.integers(0, 200))
def test_cleaning_pieces_equals_cleaning_the_whole(text: str, at: int) -> None:
    assert clean(text[:at]) + clean(text[at:]) == clean(text)
    assert len(clean(text)) == len(text)
    clean(text).encode()  # no lone surrogate is left
    assert "\0" not in clean(text)


def test_line_ends_and_letters_stay() -> None:
    assert clean("One\r\n\ttwo\n\nÄé 文 😀") == "One\r\n\ttwo\n\nÄé 文 😀"


@pytest.mark.parametrize("text", ["Hello", "7", "5 %", "€", "文", "½", "a!"])
def test_words(text: str) -> None:
    assert has_words(text)


@pytest.mark.parametrize("text", ["", " ", "😀", "***", "---", "# ", "…", "👩‍👩‍👧", "~~ | =="])
def test_no_words(text: str) -> None:
    assert not has_words(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no full stop", "no full stop."),
        ("a question?", "a question?"),
        ("two\nlines \n here.", "two lines here."),
        ("5 %", "5 %"),
        ("Hello 👩‍👩‍👧 there 🇩🇪 👍🏽!", "Hello there !"),
        ("20 °C and © 2024 ™", "20 °C and © 2024 ™"),
        ("", ""),
    ],
)
def test_speakable(text: str, expected: str) -> None:
    assert speakable(text) == expected
