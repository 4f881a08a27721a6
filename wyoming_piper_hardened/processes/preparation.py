"""A voice's model is split into parts in a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from ..aio import Watchdog
from ..engine.messages import EXIT_NO_SPACE
from ..errors import NoSpaceError, VoiceError
from ..issues import FailureKind, Stage
from .child import Child
from .errors import EngineFailedError


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationLimits:
    """Limits of a preparation, so that no model can take all of the machine."""

    timeout: float = 900.0  # a high-quality voice on a slow SD card and processor
    """Seconds."""
    memory_factor: int = 16  # a medium voice took 7 times its own size
    """Times the model's size that the process may take."""
    least_memory: int = 1 << 30
    """Bytes that it may take at any rate."""
    memory_interval: float = 0.25
    """Seconds between two looks at its memory."""


async def prepare(
    model: Path, folder: Path, limits: PreparationLimits = PreparationLimits()
) -> None:
    """Split `model` into parts in `folder`, where a report says how that went.

    The process compares the parts with the whole model, and speaks. Whatever the model does to
    it, this process lives on.

    Raises:
        VoiceError: the voice cannot be used, or took too long or too much memory.
        NoSpaceError: the disk has no room for the parts.
    """
    name, module = model.stem, "wyoming_piper_hardened.engine.prepare"
    arguments = [sys.executable, "-m", module, str(model), str(folder)]
    arguments += ["--parent", str(os.getpid())]
    size = await asyncio.to_thread(lambda: model.stat().st_size)
    memory = max(limits.least_memory, limits.memory_factor * size)
    try:
        async with (
            Child.running(arguments) as child,
            Watchdog(limits.timeout),
            child.memory_limited(memory, limits.memory_interval, Stage.LOADING),
        ):
            if not await child.wait():
                return
            failure = await child.failure(Stage.LOADING)
    except EngineFailedError as err:
        raise VoiceError(f"{name} cannot be prepared: the process {err}") from None
    except TimeoutError:
        raise VoiceError(f"{name} was not prepared in {limits.timeout:g} s") from None
    if failure.kind is FailureKind.MEMORY:
        megabytes = memory >> 20
        raise VoiceError(f"{name} took more than {megabytes} MB to prepare; the model is unsound")
    said = failure.detail.get("last_words") if failure.kind is FailureKind.EXIT else None
    error = NoSpaceError if failure.detail.get("code") == EXIT_NO_SPACE else VoiceError
    raise error(f"{name} cannot be prepared: {said or f'the process {failure}'}")
