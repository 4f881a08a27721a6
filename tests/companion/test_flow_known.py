"""The way to a known server: another token, another address."""

from __future__ import annotations

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .flows import OTHER_ID, SLUG, address, send
from .server import SERVER_ID, Server
from .supervisor import Supervisor


async def test_new_token_is_asked_for_and_taken(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    server.token = "another-one"  # noqa: S105 - of this test
    loaded.async_start_reauth(hass)
    await hass.async_block_till_done()
    (form,) = hass.config_entries.flow.async_progress()
    assert form["step_id"] == "reauth_confirm"
    result = await send(hass, form, token="wrong")  # noqa: S106 - of this test
    assert result["errors"] == {"token": "invalid_auth"}
    result = await send(hass, result, token="another-one")  # noqa: S106 - of this test
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    assert loaded.data["token"] == "another-one"  # noqa: S105 - of this test


async def test_app_is_paired_again_by_one_click(
    hass: HomeAssistant, server: Server, supervisor: Supervisor, entry: MockConfigEntry
) -> None:
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "slug": SLUG})
    server.token = "unknown"  # noqa: S105 - of this test
    await hass.config_entries.async_setup(entry.entry_id)
    (form,) = hass.config_entries.flow.async_progress()
    assert (form["context"]["source"], form["step_id"]) == (SOURCE_REAUTH, "reauth_app")
    result = await send(hass, form)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    assert entry.data["token"] == server.token == supervisor.tokens[-1]


async def test_reauth_of_an_app_that_cannot_be_had_is_told(
    hass: HomeAssistant, server: Server, supervisor: Supervisor, entry: MockConfigEntry
) -> None:
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "slug": SLUG})
    entry.async_start_reauth(hass)
    await hass.async_block_till_done()
    (form,) = hass.config_entries.flow.async_progress()
    supervisor.fails = "stdin"
    result = await send(hass, form)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "cannot_pair")


async def test_reauth_of_an_app_that_became_too_old_asks_for_its_update(
    hass: HomeAssistant, server: Server, supervisor: Supervisor, entry: MockConfigEntry
) -> None:
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "slug": SLUG})
    entry.async_start_reauth(hass)
    await hass.async_block_till_done()
    (form,) = hass.config_entries.flow.async_progress()
    server.info["features"] = []
    result = await send(hass, form)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "update_app")


async def test_address_is_changed(
    hass: HomeAssistant, loaded: MockConfigEntry, server: Server
) -> None:
    form = await loaded.start_reconfigure_flow(hass)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "reconfigure")
    result = await send(hass, form, **address(server, port=1))
    assert result["errors"] == {"base": "cannot_connect"}
    result = await send(hass, result, **address(server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")


async def test_address_of_another_server_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry, server: Server
) -> None:
    form = await loaded.start_reconfigure_flow(hass)
    server.info["server_id"] = OTHER_ID
    result = await send(hass, form, **address(server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "other_server")
    assert loaded.unique_id == SERVER_ID
