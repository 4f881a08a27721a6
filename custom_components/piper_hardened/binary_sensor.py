"""Whether speech works."""

from __future__ import annotations

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PiperHardenedConfigEntry
from .entity import PiperHardenedEntity

PARALLEL_UPDATES = 0

SPEECH = BinarySensorEntityDescription(
    key="speech", translation_key="speech", device_class=BinarySensorDeviceClass.PROBLEM
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PiperHardenedConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the entity of a server."""
    async_add_entities([SpeechSensor(entry.runtime_data, SPEECH)])


class SpeechSensor(PiperHardenedEntity, BinarySensorEntity):
    """On when the default voice cannot speak."""

    @property
    def is_on(self) -> bool:
        """Return whether there is a problem."""
        return not self.coordinator.data.state.ready
