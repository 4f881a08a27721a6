"""Presets that are made while the server runs, beside those of the settings."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import voluptuous as vol

from ...catalogue.current import CurrentCatalogue
from ...config.presets import MOST, PRESETS, Preset
from ...reporting.events import Event
from ...system.kept_json import KeptJson
from ...voices.library import Library
from ..presets import Presets
from .default_voice import DefaultVoice
from .errors import (
    PresetExistsError,
    PresetFixedError,
    PresetNameTakenError,
    PresetNotFoundError,
    PresetsTooLargeError,
    TooManyPresetsError,
)

_LOGGER = logging.getLogger(__name__)
_FILE = "presets.json"
_MAX_BYTES = 1 << 20
_MOST_CHARACTERS = 50_000
"""Of all dictionaries together; so the file can be read, whatever they consist of."""


class PresetEditor:
    """Makes, changes and removes presets, and keeps them over restarts.

    Args:
        presets: those that are offered.
        library: the installed voices.
        default_voice: goes back to the setting when its preset is removed.
        catalogue: the voices of the repository, whose names are taken.
        data_dir: the folder of the presets' file.
    """

    def __init__(
        self,
        presets: Presets,
        library: Library,
        default_voice: DefaultVoice,
        catalogue: CurrentCatalogue,
        data_dir: Path,
    ) -> None:
        self._presets = presets
        self._library = library
        self._default_voice = default_voice
        self._catalogue = catalogue
        self._kept = KeptJson(data_dir / _FILE, _MAX_BYTES)
        self._lock = asyncio.Lock()

    async def read(self) -> None:
        """Take the presets of an earlier run."""
        kept = await asyncio.to_thread(self._kept.read, _checked)
        self._offer(kept or ())

    async def put(self, preset: Preset, *, create: bool = False) -> None:
        """Make a preset, or change the one of that name; it is offered at once.

        Args:
            preset: with values that are allowed.
            create: refuse a name that a preset has already.

        Raises:
            PresetNameTakenError: a voice is called like that.
            PresetFixedError: the settings have a preset of that name.
            PresetExistsError: there is one, and `create` was asked for.
            TooManyPresetsError: there may be no more.
            PresetsTooLargeError: the dictionaries of all are too long.
            VoiceNotFoundError: its voice is not installed.
            SpeakerNotFoundError: its voice has no such speaker.
            NoSpaceError, StoreError: it cannot be kept.
        """
        async with self._lock:
            before = self._presets.find_own(preset.name)
            self._check_name(preset)
            if before is not None and create:
                raise PresetExistsError(f"there is a preset {preset.name!r} already")
            if before is None and self._presets.count >= MOST:
                raise TooManyPresetsError(f"there are {MOST} presets; remove one of them")
            self._library.find(preset.voice).speaker_id(preset.speaker)
            own = [preset if one is before else one for one in self._presets.own]
            own = own if before is not None else [*own, preset]
            if sum(len(line) for one in own for line in one.dictionary) > _MOST_CHARACTERS:
                raise PresetsTooLargeError(
                    f"all dictionaries of presets have more than {_MOST_CHARACTERS} characters; "
                    "shorten one, or use dictionary.yaml"
                )
            await self._keep(own)
            _LOGGER.info(Event("preset-saved", preset=preset.name, voice=preset.voice))

    async def remove(self, name: str) -> None:
        """Remove a preset; if it is the default voice, that is the setting's again.

        Raises:
            PresetNotFoundError: there is none of that name.
            PresetFixedError: it is written in the settings.
            NoSpaceError, StoreError: the disk refuses.
        """
        async with self._lock:
            if self._presets.find_fixed(name) is not None:
                raise _fixed(name)
            if (preset := self._presets.find_own(name)) is None:
                raise PresetNotFoundError(f"there is no preset {name[:80]!r}")
            is_default = self._presets.find(self._default_voice.name) is preset
            await self._keep([one for one in self._presets.own if one is not preset])
            if is_default:
                await self._default_voice.forget()
            _LOGGER.info(Event("preset-removed", preset=preset.name))

    def _check_name(self, preset: Preset) -> None:
        name = preset.name
        if name == preset.voice:
            raise PresetNameTakenError(f"a preset cannot be called like its own voice, {name!r}")
        if name in self._library or self._catalogue.read().find_if_any(name) is not None:
            raise PresetNameTakenError(f"a voice is called {name!r}; choose another name")
        if any(one.voice == name for one in self._presets):
            raise PresetNameTakenError(f"a preset has a voice called {name!r}")
        if self._presets.find_fixed(name) is not None:
            raise _fixed(name)

    async def _keep(self, presets: list[Preset]) -> None:
        """Write the presets, then offer them."""
        await self._kept.write([_row(one) for one in presets] or None)
        self._offer(tuple(presets))

    def _offer(self, presets: tuple[Preset, ...]) -> None:
        self._presets.set_own(presets)
        self._default_voice.apply()


def _fixed(name: str) -> PresetFixedError:
    return PresetFixedError(f"the preset {name[:80]!r} is written in the settings; change it there")


def _row(preset: Preset) -> dict[str, Any]:
    return {key: value for key, value in asdict(preset).items() if value not in (None, ())}


def _checked(value: Any) -> tuple[Preset, ...]:
    """Return what was kept; raises ValueError."""
    try:
        presets: tuple[Preset, ...] = PRESETS(value)
    except vol.Invalid as err:
        raise ValueError(err.msg) from None
    return presets
