"""The server as a process, seen from outside: its API, its children, its resources."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from support.ports import free_port
from wyoming_piper_hardened.system.aio import cancel_and_wait

_TASKS = re.compile(r"^wyoming_piper_event_loop_tasks (\S+)", re.MULTILINE)
_BAD_EVENTS = {"internal-error", "segment-skipped"}
"""Nobody but the killer harms an engine, so no text is quarantined."""
_POLL = 0.2
_STOP = 10.0  # seconds that Home Assistant's Supervisor allows

WORKERS = 2
STALL_TIMEOUT = 3


@dataclass(frozen=True, slots=True)
class Resources:
    """Measurements that must not grow. Memory is the server's proportional share in bytes."""

    descriptors: int
    threads: int
    children: int
    zombies: int
    tasks: int
    memory: int


class Server:
    """One server; use through `started`."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, web: str) -> None:
        self.port = port
        self.ready: dict[str, int] = {}
        """Workers by name, with the pid that was ready last."""
        self.events: Counter[str] = Counter()
        """Names of the events in its log; failures of workers by their kind."""
        self.bad: list[str] = []
        """Log lines that must not be there, the last ones."""
        self.orphans = 0
        self.exit_code: int | None = None
        self._seen: set[int] = set()
        self._process = process
        self._web = web
        self._last_entry = 0.0

    @staticmethod
    @contextlib.asynccontextmanager
    async def started(data_dir: Path) -> AsyncIterator[Server]:
        """Start a server with a prepared voice and two workers; on leaving it is gone."""
        port, web = free_port(), f"http://127.0.0.1:{free_port()}"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "wyoming_piper_hardened", "serve"),
            *("--uri", f"tcp://127.0.0.1:{port}", "--web-uri", web),
            *("--data-dir", str(data_dir)),
            *("--workers", str(WORKERS), "--threads-per-worker", "1"),
            *("--stall-timeout", str(STALL_TIMEOUT)),
            stderr=asyncio.subprocess.DEVNULL,
        )
        server = Server(process, port, web)
        async with aiohttp.ClientSession(web) as session:
            watching = asyncio.create_task(server._watch(session))
            try:
                async with asyncio.timeout(60):
                    while not server.ready:  # noqa: ASYNC110 - the server sends nothing on its own
                        await asyncio.sleep(_POLL)
                yield server
            finally:
                await cancel_and_wait(watching)
                await server._stop()

    def engines(self) -> list[int]:
        """Return the workers' processes that are ready and have not ended."""
        return [pid for pid in self.ready.values() if _alive(pid)]

    async def resources(self) -> Resources:
        """Return what the server holds now."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self._web}/metrics") as answer,
        ):
            tasks = _TASKS.search(await answer.text())
        assert tasks
        process = psutil.Process(self._process.pid)
        children = process.children(recursive=True)
        zombies = [child for child in children if not _alive(child.pid)]
        return Resources(
            descriptors=process.num_fds(),
            threads=process.num_threads(),
            children=len(children),
            zombies=len(zombies),
            tasks=int(float(tasks[1])),
            memory=int(process.memory_full_info().pss),
        )

    async def _watch(self, session: aiohttp.ClientSession) -> None:
        """Follow the status until cancelled."""
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                async with session.get("/api/status") as answer:
                    self._take(await answer.json())
            await asyncio.sleep(_POLL)

    def _take(self, status: dict[str, Any]) -> None:
        for worker in status["workers"]:
            if worker["pid"] is not None:
                self._seen.add(worker["pid"])
                if worker["state"] == "running":
                    self.ready[worker["name"]] = worker["pid"]
        for entry in status["recent_log"]:
            if entry["at"] > self._last_entry:
                self._last_entry = entry["at"]
                failure = entry["params"].get("failure")
                kind = failure["kind"] if isinstance(failure, dict) else entry["event"]
                self.events[kind] += 1
                if entry["event"] in _BAD_EVENTS:
                    self.bad = [*self.bad[-19:], entry["text"]]

    async def _stop(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(_STOP):
                self.exit_code = await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        for pid in self._seen:  # none should be left; pids of others are not touched
            with contextlib.suppress(psutil.Error):
                if "wyoming_piper_hardened.engine" in psutil.Process(pid).cmdline():
                    self.orphans += 1
                    os.kill(pid, signal.SIGKILL)


def _alive(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
