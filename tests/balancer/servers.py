"""One server of several: a process on an address of its own, with the data that all share."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import aiohttp

from .haproxy import Addresses

_STOP = 60.0
_START = 120.0


class Server:
    """A server that can be replaced."""

    def __init__(self, number: int, data: Path, addresses: Addresses, log: Path) -> None:
        self.name = f"piper-{number}"
        self._host = addresses.host(number)
        self._data = data
        self._addresses = addresses
        self._log = log / f"{self.name}.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; return when it is ready."""
        where = self._addresses
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "wyoming_piper_hardened", "serve"),
                *("--uri", f"tcp://{self._host}:{where.wyoming}"),
                *("--web-uri", f"http://{self._host}:{where.web}"),
                *("--data-dir", str(self._data), "--workers", "1", "--threads-per-worker", "1"),
                *("--drain-accept", "5", "--drain-timeout", "30", "--max-connections", "200"),
                *("--max-queue", "200", "--request-timeout", "600"),
                stderr=log,
                env=os.environ | {"ORT_DISABLE_TELEMETRY": "1"},
            )
        async with asyncio.timeout(_START), aiohttp.ClientSession() as client:
            while not await self._is_ready(client):
                assert self._process.returncode is None, self._log.read_text("utf-8")[-2000:]
                await asyncio.sleep(0.1)

    async def stop(self) -> int:
        """Ask it to stop; return its exit code."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> int:
        """Kill it; return its exit code."""
        return await self._end(signal.SIGKILL)

    async def _end(self, sign: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return 0
        process.send_signal(sign)
        async with asyncio.timeout(_STOP):
            return await process.wait()

    async def _is_ready(self, client: aiohttp.ClientSession) -> bool:
        with contextlib.suppress(aiohttp.ClientError):
            url = f"http://{self._host}:{self._addresses.web}/health/ready"
            async with client.get(url, headers={"Host": "localhost"}) as answer:
                return answer.status == 200
        return False
