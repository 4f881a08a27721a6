"""Looks after wyoming-piper-hardened: whether speech works, what is wrong, and its repair.

Speech itself comes by the Wyoming integration.
"""

from __future__ import annotations

from homeassistant.const import CONF_HOST, CONF_PORT, CONF_TOKEN, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.typing import ConfigType

from .actions import async_register_actions
from .client import Client
from .const import CONF_SLUG, DOMAIN
from .coordinator import PiperHardenedConfigEntry, PiperHardenedCoordinator
from .issues import IssueMirror, async_delete_issues
from .supervisor import async_unpair
from .timings import timings_of

PLATFORMS = (
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.UPDATE,
)

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions."""
    async_register_actions(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: PiperHardenedConfigEntry) -> bool:
    """Connect to a server and follow it."""
    data, timings = entry.data, timings_of(hass)
    client = Client(
        async_get_clientsession(hass),
        data[CONF_HOST],
        data[CONF_PORT],
        data.get(CONF_TOKEN),
        timings.client,
    )
    coordinator = PiperHardenedCoordinator(hass, entry, client, timings)
    await coordinator.async_config_entry_first_refresh()
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    IssueMirror(hass, coordinator).async_start()
    coordinator.async_start()
    return True


async def async_unload_entry(hass: HomeAssistant, entry: PiperHardenedConfigEntry) -> bool:
    """Stop to follow a server; its issues stay, unless the entry is being disabled."""
    unloaded = await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
    if unloaded and entry.disabled_by is not None:
        async_delete_issues(hass, entry)
    return unloaded


async def async_remove_entry(hass: HomeAssistant, entry: PiperHardenedConfigEntry) -> None:
    """Delete the issues of a server, and have the app forget our token."""
    async_delete_issues(hass, entry)
    if slug := entry.data.get(CONF_SLUG):
        await async_unpair(hass, slug)
