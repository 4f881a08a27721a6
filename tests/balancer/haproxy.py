"""HAProxy with deploy/haproxy.cfg, its names and ports changed to those of loopback."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from support.ports import free_port

CONFIG = Path(__file__).parents[2] / "deploy" / "haproxy.cfg"
COUNT = 3


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where each server listens: on an address of its own, as on a machine of its own."""

    wyoming: int
    web: int

    @staticmethod
    def host(number: int) -> str:
        return f"127.0.0.{number + 10}"


@dataclass(frozen=True, slots=True)
class HAProxy:
    """A running HAProxy."""

    wyoming: int
    web: int
    admin: Path

    async def sessions(self, server: str) -> int:
        """Return the number of connections that a server has, over Wyoming and HTTP."""
        return sum(int(row["scur"]) for row in await self._rows() if row["svname"] == server)

    async def until_up(self, server: str) -> None:
        """Wait until both of a server's ports get requests."""
        async with asyncio.timeout(60):
            while not await self._is_up(server):  # noqa: ASYNC110 - HAProxy sends no event
                await asyncio.sleep(0.1)

    async def _is_up(self, server: str) -> bool:
        rows = await self._rows()
        return all(row["status"] == "UP" for row in rows if row["svname"] == server)

    async def retries(self) -> int:
        """Return how many requests and connections went to another server after all."""
        return sum(int(r["wredis"] or 0) + int(r["wretr"] or 0) for r in await self._rows())

    async def _rows(self) -> list[dict[str, str]]:
        reader, writer = await asyncio.open_unix_connection(str(self.admin))
        writer.write(b"show stat\n")
        text = (await reader.read()).decode()
        writer.close()
        return list(csv.DictReader(line for line in text.splitlines() if line))


@contextlib.asynccontextmanager
async def balanced(folder: Path, addresses: Addresses) -> AsyncIterator[HAProxy]:
    """Run HAProxy within the context."""
    haproxy = HAProxy(free_port(), free_port(), folder / "haproxy.sock")
    text = CONFIG.read_text("utf-8")
    for number in range(1, COUNT + 1):
        host = addresses.host(number)
        text = text.replace(f"piper-{number}:10200", f"{host}:{addresses.wyoming}")
        text = text.replace(f"piper-{number}:8080", f"{host}:{addresses.web}")
    text = text.replace("bind :10200", f"bind 127.0.0.1:{haproxy.wyoming}")
    text = text.replace("bind :8080", f"bind 127.0.0.1:{haproxy.web}")
    text = text.replace("connect port 8080", f"connect port {addresses.web}")
    assert not re.search(r"\b(10200|8080|piper-\d:)", re.sub(r"#.*", "", text))
    admin = f"global\n  stats socket {haproxy.admin} level admin\n"
    config = folder / "haproxy.cfg"
    config.write_text(admin + text, "utf-8")
    with (folder / "haproxy.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *("haproxy", "-db", "-f", str(config)), stdout=log, stderr=log
        )
    try:
        while not haproxy.admin.exists():
            assert process.returncode is None, "HAProxy did not start"
            await asyncio.sleep(0.05)
        yield haproxy
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
