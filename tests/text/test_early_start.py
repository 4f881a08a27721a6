"""The first clause of a stream is given out before its sentence is complete."""

from __future__ import annotations

import pytest

from wyoming_piper_hardened.text.profile import Profile
from wyoming_piper_hardened.text.segmenter import Segment
from wyoming_piper_hardened.text.speech import SpeechText, spoken

EARLY = Profile(language="en", early_start=True)


def texts(text: str, *, streamed: bool = True, profile: Profile = EARLY) -> list[str]:
    stream = SpeechText(profile, streamed=streamed)
    return [segment.text for segment in (*stream.add(text), *stream.finish())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "I looked at the weather, and it will rain. Take a coat, please do it.",
            ["I looked at the weather,", "and it will rain.", "Take a coat, please do it."],
        ),
        ("Sure, I can do that, of course.", ["Sure, I can do that,", "of course."]),
        ("No. I looked at it now, and then.", ["No.", "I looked at it now, and then."]),
        ("It has 3,5 grams or so", ["It has 3,5 grams or so"]),
        ("今天天气很好，我们出去吧。", ["今天天气很好，", "我们出去吧。"]),
    ],
)
def test_first_clause(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


def test_only_where_it_is_wanted_and_the_text_is_a_stream() -> None:
    text = "I looked at the weather, and it will rain."
    assert texts(text, streamed=False) == [text]
    assert texts(text, profile=Profile(language="en")) == [text]


def test_it_is_given_out_with_the_first_character_behind_it() -> None:
    stream = SpeechText(EARLY, streamed=True)
    assert list(stream.add("I looked at the weather,")) == []
    assert list(stream.add(" ")) == [Segment("I looked at the weather,", ends_sentence=False)]


def test_a_sentence_is_given_out_with_the_first_letter_of_the_next() -> None:
    stream = SpeechText(Profile(language="en"))
    assert list(stream.add("Hello there. ")) == []
    assert list(stream.add("W")) == [Segment("Hello there.")]


def test_a_title_waits_for_the_word_behind_it() -> None:
    stream = SpeechText(Profile(language="en"))
    assert list(stream.add("Hello Dr. Smith. He")) == [Segment("Hello Dr. Smith.")]


def test_the_clause_keeps_its_mark() -> None:
    clause = Segment("I looked at the weather,", ends_sentence=False)
    assert spoken(clause, EARLY) == "I looked at the weather,"
