"""A voice of the hub as a source: catalogue entry and files from one commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..catalogue.catalogue import Catalogue, refresh
from ..catalogue.entry import CatalogueVoice
from ..hub.client import Hub
from ..hub.download import download
from ..hub.settings import HubSettings
from .progress import Progress, Report, Step

HUB = "hub"


@dataclass(frozen=True, slots=True)
class HubSource:
    """Fetches a voice that the catalogue knows; the hub is asked for its newest catalogue first.

    `on_catalogue` gets that one, to be kept.
    """

    settings: HubSettings
    voice: str
    label: str
    model_bytes: int
    on_catalogue: Callable[[Catalogue], Awaitable[None]] | None = None

    async def place(self, stage: Path, report: Report) -> str:
        """Download model and configuration, each verified against the catalogue.

        Raises:
            DownloadError: why not, and what to do.
            CatalogueError: the hub's catalogue is not to be believed.
            VoiceNotFoundError: the hub has the voice no longer.
        """
        report(Progress(Step.FETCHING))
        async with Hub(self.settings) as hub:
            catalogue = await refresh(hub)
            if self.on_catalogue is not None:
                await self.on_catalogue(catalogue)
            assert catalogue.commit is not None
            entry = catalogue.find(self.voice)
            for file, suffix in ((entry.config, ".onnx.json"), (entry.model, ".onnx")):
                target = stage / f"{self.voice}{suffix}"
                told = partial(_report_bytes, report, target.name)
                await download(hub, file, catalogue.commit, target, told)
        return hub_label(entry)


def hub_label(entry: CatalogueVoice) -> str:
    """What a manifest keeps of a voice of the hub."""
    return f"{HUB}:{entry.model.md5}"


def _report_bytes(report: Report, name: str, done: int, total: int) -> None:
    report(Progress(Step.FETCHING, name, done, total))
