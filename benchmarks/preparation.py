"""What it takes to split a voice into parts, which our server does when a voice is installed."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .process_tree import ProcessTree, watched
from .results import Preparation
from .servers import VOICE, ServerError

_MODULE = "wyoming_piper_hardened.engine.preparation"
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
def going_on(python: Path, voice_folder: Path) -> Iterator[Callable[[], bool]]:
    """Have the voice split within the context; gives whether that still goes on."""
    with _copied(voice_folder) as folder, _started(python, folder) as process:
        yield lambda: process.poll() is None


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
    # Beside this environment: in /tmp there may be no room.
    with tempfile.TemporaryDirectory(prefix="voice-", dir=Path(sys.prefix).parent) as name:
        for suffix in (".onnx", ".onnx.json"):
            shutil.copyfile(voice_folder / f"{VOICE}{suffix}", Path(name, f"{VOICE}{suffix}"))
        yield Path(name)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
