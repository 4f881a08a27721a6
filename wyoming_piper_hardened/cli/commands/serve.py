"""``serve``: the server."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...config.settings import Settings
from ...lifecycle.service_manager import ServiceManager
from ...service import serve as serve_settings
from ..codes import OK


async def serve(settings: Settings, _: argparse.Namespace) -> int:
    """Serve until a signal comes, finish what has begun, and stop."""
    service_manager = ServiceManager.take(os.environ)
    with stop_signals() as stop:
        async with serve_settings(settings, service_manager=service_manager) as server:
            freeze_heap()
            await stop.first.wait()
            if service_manager is not None:
                service_manager.stopping()
            await server.drain.run(stop.second)
    return OK


def freeze_heap() -> None:
    """Exclude all objects of the started server from garbage collection.

    They stay for good, and a full collection would stop the event loop for longer than a refusal
    takes.
    """
    gc.freeze()


@dataclass(frozen=True, slots=True)
class StopSignals:
    """Set by SIGTERM and SIGINT: `first` asks for a graceful stop, `second` for one at once."""

    first: asyncio.Event = field(default_factory=asyncio.Event)
    second: asyncio.Event = field(default_factory=asyncio.Event)

    def receive(self) -> None:
        """Count a signal."""
        (self.second if self.first.is_set() else self.first).set()


@contextlib.contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Provide the events that SIGTERM and SIGINT set; behind the context both are ignored.

    Else a further one would kill a server that has just stopped as it should.
    """
    stop, loop = StopSignals(), asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for sign in signals:
        loop.add_signal_handler(sign, stop.receive)
    try:
        yield stop
    finally:
        for sign in signals:
            loop.remove_signal_handler(sign)
            signal.signal(sign, signal.SIG_IGN)
