"""A trial: servers behind HAProxy, listeners, and replacements."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from support.client import connected
from support.ports import free_port
from wyoming_piper_hardened.system.aio import cancel_and_wait

from .haproxy import COUNT, Addresses, HAProxy, balanced
from .listeners import HTTP, TEXTS, Counts, Wyoming
from .servers import Server


@dataclass
class Trial:
    """Servers behind a balancer; use through `prepared`."""

    haproxy: HAProxy
    servers: list[Server]
    expected: dict[str, bytes]
    random: Random
    exit_codes: list[int] = field(default_factory=list)

    async def replace(self, seconds: float, listeners: int) -> Counts:
        """Replace one server after the other by SIGTERM, for so long, while people listen."""
        async with self._listening(listeners) as counts:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                for server in self.servers:
                    self.exit_codes.append(await server.stop())
                    await self._bring_back(server)
                    if time.monotonic() > end:
                        break
        return counts

    async def kill(self, rounds: int, listeners: int) -> tuple[Counts, int]:
        """Kill servers with SIGKILL; return the counts, and how many streams were on those."""
        on_them = 0
        async with self._listening(listeners) as counts:
            for _ in range(rounds):
                server = self.random.choice(self.servers)
                await asyncio.sleep(self.random.uniform(3, 6))
                on_them += await self.haproxy.sessions(server.name)
                await server.kill()
                await self._bring_back(server)
        return counts, on_them

    async def _bring_back(self, server: Server) -> None:
        await server.start()
        await self.haproxy.until_up(server.name)

    @contextlib.asynccontextmanager
    async def _listening(self, listeners: int) -> AsyncIterator[Counts]:
        counts, stop = Counts(), asyncio.Event()
        crowd: list[Wyoming | HTTP] = [
            *(
                Wyoming(self.haproxy.wyoming, self.expected, counts, Random(number))
                for number in range(listeners)
            ),
            *(HTTP(self.haproxy.web, self.expected, counts, Random(-number)) for number in (1, 2)),
        ]
        tasks = [asyncio.create_task(one.run(stop)) for one in crowd]
        try:
            yield counts
            stop.set()
            async with asyncio.timeout(600):
                await asyncio.gather(*tasks)
        finally:
            await cancel_and_wait(*tasks)


@contextlib.asynccontextmanager
async def prepared(data: Path, folder: Path, seed: int) -> AsyncIterator[Trial]:
    """Start the servers and the balancer; on leaving they are gone."""
    addresses = Addresses(free_port(), free_port())
    servers = [Server(number, data, addresses, folder) for number in range(1, COUNT + 1)]
    try:
        async with balanced(folder, addresses) as haproxy:
            for server in servers:
                await server.start()
            trial = Trial(haproxy, servers, {}, Random(seed))
            for server in servers:
                await haproxy.until_up(server.name)
            for text in TEXTS:
                async with connected(haproxy.wyoming) as client:
                    trial.expected[text] = (await client.say(text)).pcm
            yield trial
    finally:
        await asyncio.gather(*(server.kill() for server in servers))
