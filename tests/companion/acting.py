"""Calls of actions."""

from __future__ import annotations

from typing import Any

from homeassistant.core import HomeAssistant

DOMAIN = "piper_hardened"


async def act(hass: HomeAssistant, action: str, /, **data: Any) -> Any:
    """Call an action whose response is wanted."""
    return await hass.services.async_call(DOMAIN, action, data, blocking=True, return_response=True)


async def do(hass: HomeAssistant, action: str, /, **data: Any) -> None:
    """Call an action without a response."""
    await hass.services.async_call(DOMAIN, action, data, blocking=True)
