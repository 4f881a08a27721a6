"""Figures of a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory, UnitOfInformation, UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import Data, PiperHardenedConfigEntry
from .entity import PiperHardenedEntity

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PiperHardenedSensorDescription(SensorEntityDescription):
    """A sensor and where its value and its attributes are."""

    value: Callable[[Data], str | float | datetime | None]
    attributes: Callable[[Data], Mapping[str, Any]] | None = None


def _first_audio(data: Data) -> float | None:
    seconds = data.counters.first_audio
    return None if seconds is None else round(1000 * seconds)


def _started(data: Data) -> datetime | None:
    started = data.state.started_at
    return datetime.fromtimestamp(round(started), UTC) if 0 < started < 1 << 40 else None


SENSORS = (
    PiperHardenedSensorDescription(
        key="voice",
        translation_key="voice",
        value=lambda data: data.state.speaks,
        attributes=lambda data: {"configured": data.state.voice},
    ),
    PiperHardenedSensorDescription(
        key="open_issues",
        translation_key="open_issues",
        entity_category=EntityCategory.DIAGNOSTIC,
        value=lambda data: len(data.state.issues),
    ),
    PiperHardenedSensorDescription(
        key="first_audio",
        translation_key="first_audio",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.MILLISECONDS,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        value=_first_audio,
    ),
    PiperHardenedSensorDescription(
        key="queue",
        translation_key="queue",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value=lambda data: data.counters.queue,
    ),
    PiperHardenedSensorDescription(
        key="workers_running",
        translation_key="workers_running",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value=lambda data: data.state.workers_running,
    ),
    PiperHardenedSensorDescription(
        key="worker_restarts",
        translation_key="worker_restarts",
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_category=EntityCategory.DIAGNOSTIC,
        value=lambda data: data.state.worker_restarts,
    ),
    PiperHardenedSensorDescription(
        key="requests",
        translation_key="requests",
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value=lambda data: data.counters.requests,
    ),
    PiperHardenedSensorDescription(
        key="failed_requests",
        translation_key="failed_requests",
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_category=EntityCategory.DIAGNOSTIC,
        value=lambda data: data.counters.failed_requests,
    ),
    PiperHardenedSensorDescription(
        key="memory",
        translation_key="memory",
        device_class=SensorDeviceClass.DATA_SIZE,
        native_unit_of_measurement=UnitOfInformation.MEBIBYTES,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value=lambda data: data.counters.memory,
    ),
    PiperHardenedSensorDescription(
        key="started",
        translation_key="started",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value=_started,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PiperHardenedConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the entities of a server."""
    async_add_entities(PiperHardenedSensor(entry.runtime_data, one) for one in SENSORS)


class PiperHardenedSensor(PiperHardenedEntity, SensorEntity):
    """One figure."""

    entity_description: PiperHardenedSensorDescription

    @property
    def native_value(self) -> str | float | datetime | None:
        """Return the newest value."""
        return self.entity_description.value(self.coordinator.data)

    @property
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return what belongs to the value."""
        attributes = self.entity_description.attributes
        return None if attributes is None else attributes(self.coordinator.data)
