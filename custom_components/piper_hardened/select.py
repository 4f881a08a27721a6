"""The default voice, to be chosen."""

from __future__ import annotations

from homeassistant.components.select import SelectEntity, SelectEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .calls import errors_translated
from .coordinator import PiperHardenedConfigEntry
from .entity import PiperHardenedEntity

PARALLEL_UPDATES = 1

DEFAULT_VOICE = SelectEntityDescription(
    key="default_voice",
    translation_key="default_voice",
    entity_category=EntityCategory.CONFIG,
)
_FEATURE = "default-voice"


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PiperHardenedConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the choice, if the server lets its default voice be chosen."""
    if _FEATURE in entry.runtime_data.info.features:
        async_add_entities([PiperHardenedDefaultVoice(entry.runtime_data, DEFAULT_VOICE)])


class PiperHardenedDefaultVoice(PiperHardenedEntity, SelectEntity):
    """The voice or preset of requests that name none."""

    @property
    def options(self) -> list[str]:
        """Return the names of the installed voices, then of the presets."""
        state = self.coordinator.data.state
        return [*(voice.name for voice in state.voices), *state.presets]

    @property
    def current_option(self) -> str | None:
        """Return the default; ``None`` while it is not there to be chosen."""
        name = self.coordinator.data.state.default_voice
        return name if name in self.options else None

    async def async_select_option(self, option: str) -> None:
        """Have it speak from the next request on."""
        with errors_translated():
            await self.coordinator.client.set_default_voice(option)
