"""Room for sentences that run side by side."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given, settings, strategies as st

from wyoming_piper_hardened.engine.sessions.room import SentenceRoom

UNHURRIED = settings(deadline=None, max_examples=30)
"""A slow machine is no failure."""


@UNHURRIED
@given(st.lists(st.integers(1, 150) | st.none(), min_size=1, max_size=12))
def test_no_more_than_the_longest_sentence_needs(sentences: list[int | None]) -> None:
    room, lock = SentenceRoom(100), threading.Lock()
    sizes: list[int] = []
    most = 0

    def run(ids: int | None) -> None:
        nonlocal most
        size = 100 if ids is None else min(ids, 100)
        with room.taken(ids):
            with lock:
                sizes.append(size)
                most = max(most, sum(size**2 for size in sizes))
            with lock:
                sizes.remove(size)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(run, sentences))
    assert most <= 100**2
    assert sizes == []


def test_short_sentences_run_side_by_side() -> None:
    room, together = SentenceRoom(100), threading.Barrier(2, timeout=10)

    def run(ids: int) -> None:
        with room.taken(ids):
            together.wait()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(run, [70, 70]))
