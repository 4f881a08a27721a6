"""``serve``: the server."""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal

from ..config.settings import Settings
from ..protocol.server import WyomingServer
from ..service import serve as serve_settings
from .codes import OK


async def serve(settings: Settings, _: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    await serve_settings(settings, stop_signal(), on_listening=settle)
    return OK


def settle(_: WyomingServer) -> None:
    """What is there when clients can come stays for good: garbage collection leaves it out.

    Without that a collection stops the event loop for longer than a refusal takes.
    """
    gc.freeze()


def stop_signal() -> asyncio.Event:
    """Set by SIGTERM and SIGINT."""
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    return stop
