"""Starting and stopping the two servers."""

from __future__ import annotations

import collections
import contextlib
import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from .process_tree import ProcessTree
from .results import Side

VOICE = "en_US-joe-medium"
READY_TIMEOUT = 60.0
OPEN_TIMEOUT = 60.0
_STOP_TIMEOUT = 15.0
_OPEN_INTERVAL = 0.005
_API_INTERVAL = 0.1
_API_TIMEOUT = 10.0
_INSTALL_TIMEOUT = 300.0
_LINES_KEPT = 40


class ServerError(Exception):
    """A server did not do what the benchmark needs; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Command that starts one of the two servers, with its default settings."""

    side: Side
    command: tuple[str, ...]
    has_api: bool = False


def incumbent(python: Path, voice_folder: Path, folder: Path) -> Recipe:
    """wyoming-piper of the environment of `python`; its data folder gets a copy of the voice."""
    folder.mkdir()
    for name in (f"{VOICE}.onnx", f"{VOICE}.onnx.json"):
        shutil.copyfile(voice_folder / name, folder / name)
    start = (str(python), "-m", "wyoming_piper", "--voice", VOICE, "--data-dir", str(folder))
    return Recipe(Side.INCUMBENT, start)


def ours(program: Path, folder: Path) -> Recipe:
    """Return the recipe of our server: API, embedded voice, a data folder of its own."""
    folder.mkdir(exist_ok=True)
    return Recipe(Side.OURS, (str(program), "serve", "--data-dir", str(folder)), has_api=True)


@contextlib.contextmanager
def running(recipe: Recipe) -> Iterator[Server]:
    """Run a server within the context; its port is not open yet."""
    server = Server(recipe)
    try:
        yield server
    finally:
        server.stop()


class Server:
    """A running server; use through `running`."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.port = _free_port()
        self._api_port = _free_port()
        api = ("--web-uri", f"http://127.0.0.1:{self._api_port}") if recipe.has_api else ()
        self.started = time.perf_counter()
        # A session of its own: Ctrl-C reaches the benchmark alone, which then stops the servers.
        self._process = subprocess.Popen(  # noqa: S603 - the two servers under test
            [*recipe.command, "--uri", f"tcp://127.0.0.1:{self.port}", *api],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=_environment(),
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self.tree = ProcessTree(self._process.pid)
        self._log = _Log(self._process.stdout)

    def wait_open(self) -> None:
        """Return as soon as the port takes connections.

        Raises:
            ServerError: the server ended, or the port stayed closed for `OPEN_TIMEOUT`.
        """
        self._wait_until(self._is_open, "listen", OPEN_TIMEOUT, _OPEN_INTERVAL)

    def wait_ready(self) -> None:
        """Return as soon as our server can speak.

        Raises:
            ServerError: that took longer than `READY_TIMEOUT`, or the server ended.
        """
        self._wait_until(self._is_ready, "get ready", READY_TIMEOUT, _API_INTERVAL)

    def engine_seconds(self) -> float | None:
        """Return how long the first engine process took to get ready; `None` without an API."""
        log = self._get("/api/status")[1]["recent_log"] if self.recipe.has_api else ()
        ready = (entry["params"]["seconds"] for entry in log if entry["event"] == "worker-ready")
        return next(ready, None)

    def upload(self, model: Path, name: str) -> None:
        """Have our server install a voice of one's own; return when it has spoken.

        Raises:
            ServerError: it was not installed.
        """
        boundary = secrets.token_hex()
        body = b""
        for part, suffix in (("model", ".onnx"), ("config", ".onnx.json")):
            disposition = f'form-data; name="{part}"; filename="{name}{suffix}"'
            head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n"
            body += head.encode() + model.with_suffix(suffix).read_bytes() + b"\r\n"
        body += f"--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        self._change("POST", "/api/voices", body, headers)

    def remove(self, name: str) -> None:
        """Have our server remove a voice.

        Raises:
            ServerError: it was not removed.
        """
        self._change("DELETE", f"/api/voices/{name}")

    def _change(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> None:
        status, answer = self._ask(method, path, body, headers)
        if status != http.client.OK:
            raise self.error(f"answered {method} {path} with {status}: {answer}")

    def _is_open(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        return False

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError):
            return self._get("/health/ready")[0] == http.client.OK
        return False

    def _get(self, path: str) -> tuple[int, Any]:
        return self._ask("GET", path, None, {})

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        """Ask the API; return the status and the JSON of the answer."""
        timeout = _API_TIMEOUT if body is None else _INSTALL_TIMEOUT
        connection = http.client.HTTPConnection("127.0.0.1", self._api_port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, json.load(answer)

    def _wait_until(
        self, done: Callable[[], bool], what: str, timeout: float, interval: float
    ) -> None:
        deadline = time.monotonic() + timeout
        while not done():
            if self._process.poll() is not None:
                raise self.error(f"ended with exit code {self._process.returncode}")
            if time.monotonic() > deadline:
                raise self.error(f"did not {what} within {timeout:g} s")
            time.sleep(interval)

    def error(self, what: str) -> ServerError:
        """Return an error that names the server and shows the end of its log."""
        return ServerError(f"{self.recipe.side} {what}; the end of its log:\n{self._log.end()}")

    def stop(self) -> None:
        """End the server and every process that it started."""
        try:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_TIMEOUT)
        finally:  # also on a second Ctrl-C: nothing is left behind
            _, left = psutil.wait_procs(_session(self._process.pid), timeout=1)
            for process in left:
                sys.stderr.write(f"{self.recipe.side}: killing process {process.pid}\n")
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            self._process.wait()
            self._log.close()


class _Log:
    """Reads a server's output, so that the server never waits, and keeps its end."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._end: collections.deque[str] = collections.deque(maxlen=_LINES_KEPT)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._stream:
            self._end.append(line.rstrip())

    def end(self) -> str:
        return "\n".join(tuple(self._end)) or "(it is empty)"

    def close(self) -> None:
        self._thread.join(_STOP_TIMEOUT)
        self._stream.close()


def _session(leader: int) -> list[psutil.Process]:
    """Return what a server left: children of a dead server are no longer its descendants."""
    members = []
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, psutil.Error):
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
    return members


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _environment() -> dict[str, str]:
    """Return the environment without settings of either server, and without telemetry."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("WPH_") and name != "WYOMING_PIPER_ARGS"
    }
    return environment | {"ORT_DISABLE_TELEMETRY": "1", "PYTHONUNBUFFERED": "1"}
