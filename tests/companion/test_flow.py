"""Adding a server by hand and by zeroconf."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from homeassistant.config_entries import SOURCE_ZEROCONF, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.piper_hardened.address import Address

from .flows import DOMAIN, OTHER_ID, address, by_hand, send
from .server import SERVER_ID, Server, refusal


async def test_server_is_added_by_hand(hass: HomeAssistant, server: Server) -> None:
    form = await by_hand(hass)
    result = await send(hass, form, **address(server, host=" [127.0.0.1] "))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Piper"
    assert result["data"] == address(server)
    assert result["result"].unique_id == SERVER_ID
    await hass.async_block_till_done()
    assert result["result"].state is ConfigEntryState.LOADED
    again = await send(hass, await by_hand(hass), **address(server))
    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_configured")


@pytest.mark.parametrize(
    ("change", "field", "error"),
    [
        ({"token": "wrong"}, "token", "invalid_auth"),
        ({"token": ""}, "token", "invalid_auth"),
        ({"port": 1}, "base", "cannot_connect"),
        ({"host": "a b"}, "host", "invalid_host"),
        ({"host": "::1"}, "base", "cannot_connect"),
    ],
)
async def test_wrong_address_keeps_the_form_and_can_be_mended(
    hass: HomeAssistant, server: Server, change: dict[str, Any], field: str, error: str
) -> None:
    wrong = address(server, **change)
    result = await send(hass, await by_hand(hass), **wrong)
    assert (result["type"], result["errors"]) == (FlowResultType.FORM, {field: error})
    suggested = {
        str(key): (key.description or {}).get("suggested_value")
        for key in result["data_schema"].schema
    }
    assert suggested["host"] == wrong["host"]
    result = await send(hass, result, **address(server))
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("info", "error"),
    [
        ({"api": 2}, "unsupported_api"),
        ({"features": []}, "unsupported_api"),
        ({"api": None}, "not_piper_hardened"),
    ],
)
async def test_other_servers_and_versions_are_named(
    hass: HomeAssistant, server: Server, info: dict[str, Any], error: str
) -> None:
    server.info |= info
    result = await send(hass, await by_hand(hass), **address(server))
    assert result["errors"] == {"base": error}


async def test_wyoming_port_is_no_web_server(hass: HomeAssistant, server: Server) -> None:
    import asyncio  # noqa: PLC0415

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b'{"type": "error", "data": {}}\n')
        writer.close()

    wyoming = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with wyoming:
        port = wyoming.sockets[0].getsockname()[1]
        result = await send(hass, await by_hand(hass), **address(server, port=port))
    assert result["errors"] == {"base": "not_piper_hardened"}


ANSWERS = {
    "a page": web.Response(text="<html>", content_type="text/html"),
    "a list": web.json_response([1]),
    "an object": web.json_response({}),
    "no page": web.Response(status=404, text="nothing here"),
    "no object of ours": web.json_response({"error": "no"}, status=500),
    "an error of ours": refusal(500, "internal-error", "x"),
    "no access": web.Response(status=403, text="go away"),
    "another address": web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    "more than it may": web.Response(body=b" " * (9 << 20), content_type="application/json"),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_whoever_else_answers_is_not_taken_for_ours(hass: HomeAssistant, name: str) -> None:
    answer = ANSWERS[name]
    headers = {key: answer.headers[key] for key in answer.headers if key != "Content-Length"}

    async def handle(_: web.Request) -> web.Response:
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    async with TestServer(application) as other:
        result = await send(hass, await by_hand(hass), host="127.0.0.1", port=other.port)
    assert result["errors"] == {"base": "not_piper_hardened"}


async def test_server_that_may_only_be_looked_at_is_added_at_the_second_try(
    hass: HomeAssistant, server: Server
) -> None:
    server.token, server.may_change = None, False
    server.info["auth"] = "none"
    given = {"host": "127.0.0.1", "port": server.port}
    result = await send(hass, await by_hand(hass), **given)
    assert result["errors"] == {"base": "read_only"}
    result = await send(hass, result, **given)
    assert result["type"] is FlowResultType.CREATE_ENTRY


def found(server: Server, **properties: str) -> ZeroconfServiceInfo:
    return ZeroconfServiceInfo(
        ip_address=ip_address("127.0.0.1"),
        ip_addresses=[ip_address("127.0.0.1")],
        port=server.port,
        hostname="piper.local.",
        type="_piper-hardened._tcp.local.",
        name="Piper._piper-hardened._tcp.local.",
        properties={"server_id": SERVER_ID, "version": "0.1.0", "api": "1", **properties},
    )


async def by_zeroconf(hass: HomeAssistant, info: ZeroconfServiceInfo) -> Any:
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_ZEROCONF}, data=info
    )


async def test_server_of_the_network_is_added_with_its_token(
    hass: HomeAssistant, server: Server
) -> None:
    result = await by_zeroconf(hass, found(server, auth="token"))
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "zeroconf_confirm")
    result = await send(hass, result)
    assert result["errors"] == {"token": "invalid_auth"}
    result = await send(hass, result, token=server.token)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == address(server)


async def test_known_server_of_the_network_gets_its_new_address(
    hass: HomeAssistant, server: Server, entry: MockConfigEntry
) -> None:
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "host": "192.0.2.7"})
    result = await by_zeroconf(hass, found(server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data["host"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"api": "2"}, "unsupported_api"),
        ({"server_id": OTHER_ID}, "not_piper_hardened"),
    ],
)
async def test_announcement_that_does_not_fit_is_left_alone(
    hass: HomeAssistant, server: Server, properties: dict[str, str], reason: str
) -> None:
    result = await by_zeroconf(hass, found(server, **properties))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, reason)


async def test_announced_server_that_does_not_answer_is_left_alone(
    hass: HomeAssistant, server: Server
) -> None:
    await server.stop()
    result = await by_zeroconf(hass, found(server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "cannot_connect")


async def test_server_without_an_id_is_known_by_its_address(
    hass: HomeAssistant, server: Server
) -> None:
    server.info["server_id"] = server.state["server_id"] = None
    result = await send(hass, await by_hand(hass), **address(server))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id is None
    again = await send(hass, await by_hand(hass), **address(server))
    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_configured")


def test_brackets_of_ipv6_are_no_part_of_an_address() -> None:
    assert Address.of({"host": "[fd00::1]", "port": 8099}) == Address("fd00::1", 8099)
