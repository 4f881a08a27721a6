"""The price of an idle hour for a program that listens for ever: few events, few bytes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from conftest import Report, Script
from support.both_servers import Open
from wyoming_piper_hardened.system.aio import Notifier, cancel_and_wait
from wyoming_piper_hardened.web.access import AccessPolicy
from wyoming_piper_hardened.web.api.voice_list import VoiceList
from wyoming_piper_hardened.web.events.companion import CompanionView
from wyoming_piper_hardened.web.events.feed import Feed, Message
from wyoming_piper_hardened.web.limits import WebLimits

HOUR = 3600.0
MOST_EVENTS, MOST_BYTES = 150, 300_000

LIMITS = WebLimits()
KEEP_ALIVE = 60
"""Bytes of the comment that keeps a stream alive, with its time and what is around a chunk."""
ENVELOPE = 100
"""Bytes of an event but for its data: name, number, retry, and what is around a chunk."""


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_hour_in_which_every_look_counts_something_new_is_cheap(
    open_site: Open, script: Script, report: Report
) -> None:
    site = await open_site(script())
    server, control, clock = site.server, site.server.control, Clock()
    presets = server.resolver.presets
    voices = VoiceList(server.status, control.catalogue, control.lost_voices, presets)
    view = CompanionView(
        server.status,
        voices,
        server.metrics,
        AccessPolicy((), None, ()),
        interval=LIMITS.counters_interval,
        clock=clock,
    )

    async def look(*, for_owner: bool) -> Mapping[str, Any]:
        clock.now += LIMITS.event_refresh
        server.metrics.requests.labels("ok").inc()
        return await view.render(for_owner=for_owner)

    # The looks follow each other at once, and each is `event_refresh` later by the clock.
    feed = Feed(look, Notifier(), WebLimits(event_interval=0.0, event_refresh=0.0))
    running = asyncio.create_task(feed.run())
    messages: list[Message] = []
    async with contextlib.aclosing(feed.follow(True)) as news:  # noqa: FBT003 - a key
        async for message in news:
            messages.append(message)
            if clock.now > HOUR:
                break
    await cancel_and_wait(running)
    events = messages[-1].id  # those that a slow follower has not seen have a number, too
    longest = max(len(message.data.encode()) for message in messages) + ENVELOPE
    comments = round(HOUR / LIMITS.event_keep_alive) * KEEP_ALIVE
    size = events * longest + comments
    report(f"{events} events, at most {size / 1000:.0f} kB")
    assert HOUR / LIMITS.counters_interval < events <= MOST_EVENTS
    assert size <= MOST_BYTES


async def test_real_server_that_idles_sends_no_more_than_that(
    open_site: Open, report: Report
) -> None:
    """All intervals are a thirtieth, so that 12 seconds stand for six minutes."""
    scale, seconds = 30, 12.0
    limits = WebLimits(
        event_interval=LIMITS.event_interval / scale,
        event_refresh=LIMITS.event_refresh / scale,
        counters_interval=LIMITS.counters_interval / scale,
        event_keep_alive=LIMITS.event_keep_alive / scale,
    )
    site = await open_site(web_limits=limits)
    await site.hear(text="It is well.")
    received = bytearray()
    async with site.client.get("/api/events?view=companion") as answer:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for piece in answer.content.iter_any():
                    received += piece
    share = seconds * scale / HOUR
    events, comments = received.count(b"event: "), received.count(b": ping")
    report(f"{events} events and {len(received) / 1000:.1f} kB in {share * 60:.0f} minutes")
    assert events <= MOST_EVENTS * share
    assert len(received) <= MOST_BYTES * share
    assert received.count(b"event: state") >= 1
    assert comments > 0
