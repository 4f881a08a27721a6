"""A server with the API that the integration uses; the contract tests compare it with the real one.

The real server runs on Python 3.11 with an engine; Home Assistant's environment has neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import io
import json
import wave
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

JOE, AMY = "en_US-joe-medium", "en_US-amy-medium"
SERVER_ID = "0123456789abcdef0123456789abcdef"
KEEP_ALIVE = 0.2
FEATURES = ("job-ids", "companion-events", "voice-versions", "say-language", "default-voice")

STATE: dict[str, Any] = {
    "server_id": SERVER_ID,
    "version": "0.1.0",
    "started_at": 1_790_000_000.0,
    "ready": True,
    "voice": JOE,
    "speaks": JOE,
    "default_voice": JOE,
    "workers": {"running": 2, "total": 2, "restarts": 0},
    "jobs": [],
    "finished_jobs": [],
    "issues": [],
    "voices": [
        {
            "name": JOE,
            "language": "en_US",
            "quality": "medium",
            "state": "embedded",
            "version": None,
            "available_version": None,
        }
    ],
    "presets": [],
}
COUNTERS: dict[str, Any] = {
    "requests": 3,
    "failed_requests": 1,
    "audio": 4.5,
    "queue": {"requests": 0, "waiting_segments": 0, "quarantined_texts": 0},
    "memory": 312,
    "last_request": {
        "at": 1_790_000_100.0,
        "voice": JOE,
        "outcome": "ok",
        "first_audio": 0.123,
        "audio": 1.5,
        "duration": 0.4,
    },
}


def voice_of_the_repository(version: str, available: str) -> dict[str, Any]:
    return {
        "name": AMY,
        "language": "en_US",
        "quality": "medium",
        "state": "installed",
        "version": version,
        "available_version": available,
    }


def issue(kind: str = "damaged", subject: str = JOE, **changed: Any) -> dict[str, Any]:
    return {
        "id": f"{kind}:{subject}",
        "kind": kind,
        "subject": subject,
        "code": "files",
        "params": {"damage": [{"file": "x.onnx", "kind": "changed", "message": "x has changed"}]},
        "message": f"{subject} has damaged files",
        "suggestion": "repair",
        "applicable": True,
        "dismissible": False,
        "needed": True,
        **changed,
    }


class Server:
    """Answers on loopback; tests change its state and see what it was asked."""

    def __init__(self) -> None:
        self.server_id: str = SERVER_ID
        self.token: str | None = "correct-horse-battery-staple-token"  # noqa: S105 - of tests
        self.state = copy.deepcopy(STATE)
        self.counters = copy.deepcopy(COUNTERS)
        self.info: dict[str, Any] = {
            "server_id": SERVER_ID,
            "name": "Piper",
            "version": "0.1.0",
            "api": 1,
            "features": [*FEATURES],
            "app": False,
            "auth": "token",
            "wyoming_port": 10200,
        }
        self.may_change = True
        self.outcome = "done"
        self.failure = ("no-space", "no room for the voice")
        self.refusals: dict[str, tuple[int, str, str]] = {}
        """Status, code and message by path."""
        self.takes_commands = True
        """Whether it pairs."""
        self.automatic = True
        """Whether jobs end by themselves."""
        self.speech = speech()
        self.spoken_bytes: int | None = None
        """Where speech breaks off, if it does."""
        self.asked: list[tuple[str, str, Any]] = []
        self.port = 0
        self.followers = 0
        self._news: set[asyncio.Queue[bytes | None]] = set()
        self._ids = 0
        self._runner: web.AppRunner | None = None
        self._running = asyncio.Event()
        self._running.set()

    @property
    def connections(self) -> int:
        """Connections that are open."""
        assert self._runner is not None
        assert self._runner.server is not None
        return len(self._runner.server.connections)

    def freeze(self) -> None:
        """Take connections, but send nothing any more, as a process that is stopped."""
        self._running.clear()

    def thaw(self) -> None:
        """Go on."""
        self._running.set()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        await self.start()
        try:
            yield
        finally:
            await self.stop()

    async def start(self) -> None:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        self.cut()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def cut(self) -> None:
        """End all streams."""
        for queue in self._news:
            queue.put_nowait(None)

    def push(self) -> None:
        """Send the state as it is now."""
        self.send("state", json.dumps(self.state))

    def push_counters(self) -> None:
        self.send("counters", json.dumps(self.counters))

    def send(self, name: str, data: str) -> None:
        self._ids += 1
        message = f"id: {self._ids}\r\nevent: {name}\r\ndata: {data}\r\nretry: 2000\r\n\r\n"
        for queue in self._news:
            queue.put_nowait(message.encode())

    def take_command(self, line: bytes) -> None:
        """Carry out a command of standard input."""
        if self.takes_commands:
            self.token = json.loads(line).get("token")

    def finish(self, job_id: str, outcome: str | None = None) -> None:
        """End a job under way."""
        (job,) = (one for one in self.state["jobs"] if one["id"] == job_id)
        self.state["jobs"].remove(job)
        outcome = outcome or self.outcome
        code, message = self.failure if outcome == "failed" else ("", "")
        self.state["finished_jobs"].append(
            {
                "id": job_id,
                "voice": job["voice"],
                "action": job["action"],
                "outcome": outcome,
                "code": code,
                "message": message,
            }
        )
        if outcome == "done" and job["action"] == "repair":
            self.state["issues"] = [
                one for one in self.state["issues"] if one["subject"] != job["voice"]
            ]
        self.push()

    def start_job(self, action: str, voice: str) -> dict[str, Any]:
        self._ids += 1
        progress = {"step": "waiting", "file": "", "done": 0, "total": 0}
        job = {"id": f"job{self._ids}", "voice": voice, "action": action, "progress": progress}
        self.state["jobs"].append(job)
        self.push()
        if self.automatic:
            asyncio.get_running_loop().call_soon(self.finish, job["id"])
        return job

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path, method = request.path, request.method
        body = await request.json() if request.can_read_body else None
        self.asked.append((method, path, body))
        await self._running.wait()
        if path == "/api/info":
            return web.json_response(self.info)
        given = request.headers.get("Authorization", "")
        if self.token is not None and given != f"Bearer {self.token}":
            return refusal(401, "token-needed", "the right token is needed")
        if path in self.refusals:
            return refusal(*self.refusals[path])
        if method != "GET" and path != "/api/say" and not self.may_change:
            return refusal(403, "access-refused", "changes need a token")
        match [method, *path.strip("/").split("/")[1:]]:
            case ["GET", "permission"]:
                return web.json_response({"change": self.may_change})
            case ["GET", "companion"]:
                return web.json_response({"state": self.state, "counters": self.counters})
            case ["GET", "events"]:
                return await self._events(request)
            case ["GET", "voices"]:
                return web.json_response({"voices": [LISTED]})
            case ["POST", "voices", name, ("install" | "verify" | "repair") as action]:
                return web.json_response({"job": self.start_job(action, name)}, status=202)
            case ["PUT", "default-voice"]:
                self.state["default_voice"] = body["name"]
                self.push()
                return web.json_response({"name": body["name"]})
            case ["DELETE", "voices", name]:
                return web.json_response({"removed": name})
            case ["POST", "issues", issue_id, "apply"]:
                voice = issue_id.partition(":")[2]
                return web.json_response({"job": self.start_job("repair", voice)}, status=202)
            case ["DELETE", "issues", issue_id]:
                issues = self.state["issues"]
                self.state["issues"] = [one for one in issues if one["id"] != issue_id]
                self.push()
                return web.json_response({"dismissed": issue_id})
            case ["POST", "workers", "restart"]:
                return web.json_response({}, status=202)
            case ["POST", "breakers", "reset"]:
                return web.json_response({})
            case ["POST", "say"]:
                return await self._say(request)
        return refusal(404, "not-found", f"there is no {path}")

    async def _say(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "audio/wav"})
        response.content_length = len(self.speech)
        await response.prepare(request)
        await response.write(self.speech[: self.spoken_bytes])
        if self.spoken_bytes is not None and request.transport is not None:
            request.transport.close()
        return response

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._news.add(queue)
        self.followers += 1
        try:
            for name, data in (("state", self.state), ("counters", self.counters)):
                await response.write(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())
            while (message := await self._next(queue)) is not None:
                await response.write(message)
        finally:
            self._news.discard(queue)
            self.followers -= 1
        return response

    async def _next(self, queue: asyncio.Queue[bytes | None]) -> bytes | None:
        """Return what is to be sent next; a comment after a while without anything."""
        message: bytes | None = b": ping\r\n\r\n"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KEEP_ALIVE):
                message = await queue.get()
        await self._running.wait()
        return message


LISTED = {
    "name": JOE,
    "language": "en_US",
    "quality": "medium",
    "speakers": [],
    "bytes": 63_000_000,
    "state": "embedded",
    "version": None,
    "available_version": None,
}


def refusal(status: int, code: str, message: str) -> web.Response:
    error = {"code": code, "message": message, "retryable": False}
    return web.json_response({"error": error}, status=status)


def speech(seconds: float = 0.5) -> bytes:
    """Return a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(22050)
        audio.writeframes(bytes(2 * round(seconds * 22050)))
    return file.getvalue()
