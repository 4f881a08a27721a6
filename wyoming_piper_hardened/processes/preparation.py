"""A voice's model is split into parts in a process of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..engine.messages import EXIT_NO_SPACE
from ..errors import NoSpaceError, VoiceError
from ..issues import FailureKind, Stage
from .child import Child
from .errors import EngineFailedError

_OUT_OF_TIME = ("SIGXCPU", "SIGALRM")
"""Signals by which the kernel ends a preparation that takes too long; see `engine.preparation.limits`."""


async def prepare(model: Path, folder: Path) -> None:
    """Split `model` into parts in `folder`, where a report says how that went.

    The process compares the parts with the whole model, and speaks. Whatever the model does to
    it, this process lives on. The kernel holds it to limits of memory and time that it has chosen
    for the model and the machine.

    Raises:
        VoiceError: the voice cannot be used, or took too long or too much memory.
        NoSpaceError: the disk has no room for the parts.
    """
    name, module = model.stem, "wyoming_piper_hardened.engine.preparation"
    arguments = [sys.executable, "-m", module, str(model), str(folder)]
    arguments += ["--parent", str(os.getpid())]
    try:
        async with Child.running(arguments) as child:
            if not await child.wait():
                return
            failure = await child.failure(Stage.LOADING)
    except EngineFailedError as err:
        raise VoiceError(f"{name} cannot be prepared: the process {err}") from None
    if failure.detail.get("signal") in _OUT_OF_TIME:
        raise VoiceError(
            f"{name} took longer to prepare than a voice of its size can here; the model is unsound"
        )
    said = failure.detail.get("last_words") if failure.kind is FailureKind.EXIT else None
    error = NoSpaceError if failure.detail.get("code") == EXIT_NO_SPACE else VoiceError
    raise error(f"{name} cannot be prepared: {said or f'the process {failure}'}")
