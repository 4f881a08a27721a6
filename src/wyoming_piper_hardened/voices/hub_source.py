"""A voice of the hub as a source: catalogue entry and files from one commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .catalogue import Catalogue, refresh
from .download import download
from .hub import Hub
from .hub_settings import HubSettings

HUB = "hub"

Progress = Callable[[str, int, int], None]
"""Gets a file's name, its bytes so far and all of them."""


@dataclass(frozen=True, slots=True)
class HubSource:
    """Fetches a voice that the catalogue knows; the hub is asked for its newest catalogue first."""

    settings: HubSettings
    voice: str
    label: str
    model_bytes: int
    on_progress: Progress | None = None

    async def place(self, stage: Path) -> None:
        """Download model and configuration, each verified against the catalogue.

        Raises:
            DownloadError: why not, and what to do.
            CatalogueError: the hub's catalogue is not to be believed.
            VoiceNotFoundError: the hub has the voice no longer.
        """
        async with Hub(self.settings) as hub:
            catalogue = await refresh(hub)
            assert catalogue.commit is not None
            entry = catalogue.find(self.voice)
            for file, suffix in ((entry.config, ".onnx.json"), (entry.model, ".onnx")):
                target = stage / f"{self.voice}{suffix}"
                await download(hub, file, catalogue.commit, target, self._reporter(target.name))

    def _reporter(self, name: str) -> Callable[[int, int], None] | None:
        report = self.on_progress
        return None if report is None else lambda done, total: report(name, done, total)


def hub_source(
    catalogue: Catalogue, settings: HubSettings, name: str, on_progress: Progress | None = None
) -> HubSource:
    """The source of a voice by its name or an alias.

    Raises:
        VoiceNotFoundError: the catalogue has no such voice; names similar ones.
    """
    entry = catalogue.find(name)
    label = f"{HUB}:{entry.model.md5}"
    return HubSource(settings, entry.name, label, entry.size, on_progress)
