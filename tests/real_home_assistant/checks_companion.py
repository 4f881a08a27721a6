"""Checks of the integration that looks after the server, as people and automations use it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .bench import hear, unique

if TYPE_CHECKING:
    from pathlib import Path

    from .bench import Bench
    from .client import Client
    from .results import Findings

DOMAIN = "piper_hardened"
SENTENCE = "The dishwasher is done, and the kitchen smells of lemon."

FOLLOWS_WITHIN = 10.0
SHOWN_WITHIN = 90.0
"""An issue has to stay open for a minute."""
REPAIRED_WITHIN = 120.0


@dataclass(slots=True)
class Companion:
    """The integration, added to Home Assistant.

    Args:
        port: of the server's page.
        wyoming_port: of the same server.
        data: the server's data directory.
    """

    port: int
    wyoming_port: int
    data: Path
    entry_id: str = ""
    voice: str = ""

    async def add(self, bench: Bench, findings: Findings) -> None:
        """Check that a wrong port is named, and the right one taken in the same form."""
        flows = "/api/config/config_entries/flow"
        form = await bench.client.request("POST", flows, json={"handler": DOMAIN})
        address = f"{flows}/{form['flow_id']}"
        wrong = {"host": "127.0.0.1", "port": self.wyoming_port}
        answer = await bench.client.request("POST", address, json=wrong)
        errors = answer.get("errors")
        findings.require(errors == {"base": "not_piper_hardened"}, f"Wyoming's port: {errors}")
        right = {"host": "127.0.0.1", "port": self.port}
        answer = await bench.client.request("POST", address, json=right)
        findings.require(answer["type"] == "create_entry", f"ended with {answer}")
        self.entry_id = answer["result"]["entry_id"]
        await _state(bench.client, "binary_sensor.piper_hardened_speech", "off")
        voice = await bench.client.request("GET", "/api/states/sensor.piper_hardened_voice")
        self.voice = voice["state"]
        findings.measurements["voice"] = self.voice

    async def actions(self, bench: Bench, findings: Findings) -> None:
        """Check that a script repairs a damaged voice and learns what was done."""
        await self._act(bench.client, "install_voice", voice=self.voice)
        await self._damage(bench.client, findings)
        began = time.monotonic()
        result = await bench.client.request(
            "POST",
            "/api/services/script/repair?return_response",
            json={"server": self.entry_id, "voice": self.voice},
        )
        findings.measure("repaired", time.monotonic() - began)
        response = result["service_response"]
        findings.require(response["voice"] == self.voice, f"the answer was {response}")
        findings.require(response["changed"], f"nothing was changed: {response}")
        await self._is_whole_and_heard(bench, findings)

    async def button(self, bench: Bench, findings: Findings) -> None:
        """Check that the button repairs a damaged voice."""
        await self._damage(bench.client, findings)
        await bench.client.request(
            "POST",
            "/api/services/button/press",
            json={"entity_id": "button.piper_hardened_repair_the_default_voice"},
        )
        await self._is_whole_and_heard(bench, findings)

    async def repairs(self, bench: Bench, findings: Findings) -> None:
        """Check that damage appears in Repairs, is repaired there, and is gone afterwards."""
        await self._damage(bench.client, findings)
        began = time.monotonic()
        async with asyncio.timeout(SHOWN_WITHIN):
            while not (issues := await _issues(bench.client)):  # noqa: ASYNC110 - asked as a page
                await asyncio.sleep(0.5)
        findings.measure("shown after", time.monotonic() - began)
        (issue,) = issues
        findings.require(issue["translation_key"] == "damaged_needed", f"it is {issue}")
        flows = "/api/repairs/issues/fix"
        named = {"handler": DOMAIN, "issue_id": issue["issue_id"]}
        form = await bench.client.request("POST", flows, json=named)
        findings.require(form["type"] == "form", f"the flow began with {form}")
        end = await bench.client.request("POST", f"{flows}/{form['flow_id']}", json={})
        way = end.get("reason", end["type"])
        findings.measurements["the flow ended with"] = way
        findings.require(way in {"create_entry", "under_way"}, f"the flow ended with {end}")
        async with asyncio.timeout(REPAIRED_WITHIN):  # a slow machine takes longer than the flow
            while await _issues(bench.client):  # noqa: ASYNC110 - asked as a page
                await asyncio.sleep(0.5)
        findings.measure("gone after", time.monotonic() - began)
        await self._is_whole_and_heard(bench, findings)

    async def reload(self, bench: Bench, findings: Findings) -> None:
        """Check that it is loaded anew many times and follows the server afterwards."""
        entry = f"/api/config/config_entries/entry/{self.entry_id}/reload"
        for _ in range(10):
            await bench.client.request("POST", entry)
        await _state(bench.client, "binary_sensor.piper_hardened_speech", "off")
        await self._act(bench.client, "restart_workers", response=False)
        await bench.speak(unique(SENTENCE))
        findings.require(not await _issues(bench.client), "there are issues")

    async def _damage(self, client: Client, findings: Findings) -> None:
        current = self.data / "voices" / self.voice / "current"
        await asyncio.to_thread(_flip_a_bit, current / f"{self.voice}.onnx")
        found = await self._act(client, "verify_voice", voice=self.voice)
        findings.require(found["intact"] is False, f"the damage was not found: {found}")
        findings.require(len(found["damage"]) == 1, f"the damage is {found['damage']}")

    async def _is_whole_and_heard(self, bench: Bench, findings: Findings) -> None:
        found = await self._act(bench.client, "verify_voice", voice=self.voice)
        findings.require(found["intact"], f"it is damaged: {found}")
        hear(findings, await bench.speak(unique(SENTENCE)))

    async def _act(
        self, client: Client, action: str, *, response: bool = True, **data: Any
    ) -> dict[str, Any]:
        wanted = "?return_response" if response else ""
        body = {"config_entry_id": self.entry_id, **data}
        answer = await client.request("POST", f"/api/services/{DOMAIN}/{action}{wanted}", json=body)
        found: dict[str, Any] = answer["service_response"] if response else {}
        return found


def _flip_a_bit(file: Path) -> None:
    """Change a weight: a worker that loads the file just now does not notice, verifying does."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = file.with_name("damaged")
    damaged.write_bytes(content)
    damaged.replace(file)


async def _issues(client: Client) -> list[dict[str, Any]]:
    listed = await client.call("repairs/list_issues")
    return [issue for issue in listed["issues"] if issue["domain"] == DOMAIN]


async def _state(client: Client, entity_id: str, wanted: str) -> None:
    async with asyncio.timeout(FOLLOWS_WITHIN):
        while True:
            state = await client.request("GET", f"/api/states/{entity_id}")
            if state["state"] == wanted:
                return
            await asyncio.sleep(0.1)
