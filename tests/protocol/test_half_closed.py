"""Clients that close their side once they have asked, as nc -N, socat and ncat do."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from conftest import Script, Serve
from support.client import Client, connected
from support.scripted_engine import samples
from support.waiting import eventually
from wyoming_piper_hardened.protocol.timings import SessionTimings

PATIENT = SessionTimings(linger=0.05)
"""So short that an ending which does not wait for the client would lose audio."""


def frame(event_type: str, **data: object) -> bytes:
    return json.dumps({"type": event_type, "data": data}).encode() + b"\n"


async def test_half_closed_client_hears_the_real_voice(start_server: Serve) -> None:
    """As in ``printf … | nc -N 127.0.0.1 10200 | wc -c``."""
    server = await start_server()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b'{"type":"synthesize","data":{"text":"Hello there."}}\n')
    writer.write_eof()
    assert len(await reader.read()) > 20_000
    writer.close()


@pytest.mark.parametrize(
    ("sent", "expected", "spoken"),
    [
        ((frame("synthesize", text="One."),), ["audio-start", "audio-chunk", "audio-stop"], "One."),
        (
            (frame("synthesize", text="One.").rstrip(),),  # nor does it end its last line
            ["audio-start", "audio-chunk", "audio-stop"],
            "One.",
        ),
        (
            (frame("synthesize-start"), frame("synthesize-chunk", text="One. Two")),
            ["audio-start", "audio-chunk", "audio-stop", "synthesize-stopped"],
            "One.Two",
        ),
        (
            (frame("synthesize-chunk", text="One."),),  # a client that forgot to start and to stop
            ["audio-start", "audio-chunk", "audio-stop", "synthesize-stopped"],
            "One.",
        ),
        (
            tuple(frame("synthesize", text=text) for text in ("One.", "Two.", "Three.")),
            ["audio-start", "audio-chunk", "audio-stop"] * 3,
            "One.Two.Three.",
        ),
        ((frame("describe"),), ["info"], ""),
        ((frame("ping"), frame("synthesize", text="ERROR")), ["pong", "error"], ""),
        ((), [], ""),
    ],
)
async def test_half_closed_client_gets_all_it_asked_for(
    start_server: Serve, script: Script, sent: tuple[bytes, ...], expected: list[str], spoken: str
) -> None:
    server = await start_server(script(), session=PATIENT)
    assert server.port
    async with connected(server.port) as client:
        client.writer.write(b"".join(sent))
        client.writer.write_eof()
        answer = await client.until()
        assert answer.types == expected
        parts = [f"{part}." for part in spoken.split(".") if part]
        assert len(answer.pcm) == sum(len(samples(part)) for part in parts)
        assert await client.ended()


async def test_half_closed_client_on_a_unix_socket(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    await start_server(script(), uri=f"unix://{tmp_path}/piper.sock")
    client = Client(*await asyncio.open_unix_connection(tmp_path / "piper.sock"))
    client.writer.write(frame("synthesize", text="Hello there."))
    client.writer.write_eof()
    assert (await client.until()).pcm == samples("Hello there.")
    client.writer.close()


async def test_half_closed_client_may_be_slow(start_server: Serve, script: Script) -> None:
    server = await start_server(script(), session=PATIENT)
    assert server.port
    text = "It goes on and on and on. " * 200
    async with connected(server.port) as client:
        client.writer.write(frame("synthesize", text=text))
        client.writer.write_eof()
        size = 0
        while event := await client.read():
            size += len(event.payload or b"")
            await asyncio.sleep(0.001)
        assert event is None
        assert size == 200 * len(samples("It goes on and on and on."))


@pytest.mark.parametrize("unix", [False, True])
async def test_client_that_has_left_ends_its_work(
    start_server: Serve, script: Script, tmp_path: Path, *, unix: bool
) -> None:
    place = f"{tmp_path}/piper.sock"
    server = await start_server(script(), **({"uri": f"unix://{place}"} if unix else {}))
    reader, writer = await (
        asyncio.open_unix_connection(place)
        if unix
        else asyncio.open_connection("127.0.0.1", server.port)
    )
    writer.write(frame("synthesize", text=f"It is well. {'DRIP ' * 60}"))  # more than a minute
    writer.write_eof()
    await reader.readline()
    writer.close()
    await eventually(lambda: server.wyoming.connections == 0)
    await eventually(lambda: server.pool.status().requests == 0)
    assert server.synthesizer.records[-1].outcome in {"cancelled", "client-gone"}
