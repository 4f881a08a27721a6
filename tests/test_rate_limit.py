"""Rate limits over an injected clock."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from wyoming_piper_hardened.rate_limit import RateLimit

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
