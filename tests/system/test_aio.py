"""Time limits that a pause of the whole process does not use up."""

from __future__ import annotations

import asyncio
import time

import pytest

from wyoming_piper_hardened.system.aio import RunningTime, Watchdog


def test_running_time_counts_a_pause_as_one_step() -> None:
    ran = RunningTime(last=100.0, step=1.0)
    assert not ran.look(100.5)
    assert not ran.look(101.4)
    assert ran.seconds == pytest.approx(1.4)
    assert ran.look(116.4)
    assert ran.seconds == pytest.approx(2.4)
    ran.reset(120.0)
    assert ran.seconds == 0
    assert not ran.look(120.5)


async def test_watchdog_ends_the_context_after_its_limit() -> None:
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        async with Watchdog(0.3, interval=0.1):
            await asyncio.sleep(60)
    assert 0.29 < time.monotonic() - begin < 30


async def test_restarted_watchdog_begins_anew() -> None:
    now = 0.0
    async with Watchdog(0.3, interval=0.1, clock=lambda: now) as watchdog:
        for _ in range(4):
            now += 0.15
            await asyncio.sleep(0.15)  # it looks at least once
            watchdog.restart(0.3)


async def test_shorter_limit_is_kept_in_time() -> None:
    with pytest.raises(TimeoutError):  # noqa: PT012 - the context is tested
        async with Watchdog(60) as watchdog:
            watchdog.restart(0.05)
            await asyncio.sleep(60)


async def test_watchdog_forgives_a_pause_of_the_process() -> None:
    now = 0.0
    async with Watchdog(1.0, interval=0.1, clock=lambda: now):
        now = 3600.0
        await asyncio.sleep(0.15)  # it looks at least once


async def test_watchdog_reads_what_came_in_a_pause_before_it_gives_up() -> None:
    now = 0.0
    looked = asyncio.Event()

    def clock() -> float:
        looked.set()
        return now

    async with Watchdog(0.15, interval=0.1, clock=clock) as watchdog:
        now = 3600.0
        looked.clear()
        await looked.wait()  # it finds the limit used up by a pause, and waits
        watchdog.restart(1.0)
        looked.clear()
        await looked.wait()
        await asyncio.sleep(0)  # it would end the context now


async def test_context_that_ends_in_time_leaves_nothing_behind() -> None:
    async with Watchdog(0.05, interval=0.01):
        pass
    await asyncio.sleep(0.1)
