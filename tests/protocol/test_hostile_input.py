"""Junk, huge, half and hostile bytes: that connection ends, everyone else is served."""

from __future__ import annotations

import asyncio
import json
import logging

import psutil
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from conftest import Script, Serve
from support.client import connected
from support.waiting import eventually
from wyoming_piper_hardened.errors import ProtocolError
from wyoming_piper_hardened.protocol.timings import SessionTimings
from wyoming_piper_hardened.system.framing import MAX_HEADER_BYTES, Limits, read_event

pytestmark = pytest.mark.slow

DEEP = b'{"type":"describe","data":' + b"[" * 20_000 + b"]" * 20_000 + b"}\n"
FRAMES = {
    "not json": b"GET / HTTP/1.1\r\nHost: example\r\n\r\n",
    "array": b"[]\n",
    "null": b"null\n",
    "no type": b"{}\n",
    "type is a number": b'{"type": 5}\n',
    "empty line": b"\n",
    "string length": b'{"type":"synthesize","data_length":"5"}\nhello',
    "negative length": b'{"type":"synthesize","data_length":-5}\n',
    "boolean length": b'{"type":"synthesize","data_length":true}\n1',
    "float length": b'{"type":"synthesize","data_length":1.5}\n1',
    "endless payload": b'{"type":"describe","payload_length":1000000000000}\n',
    "endless data": b'{"type":"describe","data_length":1000000000000}\n',
    "data is not an object": b'{"type":"synthesize","data":[1]}\n',
    "body is not an object": b'{"type":"synthesize","data_length":2}\n[]',
    "body is not json": b'{"type":"synthesize","data_length":2}\nxx',
    "deep nesting": DEEP,
    "not utf-8": b'{"type":"\xff\xfe"}\n',
    "long line": b"a" * (MAX_HEADER_BYTES * 3) + b"\n",
    "long line without end": b"a" * (MAX_HEADER_BYTES * 3),
    "tls": bytes.fromhex("16030100a5010000a10303") + b"\n" * 4,
    "huge number": b'{"type":"x","data_length":' + b"9" * 5000 + b"}\n",
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
async def test_junk_ends_only_its_own_connection(
    start_server: Serve, script: Script, frame: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    server = await start_server(script())
    assert server.port
    async with connected(server.port) as good, connected(server.port) as bad:
        bad.writer.write(frame)
        answer = await bad.until()
        assert answer.types == ["error"]
        assert answer.error in {"protocol-error", "event-too-large"}
        assert await bad.ended()
        assert (await good.say("Hello there.")).types[-1] == "audio-stop"
    problems = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(problems) == 1
    assert problems[0].exc_info is None


@pytest.mark.parametrize(
    "frame",
    [b'{"type":"synth', b'{"type":"synthesize","data_length":50}\n{"text":', b""],
    ids=["half a header", "half a body", "nothing"],
)
async def test_a_half_event_then_the_end(start_server: Serve, script: Script, frame: bytes) -> None:
    server = await start_server(script())
    assert server.port
    async with connected(server.port) as client:
        client.writer.write(frame)
        client.writer.write_eof()
        assert (await client.until()).types == (["error"] if frame else [])


async def test_surrogates_and_control_characters_are_no_danger(start_server: Serve) -> None:
    server = await start_server()
    assert server.port
    async with connected(server.port) as client:
        body = json.dumps({"text": "Hello \ud800 \x00 there \udc00."}).encode()  # escaped as \ud800
        client.writer.write(b'{"type":"synthesize","data_length":%d}\n' % len(body) + body)
        assert (await client.until("audio-stop")).types[-1] == "audio-stop"


async def test_connections_are_bounded_and_the_idle_make_room(
    start_server: Serve, script: Script
) -> None:
    server = await start_server(script(), max_connections=3)
    assert server.port
    async with (
        connected(server.port) as oldest,
        connected(server.port) as second,
        connected(server.port) as third,
    ):
        for client in (oldest, second, third):
            await client.send("ping")
            await client.until("pong")
        async with connected(server.port) as newest:
            assert (await newest.say("Hello there.")).types[-1] == "audio-stop"
            assert await oldest.ended()
            for client in (second, third, newest):
                await client.send("synthesize-start")
                await client.send("ping")
                await client.until("pong")
            async with connected(server.port) as refused:
                assert (await refused.until()).error == "too-many-connections"
            assert server.wyoming.connections == 3


async def test_an_abandoned_stream_is_closed(start_server: Serve, script: Script) -> None:
    server = await start_server(script(), session=SessionTimings(idle=0.2))
    assert server.port
    async with connected(server.port) as silent, connected(server.port) as abandoned:
        await abandoned.send("synthesize-start")
        await abandoned.send("synthesize-chunk", text="Once upon a time ")
        assert (await abandoned.until("audio-stop")).error == "idle-timeout"
        assert await silent.ended()


async def feed(data: bytes) -> str:
    reader = asyncio.StreamReader(limit=MAX_HEADER_BYTES)
    reader.feed_data(data)
    reader.feed_eof()
    try:
        while await read_event(reader, Limits(data=4096, payload=4096)):
            pass
    except ProtocolError as err:
        return err.code
    return "end"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
HEADER = st.dictionaries(
    st.sampled_from(["type", "data", "data_length", "payload_length", "version", "x"]), JSON
).map(lambda header: json.dumps(header).encode() + b"\n")
NEAR = st.builds(
    lambda kind, length, body: (
        json.dumps({"type": kind, "data_length": length}).encode() + b"\n" + body
    ),
    st.text(max_size=12),
    st.integers(-5, 6000),
    JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=64),
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=200) | HEADER | NEAR, max_size=6).map(b"".join))
async def test_any_bytes_are_events_or_a_protocol_error(data: bytes) -> None:
    assert await feed(data) in {"end", "protocol-error", "event-too-large"}


async def test_thousands_of_hostile_connections_leave_nothing_behind(
    start_server: Serve, script: Script
) -> None:
    server = await start_server(script())
    port = server.port
    assert port
    frames = list(FRAMES.values())

    async def attack(number: int) -> None:
        async with connected(port) as client:
            client.writer.write(frames[number % len(frames)])
            if number % 3:
                await client.until()

    await attack(1)
    await eventually(lambda: server.wyoming.connections == 0)
    before = psutil.Process().num_fds()
    for start in range(0, 2000, 50):
        async with asyncio.TaskGroup() as attacks:
            for number in range(start, start + 50):
                attacks.create_task(attack(number))
    await eventually(lambda: server.wyoming.connections == 0)
    assert psutil.Process().num_fds() <= before + 2
    async with connected(port) as client:
        assert (await client.say("Still here.")).types[-1] == "audio-stop"
