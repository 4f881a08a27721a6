"""Opens Home Assistant's own ways to a Supervisor and from it, which else only those with one have.

That there is a Supervisor is told by the action `present`, for as long as a check needs it: much of
Home Assistant would ask it for more than it has here. `discover` passes an announcement on, as the
integration `hassio` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import voluptuous as vol
from homeassistant.components.hassio.const import DATA_COMPONENT
from homeassistant.components.hassio.handler import HassIO
from homeassistant.config_entries import SOURCE_HASSIO
from homeassistant.helpers import config_validation as cv, discovery_flow
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.service_info.hassio import HassioServiceInfo

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant, ServiceCall
    from homeassistant.helpers.typing import ConfigType

DOMAIN = "supervisor_opener"

CONFIG_SCHEMA = vol.Schema({DOMAIN: {vol.Required("supervisor"): cv.string}}, extra=vol.ALLOW_EXTRA)
PRESENT = vol.Schema({vol.Required("there"): cv.boolean})
DISCOVER = vol.Schema(
    {vol.Required("service"): cv.string, vol.Required("config"): dict, vol.Required("slug"): str}
)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Talk to the Supervisor at HOST:PORT."""
    supervisor = config[DOMAIN]["supervisor"]
    hass.data[DATA_COMPONENT] = HassIO(hass.loop, async_get_clientsession(hass), supervisor)

    async def present(call: ServiceCall) -> None:
        components = hass.config.components
        (components.add if call.data["there"] else components.remove)("hassio")

    async def discover(call: ServiceCall) -> None:
        service, slug = call.data["service"], call.data["slug"]
        discovery_flow.async_create_flow(
            hass,
            service,
            context={"source": SOURCE_HASSIO},
            data=HassioServiceInfo(
                config={**call.data["config"], "addon": "Piper Hardened"},
                name="Piper Hardened",
                slug=slug,
                uuid=f"{slug}-{service}",
            ),
            discovery_key=discovery_flow.DiscoveryKey(
                domain="hassio", key=f"{slug}-{service}", version=1
            ),
        )

    hass.services.async_register(DOMAIN, "present", present, PRESENT)
    hass.services.async_register(DOMAIN, "discover", discover, DISCOVER)
    return True
