"""A voice is proved in processes of their own before it is committed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

from ..engine.messages import EXIT_NO_SPACE
from ..errors import NoSpaceError, VoiceError

_OUT_OF_TIME = (-signal.SIGXCPU, -signal.SIGALRM)


async def prepare(model: Path, folder: Path) -> None:
    """Split `model` into parts in `folder`, where a report says how that went.

    The process proves the parts against the whole model, and speaks. Whatever the model does to
    it, this process lives on. The kernel holds it to limits of memory and time that it has chosen
    for the model and the machine.

    Raises:
        VoiceError: the voice cannot be used, or took too long or too much memory.
        NoSpaceError: the disk has no room for the parts.
    """
    module = "wyoming_piper_hardened.engine.prepare"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, str(model), str(folder), "--parent", str(os.getpid())),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        process_group=0,
    )
    try:
        _, errors = await process.communicate()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    name = model.stem
    if process.returncode in _OUT_OF_TIME:
        raise VoiceError(
            f"{name} took longer to prepare than a voice of its size can here; the model is unsound"
        )
    if process.returncode == -signal.SIGKILL:
        raise VoiceError(f"{name} cannot be prepared: the system ended that, perhaps out of memory")
    if process.returncode != 0:
        last = errors.decode(errors="replace").strip().splitlines()[-1:] or ["it gave no reason"]
        kind = NoSpaceError if process.returncode == EXIT_NO_SPACE else VoiceError
        raise kind(f"{name} cannot be prepared: {last[0][:500]}")
