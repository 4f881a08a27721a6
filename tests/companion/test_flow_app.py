"""Adding the app of this machine: paired by a click, or announced by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_HASSIO, SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.hassio import HassioServiceInfo
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.piper_hardened.timings import TIMINGS, Timings

from .flows import DOMAIN, OTHER_ID, SLUG, address, by_hand, send
from .server import SERVER_ID, Server
from .supervisor import Supervisor
from .waiting import until


async def menu_of(hass: HomeAssistant) -> Any:
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})


async def test_app_of_this_machine_is_added_by_one_click(
    hass: HomeAssistant, server: Server, supervisor: Supervisor
) -> None:
    menu = await menu_of(hass)
    assert (menu["type"], menu["menu_options"]) == (FlowResultType.MENU, ["app", "server"])
    result = await send(hass, menu, next_step_id="app")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == {**address(server), "slug": SLUG}
    assert server.token == supervisor.tokens[-1]
    await hass.async_block_till_done()
    assert result["result"].state is ConfigEntryState.LOADED
    assert await hass.config_entries.async_remove(result["result"].entry_id)
    assert supervisor.commands[-1] == {"command": "unpair"}


async def test_app_that_is_not_running_is_started_first(
    hass: HomeAssistant, server: Server, supervisor: Supervisor
) -> None:
    supervisor.state = "stopped"
    menu = await menu_of(hass)
    form = await send(hass, menu, next_step_id="app")
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "start_app")
    result = await send(hass, form)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert supervisor.state == "started"


async def test_app_that_is_started_may_take_a_while_to_answer(
    hass: HomeAssistant, server: Server, supervisor: Supervisor
) -> None:
    hass.data[TIMINGS] = Timings(ask_every=0.05)
    await server.stop()
    supervisor.state = "stopped"
    form = await send(hass, await menu_of(hass), next_step_id="app")
    adding = asyncio.create_task(send(hass, form))
    await until(lambda: supervisor.state == "started")
    await asyncio.sleep(0.2)
    assert not adding.done()
    await server.start()
    assert (await adding)["type"] is FlowResultType.CREATE_ENTRY


async def test_app_that_never_answers_after_its_start_is_told(
    hass: HomeAssistant, server: Server, supervisor: Supervisor
) -> None:
    hass.data[TIMINGS] = Timings(start=0.2, ask_every=0.05)
    await server.stop()
    supervisor.state = "stopped"
    form = await send(hass, await menu_of(hass), next_step_id="app")
    result = await send(hass, form)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "cannot_pair")


@pytest.mark.parametrize("started", [True, False])
async def test_app_that_is_too_old_has_to_be_updated(
    hass: HomeAssistant,
    server: Server,
    supervisor: Supervisor,
    started: bool,  # noqa: FBT001 - a parameter
) -> None:
    server.info["features"] = []
    supervisor.state = "started" if started else "stopped"
    result = await send(hass, await menu_of(hass), next_step_id="app")
    if not started:
        result = await send(hass, result)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "update_app")


async def test_app_that_is_added_twice_keeps_its_entry_with_the_new_token(
    hass: HomeAssistant, server: Server, supervisor: Supervisor
) -> None:
    result = await send(hass, await menu_of(hass), next_step_id="app")
    entry = result["result"]
    again = await send(hass, await menu_of(hass), next_step_id="app")
    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data["token"] == server.token == supervisor.tokens[-1] != supervisor.tokens[0]
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED


async def test_app_that_was_installed_again_keeps_its_entry_when_it_is_added(
    hass: HomeAssistant, server: Server, supervisor: Supervisor, entry: MockConfigEntry
) -> None:
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, unique_id=OTHER_ID, data={**entry.data, "slug": SLUG}
    )
    result = await send(hass, await menu_of(hass), next_step_id="app")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert (entry.unique_id, entry.data["token"]) == (SERVER_ID, server.token)


@pytest.mark.parametrize("supervised", [True, False])
async def test_entry_of_an_app_that_has_gone_can_be_removed(
    hass: HomeAssistant,
    supervisor: Supervisor,
    supervised: bool,  # noqa: FBT001 - a parameter
) -> None:
    result = await send(hass, await menu_of(hass), next_step_id="app")
    supervisor.fails = "stdin"
    if not supervised:
        hass.config.components.remove("hassio")
    assert await hass.config_entries.async_remove(result["result"].entry_id)
    assert hass.config_entries.async_entries(DOMAIN) == []
    assert [one["command"] for one in supervisor.commands] == ["pair"]


async def test_one_of_several_apps_is_chosen(
    hass: HomeAssistant, server: Server, supervisor: Supervisor
) -> None:
    supervisor.slugs = ["local_piper_hardened", SLUG]
    menu = await menu_of(hass)
    form = await send(hass, menu, next_step_id="app")
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "app")
    result = await send(hass, form, slug=SLUG)
    assert result["data"]["slug"] == SLUG


@pytest.mark.parametrize(("fails", "reason"), [("stdin", "cannot_pair"), ("start", "cannot_start")])
async def test_app_that_cannot_be_had_is_told(
    hass: HomeAssistant, supervisor: Supervisor, fails: str, reason: str
) -> None:
    supervisor.fails = fails
    supervisor.state = "stopped" if fails == "start" else "started"
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await send(hass, result, next_step_id="app")
    if result["type"] is FlowResultType.FORM:
        result = await send(hass, result)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, reason)


async def test_app_that_ignores_the_token_is_told(
    hass: HomeAssistant, server: Server, supervisor: Supervisor
) -> None:
    hass.data[TIMINGS] = Timings(pair=0.1)
    server.takes_commands = False
    menu = await menu_of(hass)
    result = await send(hass, menu, next_step_id="app")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "cannot_pair")


async def test_without_the_list_of_apps_a_server_can_be_added(
    hass: HomeAssistant, supervisor: Supervisor
) -> None:
    supervisor.fails = "list"
    await by_hand(hass)


def message(server: Server, **config: Any) -> HassioServiceInfo:
    told = {"host": "127.0.0.1", "port": 10200, "web_port": server.port, "api": 1}
    return HassioServiceInfo(
        config={**told, "server_id": server.server_id, "addon": "Piper", **config},
        name="Piper",
        slug=SLUG,
        uuid="1234",
    )


async def by_app(hass: HomeAssistant, info: HassioServiceInfo) -> Any:
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_HASSIO}, data=info
    )


async def test_app_that_announces_itself_is_added_by_one_click(
    hass: HomeAssistant, server: Server, supervisor: Supervisor
) -> None:
    form = await by_app(hass, message(server))
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "hassio_confirm")
    result = await send(hass, form)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["slug"] == SLUG
    again = await by_app(hass, message(server))
    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_app_at_another_address_keeps_its_entry(
    hass: HomeAssistant, server: Server, supervisor: Supervisor, entry: MockConfigEntry
) -> None:
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "host": "192.0.2.7"})
    result = await by_app(hass, message(server))
    assert result["reason"] == "already_configured"
    assert entry.data == {**address(server), "slug": SLUG}


async def test_app_that_was_installed_again_keeps_its_entry(
    hass: HomeAssistant, server: Server, supervisor: Supervisor, entry: MockConfigEntry
) -> None:
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, unique_id=OTHER_ID, data={**entry.data, "slug": SLUG}
    )
    result = await by_app(hass, message(server))
    assert result["reason"] == "already_configured"
    assert entry.unique_id == SERVER_ID
    assert hass.config_entries.async_entries(DOMAIN) == [entry]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"web_port": None}, "update_app"),
        ({"api": 2}, "update_app"),
        ({"web_port": 1}, "cannot_connect"),
    ],
)
async def test_announcement_of_an_app_that_does_not_fit_is_left_alone(
    hass: HomeAssistant,
    server: Server,
    supervisor: Supervisor,
    config: dict[str, Any],
    reason: str,
) -> None:
    result = await by_app(hass, message(server, **config))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, reason)
