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

import psutil

from support.waiting import eventually

COMMAND = (sys.executable, "-m", "wyoming_piper_hardened", "app")


@dataclass
class App:
    """A running app; `log` grows."""

    process: asyncio.subprocess.Process
    log: list[str] = field(default_factory=list)

    def logged(self, *texts: str) -> str | None:
        """Return the first line that holds all of these."""
        return next((line for line in self.log if all(text in line for text in texts)), None)

    async def until(self, *texts: str, seconds: float = 60) -> str:
        """Wait for a line that holds all of these."""
        await eventually(lambda: self.logged(*texts), seconds)
        line = self.logged(*texts)
        assert line
        return line

    @property
    def port(self) -> int:
        """Where Wyoming clients connect, once the app listens."""
        line = self.logged("listening on tcp://")
        assert line
        return int(line.partition("tcp://")[2].partition(";")[0].rpartition(":")[2])

    @property
    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    async def write(self, *lines: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(b"".join(line + b"\n" for line in lines))
        await self.process.stdin.drain()

    async def command(self, value: Any) -> None:
        """One JSON value, as Home Assistant's action writes it."""
        await self.write(json.dumps(value).encode())

    async def stop(self) -> int:
        """Ask it to end; returns the exit code. Children must be gone by then."""
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
    """Start an app that listens, though its voice may still be loading.

    Args:
        folder: where its options lie.
        options: their JSON value; bytes are written as they are.
        arguments: of the command.
        stdin: its standard input.
        prefix: what starts the command.
        environment: more variables.
    """
    file = folder / "options.json"
    content = options if isinstance(options, bytes) else json.dumps(options).encode()
    await asyncio.to_thread(file.write_bytes, content)
    process = await asyncio.create_subprocess_exec(
        *prefix,
        *COMMAND,
        *("--options", str(file), "--uri", "tcp://127.0.0.1:0", *arguments),
        stdin=stdin,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment,
    )
    running = App(process)

    async def collect() -> None:
        assert process.stderr
        while line := await process.stderr.readline():
            running.log.append(line.decode().rstrip())

    collecting = asyncio.create_task(collect())
    try:
        await eventually(lambda: running.logged("listening on") or process.returncode is not None)
        assert running.logged("listening on"), "\n".join(running.log)
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await collecting
    assert "Traceback" not in "\n".join(running.log), "\n".join(running.log)
