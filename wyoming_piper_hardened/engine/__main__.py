"""``python -m wyoming_piper_hardened.engine --voice MODEL.onnx``: speak Wyoming events on stdio.

To try it by hand::

    echo '{"type": "synthesize", "data": {"text": "Hello."}}' |
        python -m wyoming_piper_hardened.engine --voice en_US-joe-medium.onnx > frames
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from ..errors import HardenedError
from .isolation import claim_stdout, isolate
from .messages import EXIT_CANNOT_START
from .quoting import brief, described


def main() -> int:
    """Run one engine process; returns its exit code."""
    parser = argparse.ArgumentParser(prog="wyoming_piper_hardened.engine", description=__doc__)
    parser.add_argument("--voice", type=Path, action="append", default=[], metavar="MODEL.onnx")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--residents", type=int, default=3, help="voices that stay loaded")
    parser.add_argument(
        "--residents-memory", type=int, default=0, help="bytes beyond which fewer stay; 0: no limit"
    )
    parser.add_argument("--parent", type=int, help="pid of the server: end when it is gone")
    parser.add_argument("--log-level", default="WARNING")
    arguments = parser.parse_args()

    frames = claim_stdout()
    isolate(arguments.parent)
    logging.basicConfig(level=arguments.log_level.upper(), format="%(levelname)s %(message)s")
    logging.getLogger("piper").setLevel(logging.WARNING)  # its debug messages hold the text
    try:
        from .child import EngineChild  # noqa: PLC0415 - heavy libraries after the isolation

        child = EngineChild(
            sys.stdin.buffer,
            frames,
            threads=arguments.threads,
            residents=arguments.residents,
            memory_limit=arguments.residents_memory,
        )
        child.run(arguments.voice)
    except HardenedError as err:
        logging.error("%s", brief(err))  # noqa: LOG015, TRY400 - the child's own log, without a traceback
        return EXIT_CANNOT_START
    except BrokenPipeError:  # the server is gone
        return 0
    except Exception as err:  # noqa: BLE001 - whatever it is, the server starts another engine
        logging.error("the engine cannot start: %s", described(err))  # noqa: LOG015, TRY400 - likewise
        return EXIT_CANNOT_START
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # skips native libraries' destructors, which may hang or crash
