"""Opens Home Assistant's own ingress, which else only those with a Supervisor have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import voluptuous as vol
from homeassistant.components.hassio.ingress import HassIOIngress
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.aiohttp_client import async_get_clientsession

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.typing import ConfigType

DOMAIN = "ingress_opener"

CONFIG_SCHEMA = vol.Schema({DOMAIN: {vol.Required("supervisor"): cv.string}}, extra=vol.ALLOW_EXTRA)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Pass `/api/hassio_ingress/TOKEN/…` on to the Supervisor at HOST:PORT."""
    supervisor = config[DOMAIN]["supervisor"]
    hass.http.register_view(HassIOIngress(supervisor, async_get_clientsession(hass)))
    return True
