"""Pieces of segments by their cost."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from wyoming_piper_hardened.engine.cost import (
    MAX_PIECE_COST,
    check_length,
    choose_piece,
    phrase_cost,
    phrase_limit,
)
from wyoming_piper_hardened.engine.synthesis.phrasing import MOST_PHONEMES
from wyoming_piper_hardened.errors import SynthesisError

SCALES = st.floats(0.1, 10.0)


def phrase(phonemes: int) -> list[int]:
    return [1] * (2 * phonemes)


@given(st.lists(st.integers(1, MOST_PHONEMES), max_size=30), SCALES)
def test_pieces_are_bounded_and_nothing_is_lost(sizes: list[int], scale: float) -> None:
    phrases = [phrase(min(size, phrase_limit(scale))) for size in sizes]
    start: int | None = 0
    numbers: list[int] = []
    try:
        while start is not None:
            piece = choose_piece(phrases, start, scale)
            assert sum(phrase_cost(ids, scale) for _, ids in piece.phrases) <= MAX_PIECE_COST
            numbers += [number for number, _ in piece.phrases]
            assert piece.rest is None or piece.rest > start
            start = piece.rest
    except SynthesisError:
        assert start == 0
    else:
        assert numbers == list(range(len(phrases)))


def test_ordinary_segment_is_one_piece() -> None:
    piece = choose_piece([phrase(MOST_PHONEMES), phrase(250)], 0, 1.0)
    assert [number for number, _ in piece.phrases] == [0, 1]
    assert piece.rest is None


def test_segment_beyond_the_bound_is_an_error() -> None:
    phrases = [phrase(MOST_PHONEMES)] * 24
    with pytest.raises(SynthesisError, match="8160 phonemes"):
        choose_piece(phrases, 0, 1.0)
    with pytest.raises(SynthesisError):
        choose_piece([phrase(80)] * 24, 0, 4.0)


def test_phrase_that_no_piece_holds_is_an_error() -> None:
    with pytest.raises(SynthesisError):
        choose_piece([phrase(4 * MOST_PHONEMES + 300)], 0, 1.0)


def test_slower_phrases_are_shorter() -> None:
    assert phrase_limit(0.5) == phrase_limit(1.0) == MOST_PHONEMES
    assert phrase_limit(4.0) == MOST_PHONEMES // 4


def test_audio_far_beyond_its_phonemes_is_an_error() -> None:
    check_length(39.0, phrase(80), 1.0)
    with pytest.raises(SynthesisError, match="41 s of 80 phonemes"):
        check_length(41.0, phrase(80), 1.0)
