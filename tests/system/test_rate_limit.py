"""Rate limits over an injected clock, and the log that has one."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given, settings, strategies as st

from support.events import logged
from support.waiting import eventually
from wyoming_piper_hardened.reporting.events import Event, LimitedLog
from wyoming_piper_hardened.system.rate_limit import RateLimit, RateLimits

UNHURRIED = settings(deadline=None)
"""A slow machine is no failure."""


@UNHURRIED
@given(st.integers(1, 5), st.lists(st.integers(0, 40), max_size=80))
def test_rate_limit_allows_its_limit_in_any_period_and_no_less(limit: int, gaps: list[int]) -> None:
    rate_limit, allowed, now = RateLimit(limit=limit, period=100), list[float](), 0.0
    for gap in gaps:
        now += gap
        room = sum(now - then < 100 for then in allowed) < limit
        assert rate_limit.allow(now) == room
        if room:
            allowed.append(now)
        assert len(rate_limit._times) <= limit


@UNHURRIED
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40)), max_size=80))
def test_rate_limits_are_those_of_each_caller(calls: list[tuple[str, int]]) -> None:
    limits, alone, now = RateLimits(limit=3, period=100), dict[str, RateLimit](), 0.0
    for caller, gap in calls:
        now += gap
        expected = alone.setdefault(caller, RateLimit(limit=3, period=100)).allow(now)
        assert limits.allow(caller, now) == expected


def test_rate_limits_of_a_crowd_are_bounded() -> None:
    limits = RateLimits(limit=2, period=60, callers=10)
    assert sum(limits.allow(number, 0.0) for number in range(1000)) == 10 + 2
    assert len(limits._limits) <= 11
    assert limits.allow(5, 1.0)  # whose own limit is not touched by the crowd
    assert not limits.allow(5, 2.0)
    assert all(limits.allow(number, 100.0) for number in range(2000, 2010))
    assert len(limits._limits) <= 11


async def test_limited_log_counts_what_it_leaves_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = 0.0
    logger = logging.getLogger("wyoming_piper_hardened.test")
    log = LimitedLog(logger, 3, 0.2, clock=lambda: now)
    for period in (1, 2):
        for _ in range(100):
            log.warning(Event("connection-refused", reason="flood"))
        await eventually(lambda: len(logged(caplog, "messages-left-out")) == period)  # noqa: B023
        now += 0.2
    assert len(logged(caplog, "connection-refused")) == 6
    assert [e.params["count"] for e in logged(caplog, "messages-left-out")] == [97, 97]
