"""Checks of the server as an app: added by one click, and beside a core without the integration.

The app announces itself to the simulated Supervisor, whose requests are in `supervisor.jsonl`; its
standard input is the pipe `stdin`.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from companion.supervisor import Supervisor

from .client import Client
from .home_assistant import APPS_PORT, HomeAssistant
from .tap import Tap

if TYPE_CHECKING:
    from pathlib import Path

    from .bench import Bench
    from .network import Outside
    from .results import Findings

DOMAIN, SLUG = "piper_hardened", "0123abcd_piper_hardened"
FLOWS = "/api/config/config_entries/flow"

FOLLOWS_WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class App:
    """The app, of which a Supervisor tells.

    Args:
        folder: of the run.
        port: of the app's page.
    """

    folder: Path
    port: int

    async def click(self, bench: Bench, findings: Findings) -> None:
        """Check that one click adds the app, which then is announced, and that it can go again."""
        client = bench.client
        await _announced(self.folder, {"wyoming"})
        supervisor = Supervisor([SLUG], self.port, self._write)
        async with supervisor.listening(APPS_PORT):
            await _present(client, there=True)
            try:
                menu = await client.request("POST", FLOWS, json={"handler": DOMAIN})
                choices = menu.get("menu_options")
                findings.require(choices == ["app", "server"], f"the menu was {menu}")
                began = time.monotonic()
                click = {"next_step_id": "app"}
                end = await client.request("POST", f"{FLOWS}/{menu['flow_id']}", json=click)
                findings.measure("added", time.monotonic() - began)
                findings.require(end["type"] == "create_entry", f"ended with {end}")
                entry = end["result"]
                findings.require(entry["state"] == "loaded", f"the entry is {entry['state']}")
                try:
                    await self._follow(client, findings)
                finally:
                    address = f"/api/config/config_entries/entry/{entry['entry_id']}"
                    await client.request("DELETE", address)
                await _announced(self.folder, {"wyoming"})
            finally:
                await _present(client, there=False)
        commands = [one["command"] for one in supervisor.commands]
        findings.require(commands == ["pair", "unpair"], f"the app was sent {commands}")
        token = self.folder / "data" / "companion-token"
        findings.require(not await asyncio.to_thread(token.exists), "the app still has a token")

    async def _follow(self, client: Client, findings: Findings) -> None:
        """Pass on what the paired app announces: the entry is there already."""
        config = (await _announced(self.folder, {DOMAIN, "wyoming"}))[DOMAIN]
        here = {**config, "host": "127.0.0.1", "web_port": self.port}
        await _discover(client, DOMAIN, here)
        await asyncio.sleep(1.0)
        flows = await client.call("config_entries/flow/progress")
        cards = [flow for flow in flows if flow["handler"] == DOMAIN]
        findings.require(not cards, f"there are cards: {cards}")
        entries = await client.call("config_entries/get", domain=DOMAIN)
        findings.require(len(entries) == 1, f"the entries are {entries}")

    def _write(self, line: bytes) -> None:
        pipe = os.open(self.folder / "stdin", os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(pipe, line + b"\n")
        finally:
            os.close(pipe)


@dataclass(frozen=True, slots=True)
class Plain:
    """A Home Assistant without the integration, beside the app.

    Args:
        folder: of the run.
        suite: whose core it is.
        outside: the way to the app.
        host: of the app's Wyoming server.
        port: likewise.
    """

    folder: Path
    suite: str
    outside: Outside
    host: str
    port: int

    async def check(self, findings: Findings) -> None:
        """Check that what the app announces is found, and nothing of the integration logged."""
        async with (
            HomeAssistant(self.folder / f"{self.suite}-plain", integrated=False) as plain,
            Client.open() as client,
        ):
            tap = Tap(lambda: self.outside.connect(self.host, self.port))
            port = await tap.listen()
            announced = await _announced(self.folder, {"wyoming"})
            for service in announced:
                await _discover(client, service, {"uri": f"tcp://127.0.0.1:{port}"})
            async with asyncio.timeout(FOLLOWS_WITHIN):
                while not await client.call("config_entries/flow/progress"):  # noqa: ASYNC110 - asked
                    await asyncio.sleep(0.2)
            found = {one["handler"] for one in await client.call("config_entries/flow/progress")}
            findings.require(found == {"wyoming"}, f"there are cards of {found}")
            lines = [line for line in plain.log().splitlines() if DOMAIN in line]
        findings.measure("announced", len(announced), "")
        findings.problems += lines


async def _announced(folder: Path, wanted: set[str]) -> dict[str, Any]:
    """Wait until the app has announced these services and no others; return them."""
    async with asyncio.timeout(FOLLOWS_WITHIN):
        while (found := await asyncio.to_thread(_read, folder)).keys() != wanted:  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.2)
    return found


def _read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in (folder / "supervisor.jsonl").read_text().splitlines():
        request = json.loads(line)
        if not request["path"].startswith("/discovery") or request["status"] != 200:
            continue
        if request["method"] == "POST":
            found[request["body"]["service"]] = request["body"]["config"]
        else:  # it withdraws no other
            found.pop(DOMAIN, None)
    return found


async def _present(client: Client, *, there: bool) -> None:
    await client.request("POST", "/api/services/supervisor_opener/present", json={"there": there})


async def _discover(client: Client, service: str, config: dict[str, Any]) -> None:
    body = {"service": service, "config": config, "slug": SLUG}
    await client.request("POST", "/api/services/supervisor_opener/discover", json=body)
