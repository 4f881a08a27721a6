"""Steps of config flows."""

from __future__ import annotations

from typing import Any

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .server import Server

DOMAIN, SLUG = "piper_hardened", "0123abcd_piper_hardened"
OTHER_ID = "f" * 32


async def by_hand(hass: HomeAssistant) -> dict[str, Any]:
    """Return the form for a server somewhere else."""
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "server")
    return result


def address(server: Server, **changed: Any) -> dict[str, Any]:
    """Return the data of the server's entry."""
    return {"host": "127.0.0.1", "port": server.port, "token": server.token, **changed}


async def send(hass: HomeAssistant, result: Any, **data: Any) -> Any:
    """Send a form or a choice; return what comes next."""
    return await hass.config_entries.flow.async_configure(result["flow_id"], data)
