"""Diagnostics, system health and the log: what they tell, and what not."""

from __future__ import annotations

import pytest
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import get_system_health_info

from custom_components.piper_hardened.diagnostics import async_get_config_entry_diagnostics

from .server import JOE, Server
from .waiting import until


async def test_diagnostics_have_no_secret(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    found = await async_get_config_entry_diagnostics(hass, loaded)
    assert found["state"]["voice"] == JOE
    assert found["entry"]["token"] == "**REDACTED**"  # noqa: S105 - not one
    assert "127.0.0.1" not in str(found)
    assert str(server.token) not in str(found)


async def test_system_health_counts_servers(hass: HomeAssistant, loaded: ConfigEntry) -> None:
    assert await async_setup_component(hass, "system_health", {})
    await hass.async_block_till_done()
    assert await get_system_health_info(hass, "piper_hardened") == {
        "servers": 1,
        "connected": 1,
        "versions": "0.1.0",
        "can_speak": 1,
        "open_issues": 0,
    }


async def test_log_has_no_secret(
    hass: HomeAssistant,
    loaded: ConfigEntry,
    server: Server,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await server.stop()
    await until(lambda: hass.states.is_state("binary_sensor.piper_speech", "unavailable"))
    assert str(server.token) not in caplog.text
