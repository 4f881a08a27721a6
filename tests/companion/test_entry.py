"""Loading, following, losing and unloading a server."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.piper_hardened.client import Timeouts
from custom_components.piper_hardened.coordinator import delay
from custom_components.piper_hardened.timings import TIMINGS, Timings

from .server import JOE, SERVER_ID, Server
from .waiting import until

VISIBLE = {
    "binary_sensor.piper_speech": "off",
    "sensor.piper_voice": JOE,
    "sensor.piper_open_issues": "0",
    "sensor.piper_time_to_first_audio": "123",
    "sensor.piper_restarts_of_workers": "0",
    "sensor.piper_failed_requests": "1",
    "button.piper_repair_the_default_voice": "unknown",
    "button.piper_restart_the_workers": "unknown",
    "button.piper_try_failing_voices_again": "unknown",
    "event.piper_work_on_voices": "unknown",
    "select.piper_default_voice": JOE,
}


async def test_entities_show_the_state(hass: HomeAssistant, loaded: ConfigEntry) -> None:
    assert loaded.state is ConfigEntryState.LOADED
    states = {state.entity_id: state.state for state in hass.states.async_all()}
    assert states == VISIBLE
    voice = hass.states.get("sensor.piper_voice")
    assert voice is not None
    assert voice.attributes["configured"] == JOE
    registry = er.async_get(hass)
    entities = er.async_entries_for_config_entry(registry, loaded.entry_id)
    assert all(one.unique_id.startswith(f"{SERVER_ID}_") for one in entities)
    disabled = {one.unique_id.removeprefix(f"{SERVER_ID}_") for one in entities if one.disabled_by}
    assert disabled == {"queue", "workers_running", "requests", "memory", "started"}
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), loaded.entry_id)
    assert device.identifiers == {("piper_hardened", SERVER_ID)}
    assert device.entry_type is dr.DeviceEntryType.SERVICE
    assert (device.name, device.sw_version) == ("Piper", "0.1.0")


async def test_disabled_sensors_have_values_when_enabled(
    hass: HomeAssistant, loaded: ConfigEntry
) -> None:
    registry = er.async_get(hass)
    keys = ("queue", "workers_running", "requests", "memory", "started")
    for key in keys:
        entity_id = registry.async_get_entity_id("sensor", "piper_hardened", f"{SERVER_ID}_{key}")
        assert entity_id is not None
        registry.async_update_entity(entity_id, disabled_by=None)
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    values = {
        state.entity_id.removeprefix("sensor.piper_"): state.state
        for state in hass.states.async_all("sensor")
    }
    assert values["memory"] == "312"
    assert values["requests"] == "3"
    assert values["running_workers"] == "2"
    assert values["requests_under_way"] == "0"
    assert values["started"] == "2026-09-21T14:13:20+00:00"


async def test_changes_are_followed_at_once(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    server.state |= {"ready": False, "speaks": None}
    server.push()
    await until(lambda: hass.states.is_state("binary_sensor.piper_speech", "on"))
    assert hass.states.is_state("sensor.piper_voice", "unknown")
    server.counters |= {"failed_requests": 9}
    server.push_counters()
    await until(lambda: hass.states.is_state("sensor.piper_failed_requests", "9"))


async def test_event_that_changes_nothing_writes_nothing(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    coordinator = loaded.runtime_data
    told: list[int] = []
    loaded.async_on_unload(coordinator.async_add_listener(lambda: told.append(1)))
    for _ in range(5):
        server.push()
    server.counters |= {"requests": 77}
    server.push_counters()
    await until(lambda: coordinator.data.counters.requests == 77)
    assert told == [1]


async def test_lost_server_is_unavailable_and_comes_back_with_one_line_each(
    hass: HomeAssistant,
    loaded: ConfigEntry,
    server: Server,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await until(lambda: server.followers == 1)
    caplog.clear()
    await server.stop()
    await until(lambda: hass.states.is_state("binary_sensor.piper_speech", "unavailable"))
    await asyncio.sleep(1.5)
    assert len([one for one in caplog.records if one.levelname == "ERROR"]) == 1
    await server.start()
    await until(lambda: hass.states.is_state("binary_sensor.piper_speech", "off"))
    back = [one for one in caplog.records if "is back" in one.getMessage()]
    assert (len(back), back[0].levelname) == (1, "INFO")
    assert len([one for one in caplog.records if one.levelno >= 30]) == 1


async def test_stream_that_ends_is_opened_again_without_a_gap(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    seen: list[str] = []
    hass.bus.async_listen("state_changed", lambda event: seen.append(event.data["new_state"].state))
    server.cut()
    await until(lambda: server.followers == 0)
    await until(lambda: server.followers == 1)
    assert "unavailable" not in seen


@pytest.mark.parametrize(
    "data",
    ["{", "[]", '"' + "x" * 2_000_000 + '"', "\r\ndata: ".join(["x" * 1000] * 2000)],
    ids=["no JSON", "no object", "a long line", "many lines"],
)
async def test_wrong_event_leads_to_a_new_stream(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server, data: str
) -> None:
    await until(lambda: server.followers == 1)
    opened = len([one for one in server.asked if one[1] == "/api/events"])
    server.send("state", data)
    await until(lambda: len([one for one in server.asked if one[1] == "/api/events"]) > opened)
    await until(lambda: server.followers == 1)
    server.state |= {"ready": False}
    server.push()
    await until(lambda: hass.states.is_state("binary_sensor.piper_speech", "on"))


async def test_state_is_polled_where_no_stream_comes_through(
    hass: HomeAssistant, entry: MockConfigEntry, server: Server
) -> None:
    hass.data[TIMINGS] = Timings(poll=0.05)
    server.refusals["/api/events"] = (200, "", "")  # no stream, but an answer
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    server.state |= {"ready": False}
    await until(lambda: hass.states.is_state("binary_sensor.piper_speech", "on"))
    server.state |= {"ready": True}
    await until(lambda: hass.states.is_state("binary_sensor.piper_speech", "off"))
    server.refusals["/api/companion"] = (500, "internal-error", "x")
    await until(lambda: hass.states.is_state("binary_sensor.piper_speech", "unavailable"))
    assert await hass.config_entries.async_unload(entry.entry_id)


def own_tasks() -> list[str]:
    names = [task.get_name() for task in asyncio.all_tasks()]
    return [name for name in names if "piper_hardened" in name]


async def test_reloads_leave_no_task_and_no_connection(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    for _ in range(50):
        assert await hass.config_entries.async_reload(loaded.entry_id)
    await until(lambda: server.followers == 1)
    assert own_tasks() == ["piper_hardened events of Piper"]
    await until(lambda: server.connections <= 3)  # the stream, and what is kept for the next calls
    assert await hass.config_entries.async_unload(loaded.entry_id)
    await until(lambda: server.followers == 0)
    assert own_tasks() == []
    assert loaded.state is ConfigEntryState.NOT_LOADED


async def test_home_assistant_stops_at_once_while_nothing_comes(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    server.freeze()
    begin = time.monotonic()
    await hass.async_stop(force=True)
    assert time.monotonic() - begin < 5
    await until(lambda: own_tasks() == [])


@pytest.mark.parametrize("timings", [Timings(client=Timeouts(answer=1.0, quiet=1.0))])
async def test_frozen_server_is_unavailable_until_it_goes_on(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    server.freeze()
    await until(lambda: hass.states.is_state("binary_sensor.piper_speech", "unavailable"))
    server.thaw()
    await until(lambda: hass.states.is_state("binary_sensor.piper_speech", "off"))


async def test_server_that_tells_no_state_is_tried_again(
    hass: HomeAssistant, entry: MockConfigEntry, server: Server
) -> None:
    server.refusals["/api/companion"] = (200, "", "")
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"api": 2}, ConfigEntryState.SETUP_ERROR),
        ({"features": []}, ConfigEntryState.SETUP_ERROR),
        ({"server_id": "f" * 32}, ConfigEntryState.SETUP_ERROR),
        ({"api": "x"}, ConfigEntryState.SETUP_RETRY),
    ],
)
async def test_server_that_does_not_fit_is_not_loaded(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    server: Server,
    change: dict[str, Any],
    state: ConfigEntryState,
) -> None:
    server.info |= change
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is state


async def test_wrong_token_asks_for_another_one(
    hass: HomeAssistant, entry: MockConfigEntry, server: Server
) -> None:
    server.token = "another-one"  # noqa: S105 - of this test
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == "reauth"


async def test_token_that_changes_meanwhile_asks_for_another_one(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    server.token = "another-one"  # noqa: S105 - of this test
    server.cut()
    await until(hass.config_entries.flow.async_progress)
    assert hass.states.is_state("binary_sensor.piper_speech", "unavailable")


async def test_unreachable_server_is_tried_again(
    hass: HomeAssistant, entry: MockConfigEntry, server: Server
) -> None:
    await server.stop()
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    await server.start()
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=30))
    await until(lambda: entry.state is ConfigEntryState.LOADED)


async def test_safe_mode_leaves_the_entry_as_it_is(
    hass: HomeAssistant, entry: MockConfigEntry, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    entry.add_to_hass(hass)
    hass.config.safe_mode = True
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is not ConfigEntryState.LOADED
    assert server.asked == []
    assert hass.config_entries.async_entries("piper_hardened") == [entry]
    assert "Traceback" not in caplog.text


async def test_another_version_loads_the_entry_anew(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    server.info |= {"version": "0.2.0"}
    server.state |= {"version": "0.2.0"}
    server.push()

    def is_newer() -> bool:
        coordinator = getattr(loaded, "runtime_data", None)  # there is none in between
        return coordinator is not None and coordinator.info.version == "0.2.0"

    await until(is_newer)
    await until(lambda: loaded.state is ConfigEntryState.LOADED)
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), loaded.entry_id)
    assert device.sw_version == "0.2.0"


async def test_unknown_values_are_taken_as_other(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    server.state["issues"] = [{"id": "new:x", "kind": "new-kind", "subject": "x"}, 7]
    server.state["jobs"] = [{"id": "1", "voice": "x", "action": "sing"}]
    server.state["future"] = {"a": 1}
    server.push()
    await until(lambda: hass.states.is_state("sensor.piper_open_issues", "1"))
    assert loaded.runtime_data.data.state.issues[0].kind == "other"


def test_delays_are_short_for_a_restart_and_long_for_an_absence() -> None:
    assert all(delay(attempt) < 5.0 for attempt in range(30))
    assert 45.0 < delay(30) < 75.0
