"""A voice is proved in processes of their own before it is committed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil

from ..aio import cancel_and_wait
from ..engine.messages import EXIT_NO_SPACE
from ..errors import NoSpaceError, VoiceError

_PREPARE_TIMEOUT = 900.0  # a high-quality voice on a slow SD card and processor
_MEMORY_FACTOR = 16  # of the model's size; a medium voice took 7 times its own
_LEAST_MEMORY = 1 << 30
_WATCH_INTERVAL = 0.25


async def prepare(model: Path, folder: Path) -> None:
    """Split `model` into parts in `folder`, where a report says how that went.

    The process proves the parts against the whole model, and speaks. Whatever the model does to
    it, this process lives on.

    Raises:
        VoiceError: the voice cannot be used, or took too long or too much memory.
        NoSpaceError: the disk has no room for the parts.
    """
    module = "wyoming_piper_hardened.engine.prepare"
    size = await asyncio.to_thread(lambda: model.stat().st_size)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, str(model), str(folder), "--parent", str(os.getpid())),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        process_group=0,
    )
    limit = max(_LEAST_MEMORY, _MEMORY_FACTOR * size)
    name = model.stem
    try:
        async with asyncio.timeout(_PREPARE_TIMEOUT), _memory_watched(process, limit) as exceeded:
            _, errors = await process.communicate()
    except TimeoutError:
        raise VoiceError(f"{name} was not prepared in {_PREPARE_TIMEOUT:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if exceeded.is_set():
        raise VoiceError(f"{name} took more than {limit >> 20} MB to prepare; the model is unsound")
    if process.returncode != 0:
        last = errors.decode(errors="replace").strip().splitlines()[-1:] or ["it gave no reason"]
        kind = NoSpaceError if process.returncode == EXIT_NO_SPACE else VoiceError
        raise kind(f"{name} cannot be prepared: {last[0][:500]}")


@contextlib.asynccontextmanager
async def _memory_watched(
    process: asyncio.subprocess.Process, limit: int
) -> AsyncIterator[asyncio.Event]:
    """Kill `process` when it grows beyond `limit` bytes; the event tells so."""
    exceeded = asyncio.Event()

    async def watch() -> None:
        with contextlib.suppress(psutil.Error):
            watched = await asyncio.to_thread(psutil.Process, process.pid)
            while (await asyncio.to_thread(watched.memory_info)).rss <= limit:  # noqa: ASYNC110
                await asyncio.sleep(_WATCH_INTERVAL)
            exceeded.set()
            watched.kill()

    task = asyncio.create_task(watch())
    try:
        yield exceeded
    finally:
        await cancel_and_wait(task)
