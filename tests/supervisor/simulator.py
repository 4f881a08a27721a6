"""The simulated Supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import voluptuous as vol
import yaml
from aiohttp import web

from .options import validate

CONFIG = Path(__file__).parents[2] / "config.yaml"
"""The app's own, as far as there is one."""


class Fault(StrEnum):
    """Fault of one request."""

    SLOW = "slow"
    """No answer until the simulator stops."""
    ERROR = "error"
    """500, and the page that a proxy would show."""
    UNAUTHORIZED = "unauthorized"
    """401 for the right token."""
    ECHO = "echo"
    """400, and an explanation that holds the token."""
    RESET = "reset"
    """The connection is reset before the answer."""
    REDIRECT = "redirect"
    """302 to another host, which would get the token."""
    NONSENSE = "nonsense"
    """200, and no JSON."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request; never the token, but whether it was the right one."""

    method: str
    path: str
    authorized: bool
    body: Any
    status: int | None
    """What was answered; ``None`` if nothing."""


def app_config() -> dict[str, Any]:
    """Return the app's own configuration, or one that is enough to speak to it."""
    if CONFIG.exists():
        loaded: dict[str, Any] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
        return loaded
    return {
        "slug": "piper_hardened",
        "discovery": ["wyoming", "piper_hardened"],
        "options": {"voice": "en_US-joe-medium", "repair_on_start": []},
        "schema": {"voice": "str", "repair_on_start": ["str"], "speaker": "str?"},
    }


@dataclass
class Simulator:
    """The state of the Supervisor.

    Args:
        token: what the app has to show.
        config: the app's configuration: what it may discover, options and their schema.
        options: what the user has changed.
        on_request: called with every request when it has been answered.
    """

    token: str = "a-token"  # noqa: S105 - of a simulator
    config: Mapping[str, Any] = field(default_factory=app_config)
    options: dict[str, Any] = field(default_factory=dict)
    on_request: Callable[[Received], None] = lambda _: None

    def __post_init__(self) -> None:
        self.received: list[Received] = []
        self.discovered: dict[str, dict[str, Any]] = {}
        """Messages by their uuid."""
        self.withdrawn: list[str] = []
        """Services; Home Assistant removes what a person has set up from them."""
        self.url = ""
        self._faults: list[Fault] = []
        self._stop = asyncio.Event()

    @property
    def services(self) -> list[str]:
        """Return the announcements that Home Assistant can discover at present."""
        return sorted(message["service"] for message in self.discovered.values())

    def fault(self, *faults: Fault) -> None:
        """Let the next requests go wrong, one after the other."""
        self._faults += faults

    def application(self) -> web.Application:
        application = web.Application(middlewares=[self._middleware])
        application.router.add_post("/discovery", self._set_discovery)
        application.router.add_get("/discovery", self._forbidden)
        application.router.add_delete("/discovery/{uuid}", self._delete_discovery)
        application.router.add_get("/addons/self/info", self._info)
        application.router.add_post("/addons/self/options", self._set_options)
        return application

    def stop(self) -> None:
        """Let those go who are kept waiting."""
        self._stop.set()

    @web.middleware
    async def _middleware(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Any],
    ) -> web.StreamResponse:
        authorized = request.headers.get("Authorization") == f"Bearer {self.token}"
        body: Any = None
        with contextlib.suppress(ValueError):
            body = json.loads(await request.text())
        status: int | None = None
        response: web.StreamResponse
        try:
            response = await self._answer(request, handler, authorized=authorized)
            status = response.status
        except ConnectionResetError:
            response = web.Response()
        except web.HTTPException as err:
            status = err.status
            raise
        finally:
            received = Received(request.method, request.path, authorized, body, status)
            self.received.append(received)
            self.on_request(received)
        return response

    async def _answer(
        self, request: web.Request, handler: Callable[[web.Request], Any], *, authorized: bool
    ) -> web.StreamResponse:
        match self._faults.pop(0) if self._faults else None:
            case Fault.SLOW:
                await self._stop.wait()
            case Fault.ERROR:
                return web.Response(status=500, text="<html>500 Internal Server Error</html>")
            case Fault.UNAUTHORIZED:
                authorized = False
            case Fault.ECHO:
                return _refused(400, f"Can't read {request.headers.get('Authorization')}")
            case Fault.RESET:
                _reset(request)
            case Fault.REDIRECT:
                return web.Response(status=302, headers={"Location": "http://127.0.0.2:9/stolen"})
            case Fault.NONSENSE:
                return web.Response(text="Welcome!")
        if not authorized:
            raise web.HTTPUnauthorized
        try:
            response: web.StreamResponse = await handler(request)
        except vol.Invalid as err:
            return _refused(400, str(err))
        return response

    async def _set_discovery(self, request: web.Request) -> web.Response:
        body = vol.Schema({vol.Required("service"): str, vol.Required("config"): dict})(
            await request.json()
        )
        if body["service"] not in self.config.get("discovery", ()):
            return _refused(
                403, "Add-ons must list services they provide via discovery in their config!"
            )
        for known, message in self.discovered.items():
            if message["service"] == body["service"]:
                self.discovered[known] = body
                return _done({"uuid": known})
        new = uuid.uuid4().hex
        self.discovered[new] = body
        return _done({"uuid": new})

    async def _delete_discovery(self, request: web.Request) -> web.Response:
        message = self.discovered.pop(request.match_info["uuid"], None)
        if message is None:
            return _refused(404, "Discovery message not found")
        self.withdrawn.append(message["service"])
        return _done({})

    async def _forbidden(self, _: web.Request) -> web.Response:
        """Only Home Assistant itself may."""
        raise web.HTTPUnauthorized

    async def _info(self, _: web.Request) -> web.Response:
        options = {**self.config.get("options", {}), **self.options}
        return _done({"slug": self.config.get("slug"), "state": "started", "options": options})

    async def _set_options(self, request: web.Request) -> web.Response:
        body = vol.Schema({vol.Required("options"): vol.Any(dict, None)})(await request.json())
        self.options = validate(self.config["schema"], body["options"] or {})
        return _done({})


@contextlib.asynccontextmanager
async def serving(
    simulator: Simulator, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Simulator]:
    """Serve within the context, on any free port by default."""
    runner = web.AppRunner(simulator.application(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    ((_, real_port, *_),) = runner.addresses
    simulator.url = f"http://{host}:{real_port}"
    try:
        yield simulator
    finally:
        simulator.stop()
        await runner.cleanup()


def _done(data: dict[str, Any]) -> web.Response:
    return web.json_response({"result": "ok", "data": data})


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"result": "error", "message": message}, status=status)


def _reset(request: web.Request) -> None:
    assert request.transport is not None
    connection = request.transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
    raise ConnectionResetError
