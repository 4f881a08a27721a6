from __future__ import annotations

from itertools import chain

from hypothesis import given, strategies as st

from wyoming_piper_hardened.engine.synthesis.phrasing import phrases

PHONEMES = st.lists(st.sampled_from("aeiouptks ,;."), max_size=900)


@given(PHONEMES, st.integers(10, 300))
def test_nothing_is_lost_and_nothing_is_too_long(phonemes: list[str], most: int) -> None:
    pieces = phrases(phonemes, most)
    assert list(chain.from_iterable(pieces)) == phonemes
    assert all(0 < len(piece) <= most for piece in pieces)


def test_a_short_sentence_stays_whole() -> None:
    assert phrases("a short one, really", 30) == [list("a short one, really")]


def test_a_clause_is_preferred_to_a_blank_and_a_blank_to_any_place() -> None:
    def joined(text: str) -> list[str]:
        return ["".join(piece) for piece in phrases(text, 20)]

    assert joined("aaa bbb ccc, ddd eee fff gg") == ["aaa bbb ccc,", " ddd eee fff gg"]
    assert joined("aaa bbb ccc ddd eee fff gg") == ["aaa bbb ccc ", "ddd eee fff gg"]
    assert joined("a" * 26) == ["a" * 13, "a" * 13]
