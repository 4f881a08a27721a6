"""The client with whoever else answers, and with what no server should send."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from client import (
    Action,
    CannotConnectError,
    Client,
    IssueKind,
    NotPiperHardenedError,
    Outcome,
    StreamError,
    Timeouts,
    UnsupportedApiError,
)

QUICK = Timeouts(connect=2.0, answer=2.0, quiet=0.5)


@contextlib.asynccontextmanager
async def somebody(handle: object) -> AsyncIterator[Client]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)  # type: ignore[arg-type]
    async with TestServer(application) as server, aiohttp.ClientSession() as session:
        assert server.port
        yield Client(session, "127.0.0.1", server.port, "a-token", QUICK)


ANSWERS = {
    "page": web.Response(text="<html>", content_type="text/html"),
    "list": web.json_response([1]),
    "nothing": web.json_response({}),
    "not found": web.Response(status=404, text="nothing here"),
    "elsewhere": web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    "deep": web.Response(text="[" * 100_000, content_type="application/json"),
    "long": web.Response(body=b" " * (9 << 20), content_type="application/json"),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_another_server_is_not_taken_for_ours(name: str) -> None:
    answer = ANSWERS[name]
    copy = web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    async def handle(_: web.Request) -> web.Response:
        return copy

    async with somebody(handle) as client:
        with pytest.raises(NotPiperHardenedError):
            await client.info()


@pytest.mark.parametrize(
    ("api", "features", "newer"),
    [(2, ["job-ids", "companion-events", "voice-versions"], True), (1, ["job-ids"], False)],
)
async def test_other_api_is_refused(api: int, features: list[str], *, newer: bool) -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.json_response({"api": api, "features": features})

    async with somebody(handle) as client:
        with pytest.raises(UnsupportedApiError) as caught:
            await client.info()
    assert caught.value.newer is newer


async def test_silent_server_is_given_up() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path != "/api/events":
            await asyncio.sleep(60)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await asyncio.sleep(60)
        return response

    async with somebody(handle) as client:
        with pytest.raises(CannotConnectError):
            await client.info()
        with pytest.raises(CannotConnectError):
            await anext(client.events())


@pytest.mark.parametrize(
    "stream",
    [
        b"event: state\ndata: {\n\n",
        b"event: state\ndata: []\n\n",
        b"data: " + b"x" * (2 << 20),
        b"event: state\ndata: {}",
        b"",
    ],
)
async def test_broken_stream_is_an_error(stream: bytes) -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=stream, content_type="text/event-stream")

    async with somebody(handle) as client:
        with pytest.raises(StreamError):
            await anext(client.events())


async def test_unknown_values_become_other_and_wrong_ones_defaults() -> None:
    state = {
        "server_id": 7,
        "ready": "yes",
        "started_at": float("inf"),
        "workers": [1],
        "jobs": [{"action": "sing", "progress": {"done": -1e300}}, "x"],
        "finished_jobs": [{"outcome": "exploded"}],
        "issues": [{"kind": "new", "params": {"damage": [{"file": "x"}, 7]}}],
        "voices": {"name": "x"},
        "future": True,
    }

    async def handle(_: web.Request) -> web.Response:
        return web.json_response({"state": state, "counters": {"last_request": 7}})

    async with somebody(handle) as client:
        read, counters = await client.snapshot()
    assert (read.server_id, read.ready, read.workers_total, read.voices) == (None, False, 0, ())
    assert [(job.action, job.done) for job in read.jobs] == [(Action.OTHER, 0)]
    assert read.finished_jobs[0].outcome is Outcome.OTHER
    assert (read.issues[0].kind, read.issues[0].damage) == (IssueKind.OTHER, ("",))
    assert counters.first_audio is None
