"""A voice's model is split into parts in a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from wyoming.error import Error

from ..engine.messages import MAX_REASON
from ..errors import NoSpaceError, ProtocolError, VoiceError
from ..issues import FailureKind, Stage
from ..system.framing import Limits, read_event
from ..system.log_format import escaped
from .child import Child
from .errors import EngineFailedError

_REPORT = Limits(data=64 * 1024, payload=0)


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
            Child.running(arguments, pipes=True) as child,
            asyncio.timeout(limits.timeout),
            child.memory_limited(memory, limits.memory_interval, Stage.LOADING),
        ):
            reported = await _reported_error(child)
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
    if reported is None:
        raise VoiceError(f"{name} cannot be prepared: the process {failure}")
    # A library may quote the model, and the folder, which is gone when somebody reads this.
    said = escaped(reported.text.replace(f"{model.parent}/", ""), MAX_REASON)
    error = NoSpaceError if reported.code == NoSpaceError.code else VoiceError
    raise error(f"{name} cannot be prepared: {said}")


async def _reported_error(child: Child) -> Error | None:
    """Return the error that the process reports before it ends; ``None`` if it reports none."""
    try:
        event = await read_event(child.stdout, _REPORT)
    except ProtocolError:
        return None
    if event is None or not Error.is_type(event.type):
        return None
    text, code = event.data.get("text"), event.data.get("code")
    return Error(str(text), str(code))
