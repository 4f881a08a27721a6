"""A graceful stop: what has begun is finished, what has not is refused or sees a closed port."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from zeroconf import ServiceStateChange
from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

from conftest import Script, Serve
from support.both_servers import Site, opened
from support.client import connected
from support.hub import faulty_hub
from support.hub_faults import Fault as HubFault
from support.ports import free_port
from support.scripted_engine import samples
from support.waiting import eventually
from wyoming_piper_hardened.service import Running

DRIPPING = "It DRIPs on."  # three chunks, 0.3 s each
ENDLESS = "Then it HANGs."
LONG = "This sentence is spoken again and again until somebody stops it. " * 100


@contextlib.asynccontextmanager
async def draining(server: Running) -> AsyncIterator[asyncio.Event]:
    """Drain the server beside the context and to its end; the event ends that at once."""
    at_once = asyncio.Event()
    task = asyncio.create_task(server.drain.run(at_once))
    yield at_once
    await task


async def closed(port: int | None) -> None:
    """Wait until nobody listens on the port."""
    while not await refused(port):  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)


async def refused(port: int | None) -> bool:
    """Return whether nobody listens on the port."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


Start = Callable[..., Awaitable[Site]]


@pytest.fixture
async def site(start_server: Serve, script: Script) -> AsyncIterator[Start]:
    """Return a function that opens a site with an engine that obeys, and with these settings."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(**settings: Any) -> Site:
            engine = script(stall_timeout=60.0, synthesis_timeout=60.0)
            site = await stack.enter_async_context(opened(start_server, engine, **settings))
            await site.server.pool.until_ready()
            return site

        yield start


async def test_speech_that_has_begun_is_finished(site: Start) -> None:
    server = (await site()).server
    assert server.port
    async with connected(server.port) as speaking, connected(server.port) as idle:
        await speaking.send("synthesize", text=DRIPPING)
        await speaking.until("audio-chunk")
        async with draining(server):
            await closed(server.port)
            assert await idle.ended()
            rest = await speaking.until("audio-stop")
            assert rest.types == ["audio-chunk", "audio-stop"]
            assert await speaking.ended()
    assert server.wyoming.connections == 0


async def test_text_that_still_arrives_is_finished(site: Start) -> None:
    server = (await site()).server
    assert server.port
    async with connected(server.port) as client:
        await client.send("synthesize-start")
        await client.send("synthesize-chunk", text="The first sentence. The")
        await client.until("audio-chunk")
        async with draining(server):
            await closed(server.port)
            await client.send("synthesize-chunk", text=" second one.")
            await client.send("synthesize-stop")
            outcome = await client.until("synthesize-stopped")
        assert outcome.error is None
        assert outcome.pcm.endswith(samples("The second one."))


async def test_request_behind_the_last_one_is_refused_after_its_audio(site: Start) -> None:
    server = (await site()).server
    assert server.port
    async with connected(server.port) as client:
        await client.send("synthesize", text=DRIPPING)
        await client.until("audio-chunk")
        async with draining(server):
            await closed(server.port)
            await client.send("synthesize", text="One more.")
            outcome = await client.until("nothing")
    assert outcome.types == ["audio-chunk", "audio-stop", "error"]
    assert outcome.error == "shutting-down"


async def test_what_is_not_finished_in_time_ends_in_an_error(site: Start) -> None:
    server = (await site(drain_timeout=0.3)).server
    assert server.port
    async with connected(server.port) as client:
        await client.send("synthesize", text=ENDLESS)
        await eventually(lambda: server.wyoming.under_way == 1)
        begin = time.monotonic()
        async with asyncio.timeout(30), draining(server):
            pass
        assert time.monotonic() - begin >= 0.3
        assert server.wyoming.under_way == 1
        await server.wyoming.stop()
        assert (await client.until("audio-stop")).error == "shutting-down"


async def test_new_requests_are_taken_while_a_balancer_looks_away(site: Start) -> None:
    one = await site(drain_accept=60)
    port = one.server.port
    assert port
    assert (await one.get("/health/ready"))[0] == 200
    async with draining(one.server) as at_once:
        await asyncio.sleep(0)
        status, body = await one.get("/health/ready")
        assert (status, body["ready"], body["draining"]) == (503, False, True)
        assert (await one.get("/health/live"))[0] == 200
        async with one.client.get("/metrics") as answer:
            assert "wyoming_piper_ready 0.0" in await answer.text()
        async with connected(port) as client:
            assert (await client.say("It is well.")).pcm == samples("It is well.")
        assert len(await one.hear(text="It is well.")) > 1000
        at_once.set()
    assert not await refused(port)  # the end at once leaves the rest to the stop


async def test_speech_over_http_is_finished(site: Start) -> None:
    one = await site()
    port = one.web.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await reader.readuntil(b"}")
    async with one.client.post("/api/say", json={"text": DRIPPING}) as answer:
        async with draining(one.server):
            await closed(port)
            assert await reader.read() == b""  # it was idle
            pcm = (await answer.read())[44:]
        assert pcm == samples(DRIPPING)
    assert one.web.under_way == 0
    writer.close()


async def test_http_request_without_a_byte_gets_an_error(site: Start) -> None:
    one = await site(drain_timeout=0.1)
    asking = asyncio.create_task(one.post("/api/say", json={"text": ENDLESS}))
    await eventually(lambda: one.web.under_way == 1)
    async with draining(one.server):
        pass
    await one.web.stop()
    status, body = await asking
    assert (status, body["error"]["code"], body["error"]["retryable"]) == (
        503,
        "shutting-down",
        True,
    )


async def test_announcement_is_withdrawn(site: Start) -> None:
    kind, name = "_wyoming._tcp.local.", f"drained-{os.getpid()}"
    seen: list[ServiceStateChange] = []

    def note(state_change: ServiceStateChange, **what: Any) -> None:
        if what["name"] == f"{name}.{kind}":
            seen.append(state_change)

    one = await site(zeroconf=name, drain_accept=60)
    async with (
        AsyncZeroconf(interfaces=["127.0.0.1"]) as network,
        AsyncServiceBrowser(network.zeroconf, kind, handlers=[note]),
    ):
        await eventually(lambda: seen == [ServiceStateChange.Added])
        async with draining(one.server) as at_once:
            await eventually(lambda: ServiceStateChange.Removed in seen)
            at_once.set()


async def test_followers_of_events_do_not_delay_the_stop(site: Start) -> None:
    one = await site(drain_timeout=600)
    async with one.client.get("/api/events") as events:
        await events.content.readline()
        async with asyncio.timeout(60), draining(one.server):
            pass


# --- the program ---------------------------------------------------------------------------------


class Program:
    """The server as a process."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port

    def signal(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    async def ended(self) -> int:
        async with asyncio.timeout(60):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def program(data: Path, *flags: str) -> AsyncIterator[Program]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wyoming_piper_hardened", "serve"),
        *("--uri", f"tcp://127.0.0.1:{port}", "--data-dir", str(data), *flags),
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"ORT_DISABLE_TELEMETRY": "1"},
    )
    assert process.stderr
    log = asyncio.create_task(process.stderr.read())
    try:
        while await refused(port):
            assert process.returncode is None
            await asyncio.sleep(0.02)
        yield Program(process, port)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    assert b"Traceback" not in await log, (await log).decode()


