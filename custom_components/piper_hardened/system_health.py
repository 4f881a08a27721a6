"""One page for all servers."""

from __future__ import annotations

from typing import Any

from homeassistant.components import system_health
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .coordinator import PiperHardenedConfigEntry


@callback
def async_register(hass: HomeAssistant, register: system_health.SystemHealthRegistration) -> None:
    """Register what is shown."""
    register.async_register_info(_info)


async def _info(hass: HomeAssistant) -> dict[str, Any]:
    entries: list[PiperHardenedConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    servers = [entry.runtime_data for entry in entries]
    connected = [server for server in servers if server.last_update_success]
    return {
        "servers": len(servers),
        "connected": len(connected),
        "versions": ", ".join(sorted({server.data.state.version for server in servers})) or "-",
        "can_speak": sum(server.data.state.ready for server in connected),
        "open_issues": sum(len(server.data.state.issues) for server in servers),
    }
