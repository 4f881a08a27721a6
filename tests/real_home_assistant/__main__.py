"""Check a Wyoming server with the Home Assistant that lies beside this Python.

usage: python -m real_home_assistant SUITE tcp://HOST:PORT FOLDER [--voice NAME] [--web-port PORT]

Exit code 0 when the suite came to its end; the results in the folder say what it found.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from . import network
from .suite import SUITES, Order, run

if TYPE_CHECKING:
    from collections.abc import Coroutine


def main() -> int:
    """Run the suite of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("uri", type=urlsplit)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--voice")
    parser.add_argument("--web-port", type=int)
    arguments = parser.parse_args()
    order = Order(
        suite=arguments.suite,
        host=arguments.uri.hostname,
        port=arguments.uri.port,
        web_port=arguments.web_port,
        voice=arguments.voice,
        folder=arguments.folder,
    )
    outside = network.leave()
    try:
        asyncio.run(_until_terminated(run(order, outside)))
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM
    return 0


async def _until_terminated(work: Coroutine[object, object, None]) -> None:
    """Run the work; SIGTERM cancels it, so that Home Assistant is stopped in any case."""
    task = asyncio.create_task(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await task


if __name__ == "__main__":
    sys.exit(main())
