"""Kills and stops engines at random moments."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from random import Random

import psutil

from support.waiting import eventually

from .crowd import Crowd
from .server import Server

_STOPPED = 0.1  # of the engines; the others are killed
_PAUSE = (1, 9)  # requests between two kills
_REACTION = 60.0


@dataclass
class Killer:
    """One engine at a time.

    A second death on the same text quarantines it, no matter who killed the engine:
    so the next one must wait until everything that the last kill may have hit has been answered.
    """

    server: Server
    crowd: Crowd
    random: Random
    kills: int = 0
    stops: int = 0

    async def run(self) -> None:
        """Kill until cancelled."""
        while True:
            await self._let_pass(self.random.randint(*_PAUSE))
            await asyncio.sleep(self.random.uniform(0, 0.3))
            if engines := self.server.engines():
                await self._strike(self.random.choice(engines))

    async def _let_pass(self, requests: int) -> None:
        due = self.crowd.requests + requests
        await eventually(lambda: self.crowd.requests >= due, _REACTION * 5)

    async def _strike(self, pid: int) -> None:
        stop = self.random.random() < _STOPPED
        try:
            os.kill(pid, signal.SIGSTOP if stop else signal.SIGKILL)
        except ProcessLookupError:
            return
        self.stops += stop
        self.kills += not stop
        await eventually(lambda: not psutil.pid_exists(pid), _REACTION)
        endangered = set(self.crowd.under_way)
        await eventually(lambda: not endangered & self.crowd.under_way, _REACTION * 5)
