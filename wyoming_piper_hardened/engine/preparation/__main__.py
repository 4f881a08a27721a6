"""``python -m wyoming_piper_hardened.engine.preparation MODEL FOLDER``: split a voice into parts.

Runs by itself, so that a model that crashes, hangs or eats memory harms nothing else: the kernel
holds it to limits that are chosen for the model and this machine (see `limits`). Exit code 0:
the folder holds the parts and their report; 3: the voice cannot be used, 4: the disk is full,
standard error says why.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from pathlib import Path

from ...errors import HardenedError, NoSpaceError
from ..isolation import LEAST_URGENT, isolate, return_freed_memory
from ..messages import EXIT_CANNOT_START, EXIT_NO_SPACE, config_path
from ..quoting import brief, described
from .limits import START_SECONDS, Limits, free_memory, measure_speed


def main() -> int:
    """Prepare one voice; returns the exit code."""
    parser = argparse.ArgumentParser(prog="wyoming_piper_hardened.engine.preparation")
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parent", type=int, help="pid of the server: end when it is gone")
    arguments = parser.parse_args()
    isolate(arguments.parent, LEAST_URGENT)
    return_freed_memory()
    signal.setitimer(signal.ITIMER_REAL, START_SECONDS)
    try:
        from .split import split  # noqa: PLC0415 - heavy libraries after the isolation

        size = arguments.model.stat().st_size
        Limits.choose(size, free_memory(), measure_speed()).apply()
        split(arguments.model, config_path(arguments.model), arguments.folder)
    except HardenedError as err:
        print(brief(err), file=sys.stderr)  # noqa: T201 - this is how it answers
        return EXIT_NO_SPACE if isinstance(err, NoSpaceError) else EXIT_CANNOT_START
    except MemoryError:
        print("it takes more memory than a voice of its size can", file=sys.stderr)  # noqa: T201
        return EXIT_CANNOT_START
    except OSError as err:
        print(brief(err), file=sys.stderr)  # noqa: T201 - likewise
        return EXIT_NO_SPACE if err.errno in {errno.ENOSPC, errno.EDQUOT} else EXIT_CANNOT_START
    except Exception as err:  # noqa: BLE001 - a model of strangers, and libraries that fail as they like
        print(described(err), file=sys.stderr)  # noqa: T201 - likewise
        return EXIT_CANNOT_START
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # as the engine itself does
