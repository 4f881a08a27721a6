"""The Supervisor's half of pairing, over HTTP as the real one: apps, and their standard input.

Home Assistant's own client talks to it. Nothing of Home Assistant is needed here, so the checks
with a whole Home Assistant use it as well.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from aiohttp import web

_LISTED: dict[str, Any] = {
    "advanced": False,
    "available": True,
    "build": False,
    "description": "",
    "detached": False,
    "homeassistant": "2026.2.0",
    "icon": True,
    "logo": True,
    "repository": "0123abcd",
    "stage": "stable",
    "update_available": False,
    "url": None,
    "version": "0.1.0",
    "version_latest": "0.1.0",
}
_DETAILS: dict[str, Any] = {
    "apparmor": "profile",
    "arch": ["aarch64", "amd64"],
    "audio": False,
    "audio_input": None,
    "audio_output": None,
    "auth_api": False,
    "auto_update": False,
    "boot": "auto",
    "boot_config": "auto",
    "changelog": True,
    "devices": [],
    "devicetree": False,
    "discovery": ["wyoming", "piper_hardened"],
    "dns": [],
    "docker_api": False,
    "documentation": True,
    "full_access": False,
    "gpio": False,
    "hassio_api": True,
    "hassio_role": "default",
    "homeassistant_api": False,
    "host_dbus": False,
    "host_ipc": False,
    "host_network": False,
    "host_pid": False,
    "host_uts": False,
    "ingress": True,
    "ingress_entry": None,
    "ingress_panel": False,
    "ingress_url": None,
    "ip_address": "172.30.33.5",
    "kernel_modules": False,
    "long_description": None,
    "machine": [],
    "network": None,
    "network_description": None,
    "options": {},
    "privileged": [],
    "protected": True,
    "rating": 6,
    "schema": [],
    "services": [],
    "signed": False,
    "startup": "application",
    "stdin": True,
    "system_managed": False,
    "system_managed_config_entry": None,
    "translations": {},
    "uart": False,
    "udev": False,
    "usb": False,
    "video": False,
    "watchdog": True,
    "webui": None,
}


class Supervisor:
    """Has apps that all are the same server on loopback.

    Args:
        slugs: of the apps.
        port: of the server's web server.
        write: takes what comes on an app's standard input.
    """

    def __init__(self, slugs: list[str], port: int, write: Callable[[bytes], None]) -> None:
        self.slugs = slugs
        self.state = "started"
        """Of each app."""
        self.fails = ""
        """A kind of request that is refused: list, info, start or stdin."""
        self.commands: list[dict[str, Any]] = []
        self._port = port
        self._write = write

    @property
    def tokens(self) -> list[str]:
        """The tokens that apps were given."""
        return [one["token"] for one in self.commands if one["command"] == "pair"]

    @contextlib.asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[int]:
        """Serve on loopback within the context; yields the port."""
        application = web.Application()
        application.router.add_get("/addons", self._list)
        application.router.add_get("/addons/{slug}/info", self._info)
        application.router.add_post("/addons/{slug}/start", self._start)
        application.router.add_post("/addons/{slug}/stdin", self._stdin)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()

    async def _list(self, _: web.Request) -> web.Response:
        other = {**_LISTED, "slug": "core_piper", "name": "Piper", "state": "started"}
        return self._answer("list", {"addons": [other, *map(self._listed, self.slugs)]})

    async def _info(self, request: web.Request) -> web.Response:
        found = {"hostname": "127.0.0.1", "ingress_port": self._port}
        return self._answer("info", {**self._listed(self._slug(request)), **_DETAILS, **found})

    async def _start(self, request: web.Request) -> web.Response:
        self._slug(request)
        if self.fails != "start":
            self.state = "started"
        return self._answer("start", {})

    async def _stdin(self, request: web.Request) -> web.Response:
        self._slug(request)
        if self.fails != "stdin":
            line = await request.read()
            self.commands.append(json.loads(line))
            self._write(line)
        return self._answer("stdin", {})

    def _slug(self, request: web.Request) -> str:
        slug = request.match_info["slug"]
        if slug not in self.slugs:
            raise web.HTTPNotFound
        return slug

    def _listed(self, slug: str) -> dict[str, Any]:
        return {**_LISTED, "slug": slug, "name": "Piper Hardened", "state": self.state}

    def _answer(self, kind: str, data: dict[str, Any]) -> web.Response:
        if self.fails == kind:
            return web.json_response({"result": "error", "message": "refused"}, status=400)
        return web.json_response({"result": "ok", "data": data})
