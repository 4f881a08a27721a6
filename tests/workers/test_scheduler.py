"""Precedence among requests, and the playback clock; pure, without time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from wyoming_piper_hardened.workers.scheduler import (
    Claim,
    Pace,
    Playback,
    count_urgent,
    precedence,
)

UNHURRIED = settings(deadline=None)
"""A slow machine is no failure."""

NOW, PATIENCE = 1000.0, 30.0
TIMES = st.floats(0, 5, allow_nan=False)
CAPACITIES = st.floats(0.1, 50)
PACES = st.builds(
    Pace,
    first=st.floats(0.001, 2),
    frame=st.floats(0.0001, 0.01),
    deviation=st.floats(0, 2),
)
SECONDS = st.floats(0.001, 2)
CLAIMS = st.lists(
    st.builds(
        Claim,
        key=st.builds(object),
        since=st.floats(NOW - 2 * PATIENCE, NOW),
        lead=st.none() | st.floats(-5, 30),
        seconds=SECONDS,
        computing=st.sampled_from([0, 0, 0, 1, 2]),
    ),
    max_size=20,
)


def ordered(
    claims: list[Claim[object]], pace: Pace, threads: int, capacity: float
) -> list[Claim[object]]:
    return precedence(claims, NOW, pace=pace, threads=threads, capacity=capacity, patience=PATIENCE)


@UNHURRIED
@given(CLAIMS, PACES, st.integers(1, 8), CAPACITIES)
def test_everybody_who_can_be_served_is_in_the_order_once(
    claims: list[Claim[object]], pace: Pace, threads: int, capacity: float
) -> None:
    order = ordered(claims, pace, threads, capacity)
    assert sorted(map(id, order)) == sorted(map(id, claims))


@UNHURRIED
@given(CLAIMS, PACES, st.integers(1, 8), CAPACITIES)
def test_precedence(claims: list[Claim[object]], pace: Pace, threads: int, capacity: float) -> None:
    order = ordered(claims, pace, threads, capacity)
    overdue = [c for c in order if not c.computing and NOW - c.since >= PATIENCE]
    served = [c for c in order if c.computing]
    middle = order[len(overdue) : len(order) - len(served)]
    # The overdue first, the longest first; further chunks of those who are served last.
    assert order[: len(overdue)] == overdue == sorted(overdue, key=lambda claim: claim.since)
    assert order[len(order) - len(served) :] == served
    newcomers = [claim for claim in middle if claim.lead is None]
    begun = [claim for claim in middle if claim.lead is not None]
    leads = [claim.lead for claim in begun if claim.lead is not None]
    assert newcomers == sorted(newcomers, key=lambda claim: claim.since)
    assert leads == sorted(leads)
    if not newcomers:
        return
    first = middle.index(newcomers[0])
    assert middle[first : first + len(newcomers)] == newcomers
    # Whoever comes behind the newcomers outlasts one of them and all who are served before.
    work = sum(claim.seconds for claim in middle[:first])
    for claim in middle[first + len(newcomers) :]:
        work += claim.seconds
        assert claim.lead is not None
        assert claim.lead >= pace.first + max(work / threads, claim.seconds)
    # Nobody comes before them for nothing: the last one who does could not wait.
    if first:
        assert count_urgent(begun, pace, threads, capacity) == first


@UNHURRIED
@given(
    st.lists(st.tuples(st.floats(-1, 10), SECONDS), max_size=10).map(sorted),
    PACES,
    st.integers(1, 4),
    CAPACITIES,
)
def test_reserve_grows_with_what_chunks_take_with_the_begun_and_with_the_load(
    begun: list[tuple[float, float]], pace: Pace, threads: int, capacity: float
) -> None:
    def urgent(pace: Pace = pace, threads: int = threads, capacity: float = capacity) -> int:
        return count_urgent(claims, pace, threads, capacity)

    claims = [Claim(object(), NOW, lead, seconds) for lead, seconds in begun]
    least = urgent()
    assert urgent(pace=replace(pace, first=2 * pace.first)) >= least
    assert urgent(pace=replace(pace, deviation=2 * pace.deviation)) >= least
    assert urgent(threads=threads + 1) <= least
    assert urgent(capacity=capacity * 2) <= least
    slower = [replace(claim, seconds=2 * claim.seconds) for claim in claims]
    assert count_urgent(slower, pace, threads, capacity) >= least
    if claims:
        assert count_urgent([*claims, claims[-1]], pace, threads, capacity) >= least
    later = [replace(claim, lead=(claim.lead or 0.0) + 1000) for claim in claims]
    assert count_urgent(later, pace, threads, capacity) == 0


@UNHURRIED
@given(st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=30))
def test_playback_is_that_of_a_player(events: list[tuple[float, float]]) -> None:
    """A player in small steps: plays what it has, waits when it has nothing."""
    playback, now, position, made = Playback(), 0.0, 0.0, 0.0
    assert playback.lead(now, now) is None
    for wait, seconds in events:
        now += wait
        if playback.begun:
            lead = playback.lead(now, now - wait)
            assert lead is not None
            dry = position + wait - made
            position = min(position + wait, made)
            assert abs(max(lead, 0.0) - (made - position)) < 1e-6
            if dry > 0:
                assert -wait - 1e-6 <= lead <= 1e-6
        playback.add(seconds, now)
        made += seconds
    assert abs(playback.made - made) < 1e-6


def test_time_without_text_is_nobodys_delay() -> None:
    playback = Playback()
    playback.add(1.0, 10.0)
    assert playback.lead(100.0, 99.5) == -0.5  # its text came half a second ago
    playback.add(2.0, 100.0)
    assert playback.lead(101.0, 101.0) == 1.0


def test_pace_follows_what_is_measured() -> None:
    pace = Pace(first=0.1, frame=0.001)
    for _ in range(50):
        pace.observe(0.3, 78)
        pace.observe(0.05, None)
    assert abs(pace.expected(78) - 0.3) < 0.01
    assert abs(pace.expected(None) - 0.05) < 0.01
    assert pace.expected(178) == pytest.approx(2 * pace.expected(78))


@pytest.mark.parametrize(("seconds", "deviation"), [([0.2], 0.0), ([0.1, 0.3], 0.5)])
def test_pace_knows_how_unevenly_the_machine_computes(
    seconds: list[float], deviation: float
) -> None:
    pace = Pace(frame=0.002)
    for _ in range(50):
        for one in seconds:
            pace.observe(one, 78)
    assert pace.deviation == pytest.approx(deviation, abs=0.1)
