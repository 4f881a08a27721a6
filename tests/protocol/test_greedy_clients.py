"""Clients that want more than their share: the others are served in between."""

from __future__ import annotations

import asyncio
import errno

import psutil
import pytest
from wyoming.event import Event

from conftest import Script, Serve
from support.client import Client, connected
from support.scripted_engine import samples
from support.waiting import eventually
from wyoming_piper_hardened.protocol.timings import SessionTimings

FLOOD = 30_000


async def pong_comes(client: Client, pongs: list[Event]) -> None:
    pongs.extend((await client.until("pong")).events[-1:])


@pytest.mark.parametrize(
    "frame",
    [b'{"type":"unknown"}\n', b'{"type":"synthesize-chunk","data":{"text":""}}\n'],
    ids=["unknown events", "empty chunks"],
)
async def test_a_flood_of_events_does_not_starve_others(
    start_server: Serve, script: Script, frame: bytes
) -> None:
    server = await start_server(script())
    assert server.port
    async with connected(server.port) as flooder, connected(server.port) as other:
        await flooder.send("synthesize-start")
        flooder.writer.write(frame * FLOOD)
        pongs: list[Event] = []
        await flooder.send("ping")  # answered only after the whole flood
        waiting = asyncio.create_task(pong_comes(flooder, pongs))
        await other.send("describe")
        assert (await other.until("info")).types == ["info"]
        assert not pongs
        await waiting
        assert pongs


@pytest.mark.parametrize("unit", ["… ", "\n", "🇩 ", ". ", "***\n\n"])
async def test_a_long_text_without_words_does_not_starve_others(
    start_server: Serve, script: Script, unit: str
) -> None:
    server = await start_server(script())
    assert server.port
    text = unit * (100_000 // len(unit))
    async with connected(server.port) as long, connected(server.port) as other:
        speaking = asyncio.create_task(long.say(text))
        await other.send("describe")
        assert (await other.until("info")).types == ["info"]
        assert not speaking.done()
        assert (await speaking).types == ["audio-start", "audio-chunk", "audio-stop"]


@pytest.mark.parametrize(
    ("chunk", "code"), [({"text": 7}, "bad-request"), ({"text": "x" * 60_000}, "text-too-long")]
)
async def test_a_wrong_chunk_ends_the_stream_at_once(
    start_server: Serve, script: Script, chunk: dict[str, object], code: str
) -> None:
    server = await start_server(script())
    assert server.port
    async with connected(server.port) as client:
        await client.send("synthesize-start")
        for number in range(600):
            await client.send("synthesize-chunk", text=f"This is sentence {number} of many. ")
        before = psutil.Process().memory_info().rss
        for _ in range(3):
            await client.send("synthesize-chunk", **chunk)
        answer = await client.until("audio-stop")
        assert answer.error == code
        assert len(answer.pcm) < len(samples("This is sentence 100 of many.")) * 600
        assert await client.ended()
    assert psutil.Process().memory_info().rss - before < 50 << 20


async def test_abandoned_streams_take_no_place(start_server: Serve, script: Script) -> None:
    server = await start_server(script(), max_queue=2, max_connections=20)
    port = server.port
    assert port
    leaked = [connected(port) for _ in range(15)]
    clients = [await context.__aenter__() for context in leaked]
    for client in clients:
        await client.send("synthesize-start")
        await client.send("ping")
        await client.until("pong")
    async with connected(port) as client:
        assert (await client.say("Hello there.")).pcm == samples("Hello there.")
    for context in leaked:
        await context.__aexit__(None, None, None)


async def test_abandoned_streams_make_room(start_server: Serve, script: Script) -> None:
    session = SessionTimings(abandoned=0.0)
    server = await start_server(script(), session=session, max_connections=1)
    assert server.port
    async with connected(server.port) as leaked:
        await leaked.send("synthesize-start")
        await leaked.send("ping")
        await leaked.until("pong")
        async with connected(server.port) as client:
            assert (await client.say("Hello there.")).pcm == samples("Hello there.")
        assert (await leaked.until("audio-stop")).error == "idle-timeout"


@pytest.mark.parametrize("code", [errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH])
async def test_a_lost_network_is_no_bug(
    start_server: Serve, script: Script, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    server = await start_server(script())
    assert server.port
    async with connected(server.port) as client:
        await client.send("ping")
        await client.until("pong")
        (session,) = server.wyoming._sessions
        session._reader.set_exception(OSError(code, "what a keep-alive probe finds out"))
        await eventually(lambda: server.wyoming.connections == 0)
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("text", ["\\ud800", "x" * 5000, None, 5])
async def test_a_ping_may_hold_anything(start_server: Serve, script: Script, text: object) -> None:
    server = await start_server(script())
    assert server.port
    async with connected(server.port) as client:
        if text == "\\ud800":
            client.writer.write(b'{"type":"ping","data":{"text":"\\ud800"}}\n')
        else:
            await client.send("ping", text=text)
        (pong,) = (await client.until("pong")).events
    assert pong.data.get("text") in {" ", "x" * 1000, None}
