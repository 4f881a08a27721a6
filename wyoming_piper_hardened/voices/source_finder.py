"""Where a voice of a given name can be had."""

from __future__ import annotations

import contextlib
from pathlib import Path

from ..catalogue.current import CurrentCatalogue
from ..errors import VoiceError, VoiceNotFoundError
from ..store.voice import is_voice_name
from .hub_source import HubSource, hub_label
from .sources import Source, custom_source, package_source


class SourceFinder:
    """Looks in the user's own folders, then in the embedded package, then in the catalogue.

    Args:
        catalogue: what the hub has.
        custom_voice_dirs: the user's own folders.
    """

    def __init__(
        self, catalogue: CurrentCatalogue, custom_voice_dirs: tuple[Path, ...] = ()
    ) -> None:
        self.catalogue = catalogue
        self._custom_voice_dirs = custom_voice_dirs

    def find(self, name: str) -> Source:
        """The source of a voice by its name or an alias of the catalogue. Blocks on the disk.

        Raises:
            VoiceNotFoundError: nobody has such a voice; names similar ones.
        """
        for model in self.custom_models(name):
            with contextlib.suppress(VoiceError):
                return custom_source(model)
        packaged = package_source()
        if packaged is not None and packaged.voice == name:
            return packaged
        entry = self.catalogue.read().find(name)
        return HubSource(
            self.catalogue.hub, entry.name, hub_label(entry), entry.size, self.catalogue.adopt
        )

    def find_if_any(self, name: str) -> Source | None:
        """The same; ``None`` if nobody has it."""
        with contextlib.suppress(VoiceNotFoundError):
            return self.find(name)
        return None

    def custom_models(self, name: str) -> list[Path]:
        """The models of that name in the user's own folders. Blocks on the disk."""
        if not is_voice_name(name):
            return []
        models = (folder / f"{name}.onnx" for folder in self._custom_voice_dirs)
        return [model for model in models if model.is_file()]
