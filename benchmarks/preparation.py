"""What it takes to split a voice into parts, which our server does when a voice is installed."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .process_tree import ProcessTree, watched
from .results import Preparation
from .servers import VOICE, Server, ServerError

_MODULE = "wyoming_piper_hardened.engine.preparation"
_OTHER = "en_US-other-medium"
_TIMEOUT = 300.0


def measure(python: Path, voice_folder: Path) -> Preparation:
    """Split the voice once, as an install does.

    Raises:
        ServerError: that failed.
    """
    with _copied(voice_folder) as folder:
        stock = _size(folder)
        begin = time.perf_counter()
        with _started(python, folder) as process:
            with watched(ProcessTree(process.pid)) as peak:
                said = process.communicate(timeout=_TIMEOUT)[0]
            seconds = time.perf_counter() - begin
        if process.returncode:
            raise ServerError(f"the voice cannot be prepared: {said.decode(errors='replace')}")
        return Preparation(seconds, peak.total, _size(folder) - stock)


@contextlib.contextmanager
def by_server(server: Server, voice_folder: Path) -> Iterator[Callable[[], bool]]:
    """Have a server install the voice under another name; gives whether that still goes on.

    Raises:
        ServerError: on leaving, that it was not installed.
    """
    with ThreadPoolExecutor(1) as thread:
        installed = thread.submit(server.upload, voice_folder / f"{VOICE}.onnx", _OTHER)
        yield lambda: not installed.done()
        installed.result(_TIMEOUT)
        server.remove(_OTHER)


@contextlib.contextmanager
def by_command(program: Path, voice_folder: Path) -> Iterator[Callable[[], bool]]:
    """Have a command install the voice, as in a terminal; gives whether that still goes on."""
    with _folder() as folder:
        command = (program, "voices", "import", voice_folder / f"{VOICE}.onnx")
        process = subprocess.Popen(  # noqa: S603 - this project's own program
            (*command, "--data-dir", folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with process:
            try:
                yield lambda: process.poll() is None
            finally:
                process.terminate()


@contextlib.contextmanager
def _started(python: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = (python, "-m", _MODULE, folder / f"{VOICE}.onnx", folder)
    process = subprocess.Popen(  # noqa: S603 - this project's own environment
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def _copied(voice_folder: Path) -> Iterator[Path]:
    with _folder() as folder:
        for suffix in (".onnx", ".onnx.json"):
            shutil.copyfile(voice_folder / f"{VOICE}{suffix}", folder / f"{VOICE}{suffix}")
        yield folder


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    # Beside this environment: in /tmp there may be no room.
    with tempfile.TemporaryDirectory(prefix="voice-", dir=Path(sys.prefix).parent) as name:
        yield Path(name)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
