"""The server as a process, seen from outside: its log, its children, its figures."""

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

import aiohttp
import psutil

_LISTENING = re.compile(r"listening on tcp://127\.0\.0\.1:(\d+)")
_WEB = re.compile(r"web page and API on (http://127\.0\.0\.1:\d+)")
_TASKS = re.compile(r"^wyoming_piper_event_loop_tasks (\S+)", re.MULTILINE)
_READY = re.compile(r"worker (\S+) is ready \(pid (\d+)")
_KINDS = {
    "killed": "killed by signal 9",
    "hung": "made nothing for|did not answer a ping",
    "replayed": "which goes on from sample|that is tried once more",
    "quarantined": "quarantined",
    "unexpected": "Traceback|please report",
}
_STOP = 10.0  # seconds that Home Assistant's Supervisor allows

WORKERS = 2
STALL_TIMEOUT = 3


@dataclass(frozen=True, slots=True)
class Figures:
    """What must not grow. Memory is the server's proportional share in bytes."""

    descriptors: int
    threads: int
    children: int
    zombies: int
    tasks: int
    memory: int


class Server:
    """One server; use through `started`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.port = 0
        self.web = ""
        self.ready: dict[str, int] = {}
        """Workers by name, with the pid that was ready last."""
        self.told: Counter[str] = Counter()
        self.lines: list[str] = []
        """Warnings and errors, the last ones."""
        self.exit_code: int | None = None
        self.seen: set[int] = set()
        self._process = process
        self._listening = asyncio.Event()

    @staticmethod
    @contextlib.asynccontextmanager
    async def started(data_dir: Path) -> AsyncIterator[Server]:
        """Start a server with a prepared voice and two workers; on leaving it is gone."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "wyoming_piper_hardened", "serve"),
            *("--uri", "tcp://127.0.0.1:0", "--web-uri", "http://127.0.0.1:0"),
            *("--data-dir", str(data_dir)),
            *("--workers", str(WORKERS), "--threads-per-worker", "1"),
            *("--stall-timeout", str(STALL_TIMEOUT)),
            stderr=asyncio.subprocess.PIPE,
        )
        server = Server(process)
        reading = asyncio.create_task(server._read_log())
        try:
            async with asyncio.timeout(60):
                await server._listening.wait()
            yield server
        finally:
            await server._stop()
            await reading

    def engines(self) -> list[int]:
        """The workers' processes that are ready and have not ended."""
        return [pid for pid in self.ready.values() if _alive(pid)]

    async def figures(self) -> Figures:
        """How it stands now."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.web}/metrics") as answer:
            tasks = _TASKS.search(await answer.text())
        assert tasks
        process = psutil.Process(self._process.pid)
        children = process.children(recursive=True)
        zombies = [child for child in children if not _alive(child.pid)]
        return Figures(
            descriptors=process.num_fds(),
            threads=process.num_threads(),
            children=len(children),
            zombies=len(zombies),
            tasks=int(float(tasks[1])),
            memory=int(process.memory_full_info().pss),
        )

    async def _read_log(self) -> None:
        assert self._process.stderr
        async for raw in self._process.stderr:
            line = raw.decode(errors="replace").rstrip()
            if found := _LISTENING.search(line):
                self.port = int(found[1])
            if found := _WEB.search(line):
                self.web = found[1]
                self._listening.set()
            if found := _READY.search(line):
                self.ready[found[1]] = int(found[2])
                self.seen.add(int(found[2]))
            kinds = [kind for kind, pattern in _KINDS.items() if re.search(pattern, line)]
            self.told.update(kinds)
            if {"quarantined", "unexpected"} & set(kinds):
                self.lines = [*self.lines[-19:], line]

    async def _stop(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(_STOP):
                self.exit_code = await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        for pid in self.seen:  # none should be left; pids of others are not touched
            with contextlib.suppress(psutil.Error):
                if "wyoming_piper_hardened.engine" in psutil.Process(pid).cmdline():
                    self.told["orphan"] += 1
                    os.kill(pid, signal.SIGKILL)


def _alive(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
