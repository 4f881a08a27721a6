"""Buttons that repair."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from homeassistant.components.button import (
    ButtonDeviceClass,
    ButtonEntity,
    ButtonEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .calls import async_run_job, errors_translated
from .client import Action
from .coordinator import PiperHardenedConfigEntry, PiperHardenedCoordinator
from .entity import PiperHardenedEntity

PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class PiperHardenedButtonDescription(ButtonEntityDescription):
    """A button and what it does."""

    press: Callable[[PiperHardenedCoordinator], Awaitable[object]]


BUTTONS = (
    PiperHardenedButtonDescription(
        key="repair_default_voice",
        translation_key="repair_default_voice",
        entity_category=EntityCategory.CONFIG,
        press=lambda coordinator: async_run_job(
            coordinator, Action.REPAIR, coordinator.data.state.voice
        ),
    ),
    PiperHardenedButtonDescription(
        key="restart_workers",
        translation_key="restart_workers",
        device_class=ButtonDeviceClass.RESTART,
        entity_category=EntityCategory.CONFIG,
        press=lambda coordinator: coordinator.client.restart_workers(),
    ),
    PiperHardenedButtonDescription(
        key="reset_breaker",
        translation_key="reset_breaker",
        entity_category=EntityCategory.CONFIG,
        press=lambda coordinator: coordinator.client.reset_breaker(),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PiperHardenedConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons of a server."""
    async_add_entities(PiperHardenedButton(entry.runtime_data, one) for one in BUTTONS)


class PiperHardenedButton(PiperHardenedEntity, ButtonEntity):
    """One button."""

    entity_description: PiperHardenedButtonDescription

    async def async_press(self) -> None:
        """Do it; return when it is done."""
        with errors_translated():
            await self.entity_description.press(self.coordinator)
