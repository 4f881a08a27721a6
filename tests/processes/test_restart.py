"""The restart policy, in microseconds of injected time."""

from __future__ import annotations

from itertools import islice, pairwise
from random import Random

from hypothesis import given, strategies as st

from wyoming_piper_hardened.processes.restart import (
    RestartDecider,
    RestartHistory,
    RestartPolicy,
    backoff,
)

EXACT = RestartDecider(RestartPolicy(jitter=0))


def test_five_failures_in_a_minute_are_fatal() -> None:
    history, now, delays = RestartHistory(), 0.0, []
    for _ in range(4):
        verdict = EXACT.failed(history, now)
        assert not verdict.fatal
        history, now = verdict.history, now + verdict.delay
        delays.append(verdict.delay)
    assert delays == [0.5, 1, 2, 4]
    fifth = EXACT.failed(history, now)
    assert fifth.fatal
    assert fifth.delay == 300


def test_probes_double_to_an_hour() -> None:
    verdict = EXACT.failed(RestartHistory(), 0, permanent=True)
    delays = [verdict.delay]
    for number in range(6):
        verdict = EXACT.failed(verdict.history, 1e4 * (number + 1))
        assert verdict.fatal
        delays.append(verdict.delay)
    assert delays == [300, 600, 1200, 2400, 3600, 3600, 3600]


def test_a_start_that_cannot_succeed_is_not_tried_again_at_once() -> None:
    assert EXACT.failed(RestartHistory(), 0, permanent=True).fatal


def test_failures_far_apart_are_never_fatal_but_wait_up_to_the_limit() -> None:
    history, now = RestartHistory(), 0.0
    for _ in range(50):
        verdict = EXACT.failed(history, now)
        assert not verdict.fatal
        assert verdict.delay <= 30
        history, now = verdict.history, now + 100


@given(st.lists(st.floats(0, 1e5), max_size=60), st.integers())
def test_never_more_than_the_intensity_within_a_period(gaps: list[float], seed: int) -> None:
    decider = RestartDecider(random=Random(seed))
    history, now, starts = RestartHistory(), 0.0, [0.0]
    for alive in gaps:
        now += alive
        verdict = decider.failed(history, now)
        assert 0.45 <= verdict.delay <= 3600
        assert len(verdict.history.failures) <= 5
        history, now = verdict.history, now + verdict.delay
        if verdict.fatal:
            break
        starts.append(now)
    for first, sixth in zip(starts, starts[5:], strict=False):
        assert sixth - first >= 60
    assert all(later > earlier for earlier, later in pairwise(starts))


def test_backoff_doubles_up_to_its_limit() -> None:
    assert list(islice(backoff(60, 300), 5)) == [60, 120, 240, 300, 300]
