"""Ten times more requests than fit, slow and stuck clients among them, and who is served when."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from conftest import Report, Script, Serve
from support.client import Client, connected
from support.scripted_engine import samples
from support.waiting import eventually
from wyoming_piper_hardened.service import Running
from wyoming_piper_hardened.workers.pool import Pool

pytestmark = pytest.mark.long

WORKERS, WAITING = 2, 8
CAP = WORKERS + WAITING
CLIENTS, TRIES, SLOW = 10 * CAP, 15, 3
SPACE = 64 << 20  # bytes that this process may grow by; it holds the server and the clients


def pool_of(server: Running) -> Pool:
    return server.pool


def sentence_of(name: str, characters: int) -> str:
    words = f"Sentence {name} goes on"
    return words + " and on" * ((characters - len(words) - 1) // 7) + "."


class Pace:
    """Slow readers take one event whenever somebody else has been answered."""

    def __init__(self) -> None:
        self._over = False
        self._answer = asyncio.Event()

    def answered(self) -> None:
        self._answer.set()
        self._answer = asyncio.Event()

    def end(self) -> None:
        self._over = True
        self.answered()

    async def step(self) -> None:
        if not self._over:
            await self._answer.wait()


@dataclass
class Tally:
    """Outcomes of all requests together."""

    served: int = 0
    wrong: list[str] = field(default_factory=list)
    rejected: list[float] = field(default_factory=list)
    most_requests: int = 0
    most_segments: int = 0


class Crowd:
    """Clients that ask again and again without waiting."""

    def __init__(self, server: Running) -> None:
        assert server.port
        self.port = server.port
        self.pace = Pace()
        self.tally = Tally()
        self._pool = pool_of(server)

    async def ask(self, name: str, tries: int) -> None:
        parts = [sentence_of(f"{part} of {name}", 300) for part in range(4)]
        for _ in range(tries):
            async with connected(self.port) as client:
                begin = time.monotonic()
                spoken = await client.say(" ".join(parts))
                seconds = time.monotonic() - begin
            self._sample()
            if spoken.error == "overloaded" and spoken.types == ["error"]:
                self.tally.rejected.append(seconds)
            else:
                self._judge(name, spoken.pcm, spoken.types[-1], parts)
            self.pace.answered()

    async def ask_slowly(self, name: str) -> None:
        parts = [sentence_of(f"{part} of {name}", 400) for part in range(8)]
        pcm, last = b"", ""
        async with small_window(self.port) as client:
            await client.send("synthesize", text=" ".join(parts))
            while (event := await client.read()) is not None:
                pcm, last = pcm + (event.payload or b""), event.type
                if last in {"audio-stop", "error"}:
                    break
                await self.pace.step()
        self._judge(name, pcm, last, parts)

    def _judge(self, name: str, pcm: bytes, last: str, parts: list[str]) -> None:
        if last == "audio-stop" and pcm == b"".join(map(samples, parts)):
            self.tally.served += 1
        else:
            self.tally.wrong.append(f"{name}: {len(pcm)} bytes, then {last}")

    def _sample(self) -> None:
        status, tally = self._pool.status(), self.tally
        tally.most_requests = max(tally.most_requests, status.requests)
        tally.most_segments = max(tally.most_segments, status.waiting_segments)


@contextlib.asynccontextmanager
async def small_window(port: int) -> AsyncIterator[Client]:
    """Open a connection with next to no buffers, so that the server feels a slow reader."""
    with socket.socket() as connection:
        connection.settimeout(0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=connection, limit=1 << 20)
        try:
            yield Client(reader, writer)
        finally:
            writer.transport.abort()


async def test_ten_times_overload(start_server: Serve, script: Script, report: Report) -> None:
    server = await start_server(
        script(synthesis_timeout=60),
        workers=WORKERS,
        max_queue=WAITING,
        max_connections=2 * CLIENTS,
    )
    crowd, pool, process = Crowd(server), pool_of(server), psutil.Process()
    async with small_window(crowd.port) as stuck, asyncio.TaskGroup() as group:
        await stuck.send("synthesize", text=" ".join(sentence_of(f"{n}", 480) for n in range(60)))
        await eventually(lambda: pool.status().requests == 1)
        for number in range(SLOW):
            group.create_task(crowd.ask_slowly(f"slow reader {number}"))
        await eventually(lambda: pool.status().requests == 1 + SLOW)
        async with asyncio.TaskGroup() as clients:  # allocators and caches get their size
            for number in range(CLIENTS):
                clients.create_task(crowd.ask(f"early client {number}", 2))
        memory, begin = process.memory_info().rss, time.monotonic()
        async with asyncio.TaskGroup() as clients:
            for number in range(CLIENTS):
                clients.create_task(crowd.ask(f"client {number}", TRIES))
        seconds, grown = time.monotonic() - begin, process.memory_info().rss - memory
        crowd.pace.end()
    tally = crowd.tally
    rejected = sorted(tally.rejected)
    p99 = rejected[int(len(rejected) * 0.99)]
    report(
        f"{tally.served} served, {len(rejected)} rejected (median "
        f"{rejected[len(rejected) // 2] * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms), "
        f"{len(tally.wrong)} wrong, at most {tally.most_requests} of {CAP} at once with "
        f"{tally.most_segments} segments waiting, {grown / 1e6:+.1f} MB, {seconds:.1f} s"
    )
    assert not tally.wrong
    assert tally.served + len(rejected) == CLIENTS * (TRIES + 2) + SLOW
    assert tally.served > SLOW + CAP
    assert len(rejected) > tally.served
    assert tally.most_requests <= CAP
    assert tally.most_segments <= 2 * CAP  # the one being sent and the one being made
    assert grown < SPACE
    assert p99 < 5
    await eventually(lambda: pool.status().requests == 0)
    assert pool.status().waiting_segments == 0


def chunks(folder: Path) -> list[str]:
    """Return the texts of which chunks were computed, in that order."""
    return (folder / "chunks").read_text(encoding="utf-8").splitlines()


def last(text: str, computed: list[str]) -> int:
    return len(computed) - 1 - computed[::-1].index(text)


@pytest.mark.parametrize("short", [1, 4])
async def test_short_request_is_spoken_in_the_middle_of_a_long_segment(
    start_server: Serve, script: Script, tmp_path: Path, short: int
) -> None:
    server = await start_server(script(synthesis_timeout=60), workers=1, threads_per_worker=1)
    port, pool = server.port, pool_of(server)
    assert port
    story = sentence_of("FROZEN ONCE", 480)
    greetings = [f"Hello from client {number}." for number in range(short)]

    async def greet(greeting: str) -> bytes:
        async with connected(port) as client:
            return (await client.say(greeting)).pcm

    async with connected(port) as client:
        speaking = asyncio.create_task(client.say(story))
        engine = await frozen(server)
        greeted = [asyncio.create_task(greet(greeting)) for greeting in greetings]
        await eventually(lambda: pool.status().waiting_segments == short)
        os.kill(engine, signal.SIGCONT)
        assert await asyncio.gather(*greeted) == list(map(samples, greetings))
        assert (await speaking).pcm == samples(story)
    computed = chunks(tmp_path)
    assert all(last(greeting, computed) < last(story, computed) - 10 for greeting in greetings)


async def test_long_requests_share_a_worker(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    server = await start_server(script(synthesis_timeout=60), workers=1, threads_per_worker=1)
    port, pool = server.port, pool_of(server)
    assert port
    stories = [[sentence_of(f"{part} of {who}", 200) for part in range(12)] for who in range(2)]
    opening = "First it is FROZEN ONCE."

    async def say(story: list[str]) -> bytes:
        async with connected(port) as client:
            return (await client.say(" ".join(story))).pcm

    begun = asyncio.create_task(say([opening]))
    engine = await frozen(server)
    speaking = [asyncio.create_task(say(story)) for story in stories]
    await eventually(lambda: pool.status().waiting_segments == 4)
    os.kill(engine, signal.SIGCONT)
    assert await begun == samples(opening)
    assert await asyncio.gather(*speaking) == [b"".join(map(samples, story)) for story in stories]
    computed = [text for text in chunks(tmp_path) if text != opening]
    half = computed[: len(computed) // 2]
    assert all(0.25 < sum(text in story for text in half) / len(half) < 0.75 for story in stories)


async def frozen(server: Running) -> int:
    """Return the one engine's process, once it has stopped itself."""
    (worker,) = pool_of(server).workers
    await eventually(lambda: worker.pid is not None)
    pid = worker.pid
    assert pid
    await eventually(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    return pid
