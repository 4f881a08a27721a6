"""A proxy before the real server that invents a stream of ever changing states."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from support.ingress import PREFIX, Ingress


class ChangingStates(Ingress):
    """Sends invented states, `burst` at a time; then the connection breaks.

    Args:
        target: the real server.
        status: a real state to begin with.
    """

    def __init__(self, target: str, status: dict[str, Any]) -> None:
        super().__init__(target)
        self.status = status
        self.sent = 0
        self.burst = 100
        self.limit = 0
        """Greatest number of states, until it is raised."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path != f"{PREFIX}/api/events":
            return await super().handle(request)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(self.burst):
                if self.sent < self.limit:
                    self.sent += 1
                news = json.dumps(self._news(self.sent))
                await response.write(f"event: status\ndata: {news}\n\n".encode())
                await self.frame()
        return response

    async def frame(self) -> None:
        """Return when the next state may be sent; a test lets the page draw in between."""

    def _news(self, number: int) -> dict[str, Any]:
        at = time.time()
        return {
            **self.status,
            "uptime": 1e6 + number,  # newer than that of the real server
            "workers": [
                {
                    **worker,
                    "pid": 10_000 + number,
                    "memory": 200_000_000 + number % 50 * 1_000_000,
                    "restarts": number,
                    "state": "running" if number % 3 else "backoff",
                    "last_failure": {
                        "kind": "signal",
                        "at": "speaking",
                        "detail": {"signal": f"SIG{number % 20}"},
                        "message": f"killed by signal {number % 20}",
                    },
                    "last_failure_at": at,
                }
                for worker in self.status["workers"]
            ],
            "jobs": [
                {
                    "id": f"{number}",
                    "voice": f"en_US-{number % 7}-low",
                    "action": "install",
                    "progress": {"step": "fetching", "file": "x", "done": number, "total": 10_000},
                }
            ],
            "finished_jobs": [
                {
                    "id": f"{number - 19 + index}",
                    "voice": f"en_US-{index % 7}-low",
                    "action": "install",
                    "outcome": ("done", "failed", "cancelled")[index % 3],
                    "code": "",
                    "message": "",
                }
                for index in range(20)
            ],
            "issues": [
                {
                    "id": f"failing:{number % 11}",
                    "kind": "failing",
                    "subject": f"worker {number % 11}",
                    "code": "worker",
                    "params": {"worker": str(number % 11)},
                    "message": f"news {number}",
                    "suggestion": "restart-workers",
                    "applicable": True,
                    "dismissible": False,
                }
            ],
            "requests": [
                {
                    "id": "",
                    "at": at - 1 / (1 + index),
                    "voice": "en_US-joe-medium",
                    "outcome": "ok" if index % 5 else "overloaded",
                    "characters": 10,
                    "segments": 1,
                    "replays": 0,
                    "queue_wait": 0.01,
                    "first_audio": 0.05 + number % 9 / 100 if index % 5 else None,
                    "audio": 1.0,
                    "duration": 0.1 + number,
                    "real_time_factor": 0.1,
                    "text": None,
                }
                for index in range(50)
            ],
            "recent_log": [
                {
                    "at": at - 200 + index,
                    "level": "info",
                    "event": "",
                    "params": {},
                    "text": f"news {number - 199 + index}",
                }
                for index in range(200)
            ],
        }


@contextlib.asynccontextmanager
async def changing_states(target: str, status: dict[str, Any]) -> AsyncIterator[ChangingStates]:
    """Serve it on loopback."""
    server = ChangingStates(target, status)
    async with server.serving():
        yield server
