"""``python -m wyoming_piper_hardened.engine.prepare MODEL.onnx FOLDER``: split a voice into parts.

Runs by itself, so that a model that crashes, hangs or eats memory harms nothing else. Exit code 0:
the folder holds the parts and their report; 3: the voice cannot be used, and an ``error`` event on
standard output says why.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from pathlib import Path

from wyoming.error import Error
from wyoming.event import write_event

from ..errors import HardenedError, NoSpaceError, VoiceError
from .isolation import claim_stdout, isolate
from .messages import EXIT_CANNOT_START, MAX_REASON, config_path


def main() -> int:
    """Prepare one voice; returns the exit code."""
    parser = argparse.ArgumentParser(prog="wyoming_piper_hardened.engine.prepare")
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parent", type=int, help="pid of the server: end when it is gone")
    arguments = parser.parse_args()
    answers = claim_stdout()
    isolate(arguments.parent)
    try:
        from .split import split  # noqa: PLC0415 - heavy libraries after the isolation

        split(arguments.model, config_path(arguments.model), arguments.folder)
    except (HardenedError, OSError) as err:
        error = _named(err)
        write_event(Error(str(error)[:MAX_REASON], error.code).event(), answers)
        return EXIT_CANNOT_START
    return 0


def _named(err: HardenedError | OSError) -> HardenedError:
    if isinstance(err, HardenedError):
        return err
    full = err.errno in {errno.ENOSPC, errno.EDQUOT}
    return (NoSpaceError if full else VoiceError)(err.strerror or type(err).__name__)


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # as the engine itself does
