"""Jobs on voices: by buttons, as events, and as updates."""

from __future__ import annotations

import asyncio

import pytest
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .server import AMY, JOE, Server, voice_of_the_repository
from .waiting import until


async def test_buttons_do_the_same(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)

    async def press(name: str) -> None:
        target = {"entity_id": f"button.piper_{name}"}
        await hass.services.async_call("button", "press", target, blocking=True)

    await press("repair_the_default_voice")
    await press("restart_the_workers")
    await press("try_failing_voices_again")
    asked = [path for method, path, _ in server.asked if method == "POST"]
    assert asked == [
        f"/api/voices/{JOE}/repair",
        "/api/workers/restart",
        "/api/breakers/reset",
    ]
    server.refusals["/api/workers/restart"] = (403, "access-refused", "no")
    with pytest.raises(ServiceValidationError):
        await press("restart_the_workers")


async def test_events_tell_of_finished_work_but_not_of_old(
    hass: HomeAssistant, entry: MockConfigEntry, server: Server
) -> None:
    await_job = server.start_job
    server.automatic = False
    await_job("repair", JOE)
    server.finish(server.state["jobs"][0]["id"])
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: server.followers == 1)
    assert hass.states.is_state("event.piper_work_on_voices", "unknown")
    kinds = {
        ("install", "done"): "installed",
        ("repair", "failed"): "failed",
        ("install", "cancelled"): "cancelled",
        ("remove", "done"): "removed",
    }
    for (action, outcome), kind in kinds.items():
        job = server.start_job(action, AMY)
        server.finish(job["id"], outcome)

        def told(kind: str = kind) -> bool:
            state = hass.states.get("event.piper_work_on_voices")
            return state is not None and state.attributes["event_type"] == kind

        await until(told)
    state = hass.states.get("event.piper_work_on_voices")
    assert state is not None
    assert (state.attributes["voice"], state.attributes["action"]) == (AMY, "remove")
    before = state.last_updated
    server.finish(server.start_job("verify", AMY)["id"])
    await until(lambda: len(entry.runtime_data.data.state.finished_jobs) == 6)
    state = hass.states.get("event.piper_work_on_voices")
    assert state is not None
    assert state.last_updated == before


UPDATE = "update.piper_en_us_amy_medium"


async def test_newer_voice_is_offered_installed_and_forgotten(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    assert hass.states.get(UPDATE) is None
    server.state["voices"].append(voice_of_the_repository("5a6bb20a", "33fdd352"))
    server.push()
    await until(lambda: hass.states.is_state(UPDATE, "on"))
    state = hass.states.get(UPDATE)
    assert state is not None
    assert state.attributes["installed_version"] == "5a6bb20a"
    assert state.attributes["latest_version"] == "33fdd352"
    server.automatic = False
    install = asyncio.create_task(
        hass.services.async_call("update", "install", {"entity_id": UPDATE}, blocking=True)
    )
    await until(lambda: server.state["jobs"])
    server.state["jobs"][0]["progress"] |= {"step": "fetching", "done": 50, "total": 200}
    server.push()

    def percentage() -> object:
        state = hass.states.get(UPDATE)
        return state and state.attributes["update_percentage"]

    await until(lambda: percentage() == 25)
    server.state["voices"][-1] = voice_of_the_repository("33fdd352", "33fdd352")
    server.finish(server.state["jobs"][0]["id"])
    await install
    await until(lambda: hass.states.is_state(UPDATE, "off"))
    server.state["voices"].pop()
    server.push()
    await until(lambda: hass.states.get(UPDATE) is None)
    server.state["voices"].append(voice_of_the_repository("33fdd352", "33fdd352"))
    server.push()
    await until(lambda: hass.states.is_state(UPDATE, "off"))
