"""``serve``: the server."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import signal
from collections.abc import Iterator

from ..config.settings import Settings
from ..service import serve as serve_settings
from .codes import OK


async def serve(settings: Settings, _: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    with stop_signal() as stop:
        async with serve_settings(settings):
            freeze_heap()
            await stop.wait()
    return OK


def freeze_heap() -> None:
    """Exclude all objects of the started server from garbage collection.

    They stay for good, and a full collection would stop the event loop for longer than a refusal
    takes.
    """
    gc.freeze()


@contextlib.contextmanager
def stop_signal() -> Iterator[asyncio.Event]:
    """Provide an event that SIGTERM and SIGINT set; behind the context both are ignored.

    Else a second one would kill a server that has just stopped as it should.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for sign in signals:
        loop.add_signal_handler(sign, stop.set)
    try:
        yield stop
    finally:
        for sign in signals:
            loop.remove_signal_handler(sign)
            signal.signal(sign, signal.SIG_IGN)
