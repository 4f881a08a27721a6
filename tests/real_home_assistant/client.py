"""Home Assistant's REST and WebSocket interfaces, as its own frontend and players use them."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from .home_assistant import URL

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

POLL_EVERY = 0.1
PLAY_WITHIN = 60.0

ACCOUNT = {"name": "Tester", "username": "tester", "password": "only-for-this-run"}


class RefusedError(Exception):
    """Home Assistant answered, but with an error."""


@dataclass(frozen=True, slots=True)
class Playback:
    """A download as a media player makes it; times are seconds since `began`."""

    status: int | None
    """HTTP status, None when there was no answer in time."""
    body: bytes
    first_byte: float | None
    finished: float
    problem: str | None
    """How the transfer broke, None when it ended well."""


class Client:
    """One signed-in user. Made by `Client.open()`."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """Take a session; `open` signs in."""
        self._session = session
        self._token: str | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._ids = itertools.count(1)
        self._inboxes: dict[int, asyncio.Queue[dict[str, Any] | None]] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Self]:
        """Wait for a fresh Home Assistant, create its first user, and sign in."""
        async with aiohttp.ClientSession(base_url=URL) as session:
            client = cls(session)
            await client._sign_up()
            await client._await_running()
            async with session.ws_connect("/api/websocket", max_msg_size=0) as socket:
                await client._authenticate(socket)
                reading = asyncio.create_task(client._read(socket))
                try:
                    yield client
                finally:
                    reading.cancel()

    async def request(self, method: str, path: str, **arguments: Any) -> Any:
        """Return the answer's JSON, or its text. Raises RefusedError for a status over 299."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        async with self._session.request(method, path, headers=headers, **arguments) as answer:
            text = await answer.text()
            if not answer.ok:
                raise RefusedError(f"{method} {path}: {answer.status} {text[:500]}")
            return json.loads(text) if answer.content_type == "application/json" else text

    async def call(self, kind: str, **fields: object) -> Any:
        """Return the result of a WebSocket command. Raises RefusedError."""
        async with self._command(kind, fields) as inbox:
            return await _result(inbox)

    async def events(self, kind: str, **fields: object) -> AsyncGenerator[dict[str, Any]]:
        """Yield the events of a WebSocket command until the caller stops. Raises RefusedError."""
        async with self._command(kind, fields) as inbox:
            await _result(inbox)
            while (message := await inbox.get()) is not None:
                yield message["event"]

    async def play(self, path: str, began: float, within: float = PLAY_WITHIN) -> Playback:
        """Download as a player does; never raises for what the server did wrong."""
        body, first_byte, status, problem = bytearray(), None, None, None
        limit = aiohttp.ClientTimeout(total=within)
        try:
            async with self._session.get(path, timeout=limit) as answer:
                status = answer.status
                async for part in answer.content.iter_any():
                    if first_byte is None:
                        first_byte = time.monotonic() - began
                    body += part
        except TimeoutError:
            problem = f"not finished after {within:g} s"
        except aiohttp.ClientError as error:
            problem = repr(error)
        return Playback(status, bytes(body), first_byte, time.monotonic() - began, problem)

    async def _sign_up(self) -> None:
        while True:
            try:
                await self.request("GET", "/api/onboarding")
                break
            except (aiohttp.ClientError, RefusedError):
                await asyncio.sleep(POLL_EVERY)
        # only the first step: the others start flows for services on the internet
        account = ACCOUNT | {"client_id": f"{URL}/", "language": "en"}
        user = await self.request("POST", "/api/onboarding/users", json=account)
        grant = {
            "grant_type": "authorization_code",
            "code": user["auth_code"],
            "client_id": f"{URL}/",
        }
        self._token = (await self.request("POST", "/auth/token", data=grant))["access_token"]

    async def _await_running(self) -> None:
        while (await self.request("GET", "/api/config"))["state"] != "RUNNING":  # noqa: ASYNC110 - it says so only when asked
            await asyncio.sleep(POLL_EVERY)

    async def _authenticate(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        await socket.receive_json()  # auth_required
        await socket.send_json({"type": "auth", "access_token": self._token})
        answer = await socket.receive_json()
        if answer["type"] != "auth_ok":
            raise RefusedError(str(answer))
        self._socket = socket

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Give each message to the command it answers, until Home Assistant closes."""
        async for message in socket:
            decoded = json.loads(message.data)
            for one in decoded if isinstance(decoded, list) else [decoded]:
                if (inbox := self._inboxes.get(one["id"])) is not None:
                    inbox.put_nowait(one)
        for inbox in self._inboxes.values():
            inbox.put_nowait(None)

    @asynccontextmanager
    async def _command(
        self, kind: str, fields: dict[str, object]
    ) -> AsyncIterator[asyncio.Queue[dict[str, Any] | None]]:
        assert self._socket is not None
        number = next(self._ids)
        inbox = self._inboxes[number] = asyncio.Queue()
        try:
            await self._socket.send_json({"id": number, "type": kind, **fields})
            yield inbox
        finally:
            del self._inboxes[number]


async def _result(inbox: asyncio.Queue[dict[str, Any] | None]) -> Any:
    message = await inbox.get()
    if message is None:
        raise RefusedError("Home Assistant closed the WebSocket")
    if not message["success"]:
        raise RefusedError(str(message["error"]))
    return message["result"]