async def test_term_lets_a_real_voice_finish(prepared_data: Path) -> None:
    async with program(prepared_data) as server, connected(server.port) as client:
        whole = await client.say("This is spoken to its end. And so is this.")
        await client.send("synthesize", text="This is spoken to its end. And so is this.")
        await client.until("audio-chunk")
        server.signal()
        rest = await client.until("audio-stop")
        assert rest.types[-1] == "audio-stop"
        assert whole.pcm.endswith(rest.pcm)
        assert await server.ended() == 0


@pytest.mark.parametrize("state", ["before a voice is loaded", "speaking"])
async def test_second_term_ends_it_at_once(prepared_data: Path, state: str) -> None:
    flags = ("--drain-timeout", "600")
    async with program(prepared_data, *flags) as server, connected(server.port) as client:
        await client.send("synthesize", text=LONG)
        if state == "speaking":
            await client.until("audio-chunk")
        server.signal()
        await closed(server.port)  # two signals at a time would be one
        server.signal()
        assert (await client.until("audio-stop")).error == "shutting-down"
        assert await server.ended() == 0


async def test_term_while_a_request_waits_for_its_voice(
    prepared_data: Path, tmp_path: Path
) -> None:
    async with faulty_hub({}) as hub:
        hub.fault(HubFault.NO_ANSWER)
        flags = ("--hub-endpoint", hub.endpoint, "--drain-timeout", "0.5")
        data = tmp_path / "data"
        data.symlink_to(prepared_data)
        async with program(data, *flags) as server, connected(server.port) as client:
            voice = {"name": "en_US-amy-medium"}
            await client.send("synthesize", text="Hello.", voice=voice)
            await eventually(lambda: hub.seen, 30)
            server.signal()
            assert (await client.until("audio-stop")).error == "shutting-down"
            assert await server.ended() == 0
        hub.release()
