"""A voice's model is split into parts in a process of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from wyoming.error import Error

from ..engine.messages import LIMITED, MAX_REASON, START_SECONDS
from ..errors import (
    NoSpaceError,
    PhonemizerMissingError,
    ProtocolError,
    VoiceConfigError,
    VoiceError,
    VoiceModelError,
    VoiceNotPiperError,
    VoiceUnusableError,
)
from ..reporting.issues import Stage
from ..system.aio import Watchdog
from ..system.framing import Limits, read_event
from ..system.log_format import escaped
from .child import Child
from .errors import EngineFailedError

_BEYOND = {
    "SIGXCPU": "took longer to prepare than a voice of its size can here",
    "SIGXFSZ": "writes more than a voice of its size can",
}
"""By the signal with which the kernel ends a preparation; see its `limits`."""

_REPORTED = {
    kind.code: kind
    for kind in (
        NoSpaceError,
        PhonemizerMissingError,
        VoiceConfigError,
        VoiceModelError,
        VoiceNotPiperError,
        VoiceUnusableError,
    )
}
"""Errors of the process that keep their kind; others are a VoiceError."""

_REPORT = Limits(data=64 * 1024, payload=0)


async def prepare(model: Path, folder: Path, *, beside_server: bool = False) -> None:
    """Split `model` into parts in `folder`, where a report says how that went.

    It gives way to whatever else runs in this process's session, and with `beside_server` to
    other sessions, too: to a server that may be speaking in one.

    The process compares the parts with the whole model, and speaks. Whatever the model does to
    it, this process lives on. The kernel holds it to limits of memory, files and processor time
    that it has chosen for the model and the machine, a watchdog to the time that it may take.

    Raises:
        VoiceUnusableError: the voice cannot be used, or took too long or too much memory.
        VoiceError: the process could not be started, or was killed.
        NoSpaceError: the disk has no room for the parts.
    """
    name, module = model.stem, "wyoming_piper_hardened.engine.preparation"
    arguments = [sys.executable, "-m", module, str(model), str(folder)]
    arguments += ["--parent", str(os.getpid())]
    try:
        async with (
            Child.running(arguments, pipes=True, new_session=beside_server) as child,
            Watchdog(START_SECONDS) as watchdog,
        ):
            reported = await _reported_error(child, watchdog)
            if not await child.wait():
                return
            failure = await child.failure(Stage.LOADING)
    except TimeoutError:
        raise _unsound(name, _BEYOND["SIGXCPU"]) from None
    except EngineFailedError as err:
        raise VoiceError(f"{name} cannot be prepared: the process {err}") from None
    signal = failure.detail.get("signal")
    if (beyond := _BEYOND.get(signal or "")) is not None:
        raise _unsound(name, beyond)
    if reported is None:
        # Out of memory, another attempt may help; a crash would be repeated.
        kind = VoiceUnusableError if signal not in {None, "SIGKILL"} else VoiceError
        raise kind(f"{name} cannot be prepared: the process {failure}")
    # A library may quote the model, and the folder, which is gone when somebody reads this.
    said = escaped(reported.text.replace(f"{model.parent}/", ""), MAX_REASON)
    error = _REPORTED.get(reported.code or "", VoiceError)
    raise error(f"{name} cannot be prepared: {said}")


def _unsound(name: str, problem: str) -> VoiceUnusableError:
    return VoiceUnusableError(f"{name} {problem}; the model is unsound")


async def _reported_error(child: Child, watchdog: Watchdog) -> Error | None:
    """Return the error that the process reports before it ends; ``None`` if it reports none.

    The time that it may take is counted as soon as it says so.
    """
    try:
        while (event := await read_event(child.stdout, _REPORT)) is not None:
            if event.type == LIMITED:
                watchdog.restart(float(event.data["seconds"]))
            elif Error.is_type(event.type):
                return Error(str(event.data.get("text")), str(event.data.get("code")))
    except (ProtocolError, LookupError, TypeError, ValueError):
        pass
    return None
