"""Wait until a Wyoming server answers `describe` with a voice; runs on the developer's Python.

usage: python -m real_home_assistant.describe tcp://HOST:PORT [--within SECONDS] [--while-alive PID]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from urllib.parse import urlsplit

from .wire import LONGEST_LINE, ask_for_info, installed_voices

ASK_AGAIN_AFTER = 0.1
"""Seconds between two tries while nothing listens yet or no voice is there yet."""


async def wait_for_voice(host: str, port: int, alive: int | None) -> str:
    """Return how long it took, in words.

    Raises ProcessLookupError when the process `alive` ends before.
    """
    began = time.monotonic()
    answered: float | None = None
    while True:
        if alive is not None:
            os.kill(alive, 0)
        try:
            streams = await asyncio.open_connection(host, port, limit=LONGEST_LINE)
            info = await ask_for_info(*streams)
        except (OSError, EOFError):
            info = None
        now = time.monotonic() - began
        if info is not None:
            answered = now if answered is None else answered
            if voices := installed_voices(info):
                return (
                    f"describe answered after {answered:.2f} s, "
                    f"with {len(voices)} voice(s) after {now:.2f} s"
                )
        await asyncio.sleep(ASK_AGAIN_AFTER)


def main() -> int:
    """Wait as the command line says; exit code 1 when no voice came."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("uri")
    parser.add_argument("--within", type=float, default=180.0)
    parser.add_argument("--while-alive", type=int)
    arguments = parser.parse_args()
    uri = urlsplit(arguments.uri)
    if uri.scheme != "tcp" or not uri.hostname or not uri.port:
        parser.error(f"not of the form tcp://HOST:PORT: {arguments.uri}")

    async def wait() -> str:
        async with asyncio.timeout(arguments.within):
            return await wait_for_voice(uri.hostname or "", uri.port or 0, arguments.while_alive)

    try:
        print(f"{arguments.uri}: {asyncio.run(wait())}")
    except TimeoutError:
        print(f"{arguments.uri}: no voice within {arguments.within:g} s", file=sys.stderr)
        return 1
    except ProcessLookupError:
        print(f"{arguments.uri}: the server ended before it had a voice", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
