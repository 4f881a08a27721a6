"""``serve``: the server."""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal

from ..config.settings import Settings
from ..service import serve as serve_settings
from .codes import OK


async def serve(settings: Settings, _: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    stop = stop_signal()
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


def stop_signal() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    return stop
