"""The server as a process, on ports that it keeps when it is started again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from .ports import free_port
from .random_sentences import ENVIRONMENT

_TESTS = Path(__file__).parents[1]
_START_TIMEOUT = 60.0
_STOP_TIMEOUT = 60.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class WebServer:
    """One server; blocks, so that it serves asynchronous and other tests alike.

    Args:
        data_dir: where its voices are.
        flags: further ones for the command line.
        scrambled: whether its English sentences are random letters, see `random_sentences`.
        open_files: how many files it may have open; ``None`` for the limit that is there.
    """

    def __init__(
        self,
        data_dir: Path,
        *flags: str,
        scrambled: bool = True,
        open_files: int | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.wyoming_port = free_port()
        self.log = data_dir / "server.log"
        self._flags = flags
        limit = f'ulimit -n {open_files} && exec "$@"'
        self._prefix = () if open_files is None else ("sh", "-c", limit, "sh")
        self._scrambled = "1" if scrambled else ""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it; return when the default voice can speak."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                (
                    *self._prefix,
                    *(sys.executable, "-m", "support.launcher", "serve"),
                    *("--uri", f"tcp://127.0.0.1:{self.wyoming_port}"),
                    *("--web-uri", f"http://127.0.0.1:{self.port}"),
                    *("--data-dir", str(self.data_dir), "--workers", "2"),
                    *("--threads-per-worker", "1", *self._flags),
                ),
                stderr=log,
                env={
                    **os.environ,
                    "HF_ENDPOINT": "http://127.0.0.1:9",  # nobody is there
                    "ORT_DISABLE_TELEMETRY": "1",
                    "PYTHONPATH": str(_TESTS),
                    ENVIRONMENT: self._scrambled,
                },
            )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Return when the default voice can speak."""
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                self.get("health/ready")
                return
            time.sleep(0.05)
        raise RuntimeError(f"the server did not start:\n{self.log.read_text()[-4000:]}")

    def stop(self) -> int:
        """Stop it as a service manager does; return its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.terminate()
        try:
            return process.wait(_STOP_TIMEOUT)
        finally:
            process.kill()
            process.wait()

    def get(self, path: str) -> Any:
        """Return an answer from JSON; raise OSError unless it is a success."""
        with _DIRECT.open(self.url + path, timeout=20) as answer:
            return json.load(answer)

    def post(self, path: str) -> Any:
        """Return the answer to a POST from JSON; raise OSError unless it is a success."""
        request = urllib.request.Request(  # noqa: S310 - an address of ours
            self.url + path, method="POST", headers={"X-Requested-With": "fetch"}
        )
        with _DIRECT.open(request, timeout=60) as answer:
            return json.load(answer)


StartServer = Callable[..., WebServer]
"""Starts a server; its arguments are flags of the command line."""


@contextlib.contextmanager
def web_server(data_dir: Path, *flags: str, scrambled: bool = True) -> Iterator[WebServer]:
    """Run a server within the context."""
    server = WebServer(data_dir, *flags, scrambled=scrambled)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextlib.asynccontextmanager
async def serving(data_dir: Path, *flags: str) -> AsyncIterator[WebServer]:
    """Run a server within the context, without blocking the event loop."""
    server = WebServer(data_dir, *flags)
    try:
        await asyncio.to_thread(server.start)
        yield server
    finally:
        await asyncio.to_thread(server.stop)
