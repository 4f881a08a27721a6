"""Fixtures of the integration's tests, which run beside a real Home Assistant."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from homeassistant.components.hassio.const import DATA_COMPONENT
from homeassistant.components.hassio.handler import HassIO
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_socket import socket_allow_hosts

import custom_components.piper_hardened as _  # noqa: F401 - the plugin looks for the package
from custom_components.piper_hardened.timings import TIMINGS, Timings

from .flows import SLUG
from .server import Server
from .supervisor import Supervisor

DOMAIN = "piper_hardened"


@pytest.fixture(autouse=True)
def _enabled(enable_custom_integrations: None, socket_enabled: None) -> None:
    """Let the integration be found, and talk to loopback."""
    socket_allow_hosts(["127.0.0.1", "::1"])


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Return a server that answers as the real one does."""
    server = Server()
    async with server.listening():
        yield server


@pytest.fixture
def entry(server: Server) -> MockConfigEntry:
    """Return the entry of the server, not loaded yet."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="Piper",
        unique_id=server.server_id,
        data={"host": "127.0.0.1", "port": server.port, "token": server.token},
    )


@pytest.fixture
def timings() -> Timings:
    """Return the timings of the loaded entry; a test can be parametrised with others."""
    return Timings()


@pytest.fixture
async def loaded(hass: HomeAssistant, entry: MockConfigEntry, timings: Timings) -> ConfigEntry:
    """Return the entry, loaded."""
    hass.data[TIMINGS] = timings
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


@pytest.fixture
async def supervisor(hass: HomeAssistant, server: Server) -> AsyncIterator[Supervisor]:
    """Return a Supervisor, known to Home Assistant, whose one app is the server."""
    server.info["auth"] = "none"
    supervisor = Supervisor([SLUG], server.port, server.take_command)
    async with supervisor.listening() as port:
        session = async_get_clientsession(hass)
        hass.data[DATA_COMPONENT] = HassIO(hass.loop, session, f"127.0.0.1:{port}")
        hass.config.components.add("hassio")
        yield supervisor
