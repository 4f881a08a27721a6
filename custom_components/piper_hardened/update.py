"""Newer versions of voices."""

from __future__ import annotations

from typing import Any

from homeassistant.components.update import (
    UpdateEntity,
    UpdateEntityDescription,
    UpdateEntityFeature,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .calls import async_run_job
from .client import Action, InstalledVoice
from .const import DOMAIN
from .coordinator import PiperHardenedConfigEntry, PiperHardenedCoordinator
from .entity import PiperHardenedEntity

PARALLEL_UPDATES = 1

_PREFIX = "voice_"


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PiperHardenedConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add an entity for each voice of the repository; add and remove them as voices come and go."""
    coordinator = entry.runtime_data
    known: set[str] = set()

    @callback
    def follow() -> None:
        if not coordinator.last_update_success:
            return
        voices = {one.name for one in coordinator.data.state.voices if one.version is not None}
        known.intersection_update(voices)
        _remove_others(hass, coordinator, voices)
        async_add_entities(VoiceUpdate(coordinator, name) for name in sorted(voices - known))
        known.update(voices)

    follow()
    entry.async_on_unload(coordinator.async_add_listener(follow))


@callback
def _remove_others(
    hass: HomeAssistant, coordinator: PiperHardenedCoordinator, voices: set[str]
) -> None:
    registry = er.async_get(hass)
    wanted = {f"{coordinator.server_id}_{_PREFIX}{name}" for name in voices}
    for entity in er.async_entries_for_config_entry(registry, coordinator.config_entry.entry_id):
        ours = (entity.domain, entity.platform) == ("update", DOMAIN)
        if ours and entity.unique_id not in wanted:
            registry.async_remove(entity.entity_id)


class VoiceUpdate(PiperHardenedEntity, UpdateEntity):
    """A voice of the repository that is installed."""

    _attr_supported_features = UpdateEntityFeature.INSTALL | UpdateEntityFeature.PROGRESS

    def __init__(self, coordinator: PiperHardenedCoordinator, voice: str) -> None:
        super().__init__(
            coordinator,
            UpdateEntityDescription(
                key=f"{_PREFIX}{voice}",
                translation_key="voice",
                translation_placeholders={"voice": voice},
                entity_category=EntityCategory.CONFIG,
            ),
        )
        self._voice = voice
        self._attr_title = voice

    @property
    def available(self) -> bool:
        """Return whether the voice is known to be there."""
        return super().available and self._installed is not None

    @property
    def installed_version(self) -> str | None:
        """Return the name of the installed files."""
        return None if (voice := self._installed) is None else voice.version

    @property
    def latest_version(self) -> str | None:
        """Return the name of the repository's files; those that are installed if it has none."""
        voice = self._installed
        return None if voice is None else voice.available_version or voice.version

    def version_is_newer(self, latest_version: str, installed_version: str) -> bool:
        """Return whether they differ: they are names of files, and have no order."""
        return latest_version != installed_version

    @property
    def in_progress(self) -> bool:
        """Return whether the voice is being installed."""
        return self.coordinator.job_of(self._voice, Action.INSTALL) is not None

    @property
    def update_percentage(self) -> int | None:
        """Return how much of it has been fetched, if that is known."""
        job = self.coordinator.job_of(self._voice, Action.INSTALL)
        if job is None or not 0 <= job.done <= job.total or job.total == 0:
            return None
        return 100 * job.done // job.total

    async def async_install(self, version: str | None, backup: bool, **kwargs: Any) -> None:
        """Install the repository's files; return when they speak."""
        await async_run_job(self.coordinator, Action.INSTALL, self._voice)

    @property
    def _installed(self) -> InstalledVoice | None:
        voices = self.coordinator.data.state.voices
        return next((one for one in voices if one.name == self._voice), None)
