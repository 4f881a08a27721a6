"""What was done to voices."""

from __future__ import annotations

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .client import Action, FinishedJob, Outcome
from .coordinator import PiperHardenedConfigEntry
from .entity import PiperHardenedEntity

PARALLEL_UPDATES = 0

_DONE = {Action.INSTALL: "installed", Action.REPAIR: "repaired", Action.REMOVE: "removed"}

VOICE_WORK = EventEntityDescription(
    key="voice_work",
    translation_key="voice_work",
    event_types=[*_DONE.values(), "failed", "cancelled"],
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PiperHardenedConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the entity of a server."""
    async_add_entities([VoiceWork(entry.runtime_data, VOICE_WORK)])


class VoiceWork(PiperHardenedEntity, EventEntity):
    """An event for every job on a voice that ends."""

    async def async_added_to_hass(self) -> None:
        """Follow the jobs."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_on_finished(self._finished))

    @callback
    def _finished(self, job: FinishedJob) -> None:
        match job.outcome:
            case Outcome.DONE:
                kind = _DONE.get(job.action)
            case Outcome.CANCELLED:
                kind = "cancelled"
            case _:
                kind = "failed"
        if kind is not None:  # a voice that was verified has not changed
            self._trigger_event(
                kind, {"voice": job.voice, "action": str(job.action), "code": job.code}
            )
            self.async_write_ha_state()
