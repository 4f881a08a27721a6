"""Precedence among requests, and the playback clock; pure, without time."""

from __future__ import annotations

from math import ceil

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
PACES = st.builds(Pace, first=st.floats(0.001, 2), further=st.floats(0.001, 2))
CLAIMS = st.lists(
    st.builds(
        Claim,
        key=st.builds(object),
        since=st.floats(NOW - 2 * PATIENCE, NOW),
        lead=st.none() | st.floats(-5, 30),
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
    leads = [claim.lead for claim in middle if claim.lead is not None]
    assert newcomers == sorted(newcomers, key=lambda claim: claim.since)
    assert leads == sorted(leads)
    if not newcomers:
        return
    first = middle.index(newcomers[0])
    assert middle[first : first + len(newcomers)] == newcomers
    # Whoever comes behind the newcomers outlasts one of them and all who are served before.
    for number, claim in enumerate(middle[first + len(newcomers) :], start=first + 1):
        assert claim.lead is not None
        assert claim.lead >= pace.first + pace.further * ceil(number / threads)
    # Nobody comes before them for nothing: the last one who does could not wait.
    if first:
        assert count_urgent(leads, pace, threads, capacity) == first


@UNHURRIED
@given(st.lists(st.floats(-1, 10), max_size=10).map(sorted), PACES, st.integers(1, 4), CAPACITIES)
def test_reserve_grows_with_the_time_of_a_chunk_with_the_begun_and_with_the_load(
    leads: list[float], pace: Pace, threads: int, capacity: float
) -> None:
    urgent = count_urgent(leads, pace, threads, capacity)
    slower = Pace(first=2 * pace.first, further=2 * pace.further)
    assert count_urgent(leads, slower, threads, capacity) >= urgent
    assert count_urgent(leads, pace, threads + 1, capacity) <= urgent
    assert count_urgent(leads, pace, threads, capacity * 2) <= urgent
    if leads:
        assert count_urgent([*leads, leads[-1]], pace, threads, capacity) >= urgent
    assert count_urgent([lead + 1000 for lead in leads], pace, threads, capacity) == 0


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
    pace = Pace(first=0.1, further=0.1)
    for _ in range(50):
        pace.observe(0.4, first=False)
        pace.observe(0.05, first=True)
    assert abs(pace.further - 0.4) < 0.01
    assert abs(pace.first - 0.05) < 0.01
