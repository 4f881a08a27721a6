"""Starting, preparing and stopping the two servers."""

from __future__ import annotations

import collections
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from .process_tree import ProcessTree
from .results import Side

VOICE = "en_US-joe-medium"
PREPARED = "is prepared"
_READY = re.compile(r"is ready \(pid \d+, ([\d.]+) s\)")
PREPARE_TIMEOUT = 180.0
OPEN_TIMEOUT = 60.0
_STOP_TIMEOUT = 15.0
_POLL = 0.005
_LINES_KEPT = 40


class ServerError(Exception):
    """A server did not do what the benchmark needs; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to start one of the two servers, with its default settings."""

    side: Side
    command: tuple[str, ...]


def incumbent(python: Path, voice_folder: Path, folder: Path) -> Recipe:
    """wyoming-piper of the environment of `python`; its data folder gets a copy of the voice."""
    folder.mkdir()
    for name in (f"{VOICE}.onnx", f"{VOICE}.onnx.json"):
        shutil.copyfile(voice_folder / name, folder / name)
    start = (str(python), "-m", "wyoming_piper", "--voice", VOICE, "--data-dir", str(folder))
    return Recipe(Side.INCUMBENT, start)


def ours(program: Path, folder: Path) -> Recipe:
    """This project's server, with the embedded voice and an empty data folder."""
    folder.mkdir()
    return Recipe(Side.OURS, (str(program), "serve", "--data-dir", str(folder)))


@contextlib.contextmanager
def running(recipe: Recipe) -> Iterator[Server]:
    """A server within the context; its port is not open yet."""
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
        self.started = time.perf_counter()
        # A session of its own: Ctrl-C reaches the benchmark alone, which then stops the servers.
        self._process = subprocess.Popen(  # noqa: S603 - the two servers under test
            [*recipe.command, "--uri", f"tcp://127.0.0.1:{self.port}"],
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
        deadline = time.monotonic() + OPEN_TIMEOUT
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            if self._process.poll() is not None:
                raise self.error(f"ended with exit code {self._process.returncode}")
            time.sleep(_POLL)
        raise self.error(f"did not listen within {OPEN_TIMEOUT:g} s")

    def wait_logged(self, words: str, timeout: float) -> float:
        """Wait until the log has a line with `words`; returns the seconds since the start.

        Raises:
            ServerError: no such line came within `timeout` seconds, or before the server ended.
        """
        logged = self._log.wait_for(words, timeout)
        if logged is None:
            raise self.error(f"logged no line with {words!r} within {timeout:g} s")
        return logged - self.started

    def engine_seconds(self) -> float | None:
        """How long the engine process took to get ready, as the log says; `None` without one."""
        return next(
            (float(found[1]) for line in self._log.kept if (found := _READY.search(line))), None
        )

    def error(self, what: str) -> ServerError:
        """An error that names the server and shows the end of its log."""
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
    """Reads a server's output, so that it never waits, and remembers when lines came."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: list[tuple[float, str]] = []
        self._end: collections.deque[str] = collections.deque(maxlen=_LINES_KEPT)
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._stream:
            with self._changed:
                self._end.append(line.rstrip())
                if PREPARED in line or _READY.search(line):
                    self._lines.append((time.perf_counter(), line))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, words: str, timeout: float) -> float | None:
        """When the first line with `words` came, of those that are kept."""

        def found() -> float | None:
            return next((when for when, line in self._lines if words in line), None)

        with self._changed:
            self._changed.wait_for(lambda: self._ended or found() is not None, timeout)
            return found()

    @property
    def kept(self) -> list[str]:
        """The lines that tell of something reached."""
        with self._changed:
            return [line for _, line in self._lines]

    def end(self) -> str:
        with self._changed:
            return "\n".join(self._end) or "(it is empty)"

    def close(self) -> None:
        self._thread.join(_STOP_TIMEOUT)
        self._stream.close()


def _session(leader: int) -> list[psutil.Process]:
    """What a server left: children of a server that died are no longer its descendants."""
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
    """The environment without settings of either server, and without the engine's telemetry."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("WPH_") and name != "WYOMING_PIPER_ARGS"
    }
    return environment | {"ORT_DISABLE_TELEMETRY": "1", "PYTHONUNBUFFERED": "1"}
