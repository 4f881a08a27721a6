"""The app as the Supervisor runs it: a process of its own with a pipe as standard input."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from support.launcher import EVENTS
from support.random_sentences import ENVIRONMENT
from support.waiting import eventually

_TESTS = Path(__file__).parents[1]
_COMMAND = (sys.executable, "-m", "support.launcher", "app")

Params = dict[str, Any]
"""Parameters of an event."""


@dataclass
class App:
    """A running app, the file of its events, and its log, which grows."""

    process: asyncio.subprocess.Process
    event_file: Path
    log: list[str] = field(default_factory=list)

    def events(self, *names: str) -> list[tuple[str, Params]]:
        """Return the events of these names, in order."""
        if not self.event_file.exists():
            return []
        lines = self.event_file.read_text(encoding="utf-8").split("\n")[:-1]
        return [(name, params) for name, params in map(json.loads, lines) if name in names]

    def happened(self, event: str, **params: Any) -> Params | None:
        """Return the parameters of the first event of that name that has these."""
        found = (has for _, has in self.events(event) if params.items() <= has.items())
        return next(found, None)

    async def until(self, event: str, **params: Any) -> Params:
        """Wait for an event that has these parameters; return all of its parameters."""
        await eventually(lambda: self.happened(event, **params) is not None, 60)
        found = self.happened(event, **params)
        assert found is not None
        return found

    @property
    def port(self) -> int:
        """The port for Wyoming clients, once the app listens."""
        listening = self.happened("server-listening")
        assert listening
        return int(listening["address"].rpartition(":")[2])

    async def issues(self) -> set[str]:
        """Return the ids of the open issues."""
        return {issue["id"] for issue in (await self.get("api/status"))["issues"]}

    async def get(self, path: str) -> Any:
        """Return an answer of its web server, from JSON."""
        web = self.happened("web-listening")
        assert web
        async with (
            aiohttp.ClientSession(web["address"]) as client,
            client.get(f"/{path}") as answer,
        ):
            return await answer.json()

    @property
    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    async def write(self, *lines: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(b"".join(line + b"\n" for line in lines))
        await self.process.stdin.drain()

    async def command(self, value: Any) -> None:
        """Write one JSON value, as Home Assistant's action does."""
        await self.write(json.dumps(value).encode())

    async def stop(self) -> int:
        """Ask it to end; return the exit code. Children must be gone by then."""
        children = self.children
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            code = await self.process.wait()
        assert not any(child.is_running() for child in children)
        return code


@contextlib.asynccontextmanager
async def app(
    folder: Path,
    options: object,
    *arguments: str,
    stdin: int = asyncio.subprocess.PIPE,
    prefix: tuple[str, ...] = (),
    **environment: str,
) -> AsyncIterator[App]:
    """Run an app that listens, though its voice may still be loading.

    Args:
        folder: where its options lie.
        options: their JSON value; bytes are written as they are.
        arguments: of the command.
        stdin: its standard input.
        prefix: what starts the command.
        environment: more variables.
    """
    file, event_file = folder / "options.json", folder / "events"
    content = options if isinstance(options, bytes) else json.dumps(options).encode()
    await asyncio.to_thread(file.write_bytes, content)
    process = await asyncio.create_subprocess_exec(
        *prefix,
        *_COMMAND,
        *("--options", str(file), "--uri", "tcp://127.0.0.1:0"),
        *("--web-uri", "http://127.0.0.1:0", *arguments),
        stdin=stdin,
        stderr=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            **environment,
            "PYTHONPATH": str(_TESTS),
            ENVIRONMENT: "1",
            EVENTS: str(event_file),
        },
    )
    running = App(process, event_file)

    async def collect() -> None:
        assert process.stderr
        while line := await process.stderr.readline():
            running.log.append(line.decode().rstrip())

    collecting = asyncio.create_task(collect())
    try:
        await eventually(
            lambda: running.happened("web-listening") or process.returncode is not None
        )
        assert running.happened("web-listening"), "\n".join(running.log)
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await collecting
    assert "Traceback" not in "\n".join(running.log), "\n".join(running.log)
