"""A voice's model is split into parts in a process of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from wyoming.error import Error

from ..engine.messages import MAX_REASON
from ..errors import NoSpaceError, ProtocolError, VoiceError
from ..reporting.issues import Stage
from ..system.framing import Limits, read_event
from ..system.log_format import escaped
from .child import Child
from .errors import EngineFailedError

_OUT_OF_TIME = ("SIGXCPU", "SIGALRM")
"""Signals by which the kernel ends a preparation that takes too long; see its `limits`."""

_REPORT = Limits(data=64 * 1024, payload=0)


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
        async with Child.running(arguments, pipes=True) as child:
            reported = await _reported_error(child)
            if not await child.wait():
                return
            failure = await child.failure(Stage.LOADING)
    except EngineFailedError as err:
        raise VoiceError(f"{name} cannot be prepared: the process {err}") from None
    if failure.detail.get("signal") in _OUT_OF_TIME:
        raise VoiceError(
            f"{name} took longer to prepare than a voice of its size can here; the model is unsound"
        )
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
