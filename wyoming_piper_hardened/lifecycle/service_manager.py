"""Reports to the service manager that started the server (systemd's ``Type=notify``)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Self

from ..reporting.events import Event
from ..status.reporter import StatusReporter

_REFRESH = 10.0


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """The way to a service manager.

    Args:
        address: its datagram socket; one in the abstract namespace begins with ``@``.
        watchdog: seconds within which it wants to hear from the event loop; ``None`` for never.
    """

    address: str
    watchdog: float | None = None

    @classmethod
    def take(cls, environment: MutableMapping[str, str]) -> Self | None:
        """Return the one that started this process, if any.

        Its variables are removed from the environment, so that no child process has them.
        """
        address = environment.pop("NOTIFY_SOCKET", "")
        microseconds = environment.pop("WATCHDOG_USEC", "")
        process = environment.pop("WATCHDOG_PID", "")
        if not address.startswith(("/", "@")):
            return None
        mine = microseconds.isascii() and microseconds.isdigit()
        mine = mine and process in {"", str(os.getpid())}
        return cls(address, int(microseconds) / 1e6 if mine and int(microseconds) else None)

    async def run(self, status: StatusReporter) -> None:
        """Report until cancelled; the server listens already.

        The watchdog is fed by the event loop: one that stands still is missed.
        """
        self._notify("READY=1")
        interval = _REFRESH if self.watchdog is None else self.watchdog / 3
        while True:
            self._notify(f"STATUS={_sentence(status)}", "WATCHDOG=1")
            change = asyncio.ensure_future(status.notifier.wait())
            done, _ = await asyncio.wait({change}, timeout=interval)
            change.cancel()
            if done:
                await asyncio.sleep(min(1.0, interval))  # what changes often is said once

    def stopping(self) -> None:
        """Report that the server is about to stop."""
        self._notify("STOPPING=1", f"STATUS={Event('status-stopping')}")

    def _notify(self, *lines: str) -> None:
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        # Who does not listen must not keep the server from speaking.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.settimeout(0)
            out.sendto("\n".join(lines).encode(), address)


def _sentence(status: StatusReporter) -> Event:
    now = status.snapshot()
    if status.draining:
        return Event("status-stopping")
    if not now.ready:
        return Event("status-loading", voice=now.voice, issues=len(now.issues))
    return Event("status-ready", voice=now.speaks, issues=len(now.issues))
