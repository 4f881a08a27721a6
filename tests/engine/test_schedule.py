"""Chunk schedules: no gaps, few chunks, no starving."""

from __future__ import annotations

import json

import pytest

from wyoming_piper_hardened.config.settings import Settings
from wyoming_piper_hardened.engine.schedule import LARGEST, ONE_PASS, OVERHEAD, Schedule, choose

MISFIT = "not a schedule|to unpack|invalid literal"
FACTORS = [0.0, 0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


@pytest.mark.parametrize("factor", [*FACTORS, 0.9, 2.0])
@pytest.mark.parametrize("frames", [0, 1, 19, 20, 30, 31, 100, 1000, 5000])
def test_chunks_cover_the_sentence(factor: float, frames: int) -> None:
    chunks = list(choose(factor).chunks(frames))
    assert [frame for start, stop in chunks for frame in range(start, stop)] == list(range(frames))
    assert all(stop - start <= 1.5 * LARGEST for start, stop in chunks)


@pytest.mark.parametrize("factor", FACTORS)
def test_playback_never_waits(factor: float) -> None:
    """One processor computes the chunks in turn; each is there when those before it have played."""
    computed = played = 0.0
    for number, (start, stop) in enumerate(choose(factor).chunks(3000)):
        computed += (stop - start + OVERHEAD) * factor
        if number == 0:
            played = computed
        assert computed <= played + 1e-6
        played += stop - start


@pytest.mark.parametrize("factor", FACTORS)
def test_size_of_a_chunk_is_known_by_its_number(factor: float) -> None:
    schedule = choose(factor)
    *chunks, _last = schedule.chunks(30_000)
    for number, (start, stop) in enumerate(chunks):
        assert abs(schedule.size(number) - (stop - start)) <= 1
    assert schedule.size(10**6) <= LARGEST


@pytest.mark.parametrize("frame", [256 / 22_050, 256 / 16_000])
@pytest.mark.parametrize("factor", [0.7, 1.0, 2.0, 5.0, 10.0])
def test_a_slow_machine_does_not_seem_to_hang(factor: float, frame: float) -> None:
    """The largest voices take five times their duration on small machines."""
    for start, stop in choose(factor, frame).chunks(3000):
        assert (stop - start + OVERHEAD) * factor * frame < Settings().stall_timeout


def test_short_sentences_are_one_chunk() -> None:
    assert list(choose(0.05).chunks(30)) == [(0, 30)]
    assert list(ONE_PASS.chunks(3000)) == [(0, 3000)]


def test_the_wire_form() -> None:
    for factor in FACTORS:
        schedule = choose(factor)
        assert Schedule.from_list(json.loads(json.dumps(schedule.to_list()))) == schedule


@pytest.mark.parametrize(
    "values", [[], [1], [0, 1.0, 5], [10, 1.0, 5], [10, 0.5, 50], ["a", 1, 2], [None, 1, 2]]
)
def test_no_schedule(values: list[float]) -> None:
    with pytest.raises(ValueError, match=MISFIT):
        Schedule.from_list(values)
