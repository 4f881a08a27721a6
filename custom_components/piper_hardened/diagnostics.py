"""What a person may send with a question: no token, no address, nothing that was spoken."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_HOST, CONF_TOKEN
from homeassistant.core import HomeAssistant

from .coordinator import PiperHardenedConfigEntry

_REDACTED = {CONF_HOST, CONF_TOKEN}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: PiperHardenedConfigEntry
) -> dict[str, Any]:
    """Return the entry and the newest state of its server."""
    coordinator = entry.runtime_data
    error = coordinator.last_exception
    info = {**asdict(coordinator.info), "features": sorted(coordinator.info.features)}
    return {
        "entry": async_redact_data(dict(entry.data), _REDACTED),
        "info": info,
        "may_change": coordinator.may_change,
        "connected": coordinator.last_update_success,
        "last_error": type(error).__name__ if error is not None else None,
        "state": asdict(coordinator.data.state),
        "counters": asdict(coordinator.data.counters),
    }
