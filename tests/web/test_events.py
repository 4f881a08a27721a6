"""The stream of events: rendered once for all, limited in rate, ended with the server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from conftest import Script
from support.both_servers import Open
from support.waiting import eventually
from wyoming_piper_hardened.system.aio import Notifier, cancel_and_wait
from wyoming_piper_hardened.web.events.endpoint import EventsEndpoint, View
from wyoming_piper_hardened.web.limits import WebLimits

LIMITS = WebLimits()


async def states(answer: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    event = ""
    async for line in answer.content:
        name, _, value = line.decode().rstrip("\r\n").partition(": ")
        if name == "event":
            event = value
        if name == "data":
            assert event == "status"
            yield json.loads(value)


@contextlib.asynccontextmanager
async def source(padding: int, **limits: float) -> AsyncIterator[Source]:
    """Serve a state that counts how often it is rendered."""
    made = Source(padding, WebLimits(**limits))  # type: ignore[arg-type]
    application = web.Application()
    (row,) = made.endpoint.endpoints()
    application.router.add_route(row.method, row.path, row.handle)
    running = asyncio.create_task(made.endpoint.run())
    async with TestServer(application) as server:
        made.port = server.port or 0
        yield made
        made.endpoint.close()
        await cancel_and_wait(running)


class Source:
    def __init__(self, padding: int, limits: WebLimits) -> None:
        self.changes = Notifier()
        self.endpoint = EventsEndpoint({View.STATUS: self.render}, self.changes, self, limits)
        self.padding = "x" * padding
        self.news = 0
        self.renderings = 0
        self.port = 0

    async def render(self, *, for_owner: bool) -> dict[str, Any]:
        self.renderings += 1
        return {"status": {"news": self.news, "padding": self.padding, "owner": for_owner}}

    def is_privileged(self, _: web.Request) -> bool:
        return True

    def may_change(self, request: web.Request) -> bool:
        return "X-Other" not in request.headers

    def change(self) -> None:
        self.news += 1
        self.changes.notify()


async def test_stream_has_the_objects_of_the_status(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    async with site.client.get("/api/events") as answer:
        stream = states(answer)
        _, status = await site.get("/api/status")
        assert (await anext(stream)).keys() == status.keys()
        await site.hear(text="Hello.")
        async for state in stream:
            if state["requests"]:
                break


async def test_changes_are_rendered_once_for_all_and_not_too_often() -> None:
    async with source(0) as made, aiohttp.ClientSession(f"http://127.0.0.1:{made.port}") as client:
        begin, times = time.monotonic(), list[float]()
        async with client.get("/api/events") as one, client.get("/api/events") as two:
            first, second = states(one), states(two)
            for _ in range(40):
                made.change()
                await asyncio.sleep(0.02)
            async for state in first:
                times.append(time.monotonic())
                if state["news"] == 40:
                    break
            async for state in second:
                if state["news"] == 40:
                    break
        assert len(times) <= (times[-1] - begin) / LIMITS.event_interval + 4
        assert made.renderings <= len(times) + 3


async def test_owner_and_others_follow_states_of_their_own() -> None:
    async with source(0) as made, aiohttp.ClientSession(f"http://127.0.0.1:{made.port}") as client:
        owner, other = client.get("/api/events"), client.get("/api/events", headers={"X-Other": ""})
        async with owner as one:
            first = states(one)
            assert (await anext(first))["owner"]
            async with other as two:
                second = states(two)
                assert not (await anext(second))["owner"]
                made.change()
                async for state in second:
                    assert not state["owner"]
                    if state["news"]:
                        break
            async for state in first:
                assert state["owner"]
                if state["news"]:
                    break
            await eventually(lambda: made.endpoint.followers == 1)


async def test_new_follower_gets_an_event_at_once(open_site: Open, script: Script) -> None:
    site = await open_site(script(), web_limits=WebLimits(event_refresh=3600.0))
    for _ in range(3):
        async with site.client.get("/api/events") as answer:
            assert await anext(states(answer))
        await eventually(lambda: site.web._events.followers == 0)


async def test_quiet_stream_is_kept_alive(open_site: Open, script: Script) -> None:
    site = await open_site(script(), web_limits=WebLimits(event_keep_alive=0.05))
    async with site.client.get("/api/events") as answer:
        async for line in answer.content:
            if line.startswith(b": ping"):
                break


async def test_follower_that_does_not_read_is_dropped() -> None:
    limits = {"event_send_timeout": 0.2, "event_interval": 0.001}
    async with source(2_000_000, **limits) as made:
        with socket.socket() as deaf:
            deaf.connect(("127.0.0.1", made.port))
            deaf.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await eventually(lambda: made.endpoint.followers == 1)
            made.change()
            await eventually(lambda: made.endpoint.followers == 0)


async def test_followers_are_limited_and_released(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    connector = aiohttp.TCPConnector(limit=0)
    far = {"X-Forwarded-For": "203.0.113.5"}
    async with aiohttp.ClientSession(site.url, connector=connector) as many:
        answers = [await many.get("/api/events", headers=far) for _ in range(LIMITS.followers)]
        async with many.get("/api/events", headers=far) as answer:
            assert answer.status == 503
        reserved = [await many.get("/api/events") for _ in range(LIMITS.reserved_followers)]
        assert {answer.status for answer in answers + reserved} == {200}
        async with many.get("/api/events") as answer:
            assert answer.status == 503
        for answer in answers + reserved:
            answer.close()
    events = site.web._events
    await eventually(lambda: events.followers == 0)
    assert (await site.get("/health/live"))[0] == 200


async def test_followers_that_reset_cause_no_error(
    open_site: Open, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    site = await open_site(script())
    for _ in range(60):
        with socket.socket() as hasty:
            hasty.connect(("127.0.0.1", site.web.port))
            hasty.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await eventually(lambda: site.web._events.followers == 0)
    assert (await site.get("/health/live"))[0] == 200
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_stream_ends_with_the_server(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    answer = await site.client.get("/api/events")
    assert await anext(states(answer))
    async with asyncio.timeout(20):
        await site.web.stop()
        async for _ in answer.content:
            pass
    assert answer.content.exception() is None
