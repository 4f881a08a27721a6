"""``python -m wyoming_piper_hardened.engine.preparation MODEL FOLDER``: split a voice into parts.

Runs by itself, so that a model that crashes, hangs or eats memory harms nothing else: the kernel
holds it to limits that are chosen for the model and this machine (see `limits`). Exit code 0:
the folder holds the parts and their report; 3: the voice cannot be used, and an ``error``
event on standard output says why. A ``limited`` event says before how long it may take.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from pathlib import Path

from wyoming.error import Error
from wyoming.event import Event, write_event

from ...errors import HardenedError, NoSpaceError, VoiceError, VoiceUnusableError
from ..isolation import claim_stdout, give_way_to_all, isolate, return_freed_memory
from ..messages import EXIT_CANNOT_START, LIMITED, MAX_REASON, config_path
from ..quoting import brief, described
from .limits import Limits, free_memory, measure_speed


def main() -> int:
    """Prepare one voice; returns the exit code."""
    parser = argparse.ArgumentParser(prog="wyoming_piper_hardened.engine.preparation")
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parent", type=int, help="pid of the server: end when it is gone")
    arguments = parser.parse_args()
    answers = claim_stdout()
    isolate(arguments.parent)
    give_way_to_all()
    return_freed_memory()
    try:
        from .split import split  # noqa: PLC0415 - heavy libraries after the isolation

        size = arguments.model.stat().st_size
        limits = Limits.choose(size, free_memory(), measure_speed())
        limits.apply()
        write_event(Event(LIMITED, {"seconds": limits.seconds}), answers)
        split(arguments.model, config_path(arguments.model), arguments.folder)
    except Exception as err:  # noqa: BLE001 - models of strangers, libraries that fail as they like
        write_event(_reported(err).event(), answers)
        return EXIT_CANNOT_START
    return 0


def _reported(err: Exception) -> Error:
    """Return the event that says what went wrong."""
    if isinstance(err, HardenedError):
        code, text = err.code, brief(err)
    elif isinstance(err, MemoryError):
        code, text = VoiceUnusableError.code, "it takes more memory than a voice of its size can"
    elif isinstance(err, OSError):
        full = err.errno in {errno.ENOSPC, errno.EDQUOT}
        code = (NoSpaceError if full else VoiceError).code
        text = brief(err.strerror or type(err).__name__)
    else:
        code, text = VoiceUnusableError.code, described(err)
    return Error(text[:MAX_REASON], code)


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # as the engine itself does
