"""The stream of events: rendered once, at most four a second, and over when the server stops."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import struct
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from conftest import Script
from support.site import Open, Site
from support.waiting import eventually
from wyoming_piper_hardened.web.api import events as events_module
from wyoming_piper_hardened.web.api.events import LEAST_INTERVAL, MAX_FOLLOWERS


async def states(answer: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    event = ""
    async for line in answer.content:
        name, _, value = line.decode().rstrip("\r\n").partition(": ")
        if name == "event":
            event = value
        if name == "data":
            assert event == "status"
            yield json.loads(value)


async def test_every_change_is_told_and_not_too_often(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    renderings = count_renderings(site)
    times: list[float] = []
    async with site.client.get("/api/events") as one, site.client.get("/api/events") as two:
        first, second = states(one), states(two)
        _, status = await site.get("/api/status")
        assert (await anext(first)).keys() == (await anext(second)).keys() == status.keys()
        for number in range(30):
            await site.hear(text=f"Number {number}.")
        async for state in first:
            times.append(time.monotonic())
            if len(state["requests"]) == 30:
                break
        async for state in second:
            if len(state["requests"]) == 30:
                break
    seconds = times[-1] - times[0]
    assert len(times) <= seconds / LEAST_INTERVAL + 3
    assert next(renderings) <= len(times) + 3


def count_renderings(site: Site) -> itertools.count[int]:
    counter = itertools.count()
    events = site.web._events
    render = events._render

    async def counted() -> dict[str, Any]:
        next(counter)
        return await render()

    events._render = counted
    return counter


async def test_who_comes_after_everybody_has_left_is_told_at_once(
    open_site: Open, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "_REFRESH", 3600.0)
    site = await open_site(script())
    for _ in range(3):
        async with site.client.get("/api/events") as answer:
            assert await anext(states(answer))
        await eventually(lambda: site.web._events._followers == 0)


async def test_a_quiet_stream_is_kept_alive(
    open_site: Open, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "_KEEP_ALIVE", 0.05)
    site = await open_site(script())
    async with site.client.get("/api/events") as answer:
        async for line in answer.content:
            if line.startswith(b": ping"):
                break


async def test_who_does_not_read_is_dropped(
    open_site: Open, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "_SEND_TIMEOUT", 0.2)
    monkeypatch.setattr(events_module, "LEAST_INTERVAL", 0.001)
    site = await open_site(script())
    events = site.web._events
    padding = "x" * 2_000_000
    render = events._render

    async def large() -> dict[str, Any]:
        return {**await render(), "padding": padding}

    events._render = large
    with socket.socket() as deaf:
        deaf.connect(("127.0.0.1", site.web.port))
        deaf.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await eventually(lambda: events._followers == 1)
        site.synthesizer.on_change()
        await eventually(lambda: events._followers == 0)


async def test_followers_are_counted_and_leave_nothing(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(site.url, connector=connector) as many:
        answers = [await many.get("/api/events") for _ in range(MAX_FOLLOWERS)]
        async with many.get("/api/events") as answer:
            assert answer.status == 503
        for answer in answers:
            answer.close()
    events = site.web._events
    await eventually(lambda: events._followers == 0)
    assert (await site.get("/health/live"))[0] == 200


async def test_who_comes_and_goes_is_no_trouble(
    open_site: Open, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    site = await open_site(script())
    for _ in range(60):
        with socket.socket() as hasty:
            hasty.connect(("127.0.0.1", site.web.port))
            hasty.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await eventually(lambda: site.web._events._followers == 0)
    assert (await site.get("/health/live"))[0] == 200
    assert "please report" not in caplog.text


async def test_it_ends_with_the_server(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    answer = await site.client.get("/api/events")
    assert await anext(states(answer))
    async with asyncio.timeout(20):
        await site.web.stop()
        async for _ in answer.content:
            pass
    assert answer.content.exception() is None
