"""The default voice is chosen by the select entity."""

from __future__ import annotations

import pytest
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .server import FEATURES, JOE, Server, voice_of_the_repository
from .waiting import until

SELECT = "select.piper_default_voice"
PRESET = "Großmutter, langsam"


async def choose(hass: HomeAssistant, option: str) -> None:
    data = {"entity_id": SELECT, "option": option}
    await hass.services.async_call("select", "select_option", data, blocking=True)


def options(hass: HomeAssistant) -> list[str]:
    state = hass.states.get(SELECT)
    assert state is not None
    found: list[str] = state.attributes["options"]
    return found


async def test_options_are_the_voices_and_presets_of_the_moment(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    assert options(hass) == [JOE]
    amy = voice_of_the_repository("1", "1")
    server.state["voices"].append(amy)
    server.state["presets"] = [PRESET]
    server.push()
    await until(lambda: options(hass) == [JOE, amy["name"], PRESET])
    server.state["presets"] = []
    server.push()
    await until(lambda: options(hass) == [JOE, amy["name"]])


async def test_choice_is_sent_and_shown_when_the_server_says_so(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    server.state["presets"] = [PRESET]
    server.push()
    await until(lambda: PRESET in options(hass))
    await choose(hass, PRESET)
    assert server.asked[-1] == ("PUT", "/api/default-voice", {"name": PRESET})
    await until(lambda: hass.states.is_state(SELECT, PRESET))
    server.state["default_voice"] = JOE  # somebody else chooses
    server.push()
    await until(lambda: hass.states.is_state(SELECT, JOE))


async def test_default_that_is_not_there_is_unknown(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    server.state["default_voice"] = "removed"
    server.push()
    await until(lambda: hass.states.is_state(SELECT, "unknown"))


async def test_refusal_is_told_and_changes_nothing(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    server.refusals["/api/default-voice"] = (507, "no-space", "no room")
    with pytest.raises(HomeAssistantError) as caught:
        await choose(hass, JOE)
    assert caught.value.translation_key == "no_space"
    assert hass.states.is_state(SELECT, JOE)
    asked = len(server.asked)
    with pytest.raises(ServiceValidationError):
        await choose(hass, "nobody")
    assert len(server.asked) == asked


async def test_server_whose_default_cannot_be_chosen_has_no_choice(
    hass: HomeAssistant, entry: MockConfigEntry, server: Server
) -> None:
    entry.add_to_hass(hass)
    server.info["features"] = [one for one in FEATURES if one != "default-voice"]
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert hass.states.get("sensor.piper_voice") is not None
    assert hass.states.get(SELECT) is None
