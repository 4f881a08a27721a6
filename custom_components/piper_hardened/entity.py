"""The base of all entities: one device, the server."""

from __future__ import annotations

from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import CONF_SLUG, DOMAIN
from .coordinator import PiperHardenedCoordinator


class PiperHardenedEntity(CoordinatorEntity[PiperHardenedCoordinator]):
    """An entity of the server.

    Args:
        coordinator: has its state.
        description: of the entity.
    """

    _attr_has_entity_name = True

    def __init__(
        self, coordinator: PiperHardenedCoordinator, description: EntityDescription
    ) -> None:
        super().__init__(coordinator)
        self.entity_description = description
        entry = coordinator.config_entry
        slug = entry.data.get(CONF_SLUG)
        self._attr_unique_id = f"{coordinator.server_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, coordinator.server_id)},
            entry_type=DeviceEntryType.SERVICE,
            name=entry.title,
            manufacturer="wyoming-piper-hardened",
            model="Home Assistant app" if slug else "Piper server",
            sw_version=coordinator.info.version,
            configuration_url=f"homeassistant://app/{slug}" if slug else coordinator.client.address,
        )
