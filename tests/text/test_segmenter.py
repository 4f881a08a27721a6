"""The segmenter's promises, on any text in any pieces."""

from __future__ import annotations

import itertools

import pytest
import regex
from hypothesis import given, strategies as st

from wyoming_piper_hardened.text.segmenter import Segment, Segmenter, cut, segments

PIECES = st.sampled_from(
    [
        *"abcXYZäß0123 .,;:!?…'\"()[]-–*\n",
        "Dr. ",
        "z. B. ",
        "\n\n",
        "\r\n\r\n",
        "Hello there. ",
        "3.14",
        "e\u0301",
        "👩‍👩‍👧",
        "🇩🇪",
        "你好。",
        "「是的。」",
        "……",
        "नमस्ते। ",
        "مرحبا؟ ",
        "word ",
        "   ",
        "longword" * 9,
    ]
)
TEXT = st.lists(PIECES, max_size=120).map("".join)
CAPS = st.integers(50, 500)


def squeezed(text: str) -> str:
    """Return what must survive: everything but white space and markdown's asterisks."""
    return regex.sub(r"[\s*]+", "", text)


@given(TEXT, CAPS)
def test_nothing_is_lost_or_added_and_no_segment_is_empty_or_too_long(text: str, cap: int) -> None:
    found = list(segments(text, cap))
    assert all(segment.text.strip() == segment.text != "" for segment in found)
    assert all(len(segment.text) <= cap for segment in found)
    assert squeezed("".join(segment.text for segment in found)) == squeezed(text)


@given(TEXT, CAPS, st.data())
def test_any_chunking_gives_the_same_segments(text: str, cap: int, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=20).map(sorted))
    segmenter = Segmenter(cap)
    found: list[Segment] = []
    for start, end in itertools.pairwise([0, *cuts, len(text)]):
        found += segmenter.add(text[start:end])
    found += segmenter.finish()
    assert found == list(segments(text, cap))


@given(TEXT)
def test_one_character_at_a_time_gives_the_same_segments(text: str) -> None:
    segmenter = Segmenter()
    found = [segment for character in text for segment in segmenter.add(character)]
    assert [*found, *segmenter.finish()] == list(segments(text))


WORD = st.text(st.sampled_from("abcDEFäßéж文"), min_size=1, max_size=40)
SEPARATOR = st.sampled_from([" ", ", ", ". ", "\n", " – ", "; ", "?  ", "\n\n"])


@given(st.lists(st.tuples(WORD, SEPARATOR), max_size=200), CAPS)
def test_joining_the_segments_gives_the_words_in_order(
    pairs: list[tuple[str, str]], cap: int
) -> None:
    text = "".join(word + separator for word, separator in pairs)
    assert " ".join(segment.text for segment in segments(text, cap)).split() == text.split()


@given(st.lists(st.sampled_from(["e\u0301", "👩‍👩‍👧", "🇩🇪", "한", "x"]), min_size=60, max_size=400))
def test_a_grapheme_cluster_is_never_cut(clusters: list[str]) -> None:
    text = "".join(clusters)
    whole = regex.findall(r"\X", text)
    parts = [regex.findall(r"\X", segment.text) for segment in segments(text, 50)]
    assert list(itertools.chain.from_iterable(parts)) == whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello world. How are you?", ["Hello world.", "How are you?"]),
        ("Dr. Smith is here. He waits.", ["Dr. Smith is here.", "He waits."]),
        ("It costs 3.50 euros today.", ["It costs 3.50 euros today."]),
        ("One line\n\nAnother line", ["One line", "Another line"]),
        ("你好。我很好！", ["你好。", "我很好！"]),
        ("This is **bold** text.", ["This is bold text."]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert [segment.text for segment in segments(text)] == expected
    assert all(segment.ends_sentence for segment in segments(text))


def test_a_long_sentence_is_cut_at_clauses_first() -> None:
    clause = "and then we went on for quite a while, "
    found = list(segments(clause * 5, 100))
    assert [segment.text for segment in found[:-1]] == [(clause * 2).strip()] * (len(found) - 1)
    assert [segment.ends_sentence for segment in found] == [False] * (len(found) - 1) + [True]


def test_without_clauses_it_is_cut_at_spaces() -> None:
    assert cut("word " * 20, 52) == ("word " * 9 + "word", ("word " * 10).rstrip() + " ")


def test_without_spaces_it_is_cut_anywhere() -> None:
    assert cut("x" * 120, 50) == ("x" * 50, "x" * 70)


def test_a_decimal_comma_is_no_clause() -> None:
    head, _ = cut("one two three 3,5 " + "x" * 60, 50)
    assert head == "one two three 3,5"


def test_a_sentence_is_given_out_with_the_first_letter_of_the_next() -> None:
    segmenter = Segmenter()
    assert list(segmenter.add("Hello there. ")) == []
    assert list(segmenter.add("W")) == [Segment("Hello there.")]


@pytest.mark.parametrize("cap", [49, 501, 0, -1])
def test_the_cap_has_bounds(cap: int) -> None:
    with pytest.raises(ValueError, match="50 to 500"):
        Segmenter(cap)


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        "word ",
        "a",
        "e\u0301",
        ".",
        " ",
        "A. ",
        "* ",
        "\u0301",
        "\n",
        '"',
        "文",
        "…",
        "Is it? ",
        "**",
    ],
)
def test_a_long_text_without_a_stop_is_never_held_back(unit: str) -> None:
    """What is searched again with every token stays short, so the work is linear."""
    segmenter = Segmenter()
    for _ in range(200):
        for _ in segmenter.add(unit * (1000 // len(unit))):
            pass
        held = segmenter._detector.remaining_text + segmenter._detector.current_sentence
        assert len(held) <= 500
        assert len(segmenter._untokenised) <= 200
    assert sum(1 for _ in segmenter.finish()) <= 1
