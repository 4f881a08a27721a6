"""The voice of requests that name none: the setting's, or one chosen while the server runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ...errors import StoreError, VoiceNotFoundError
from ...reporting.events import Event
from ...system.aio import Notifier
from ...system.kept_json import KeptJson
from ...voices.library import Library
from ..presets import Presets

_LOGGER = logging.getLogger(__name__)
_FILE = "default-voice.json"
_MAX_BYTES = 4096
_MAX_NAME = 200


class DefaultOrigin(StrEnum):
    """Where the default voice comes from."""

    SETTING = "setting"
    CHOICE = "choice"
    """Somebody chose it while the server ran."""


@dataclass(frozen=True, slots=True)
class ShownDefault:
    """The voice of requests that name none."""

    name: str
    """That of a voice or of a preset."""
    voice: str
    """The voice itself, which is the preset's if it is one."""
    origin: DefaultOrigin
    setting: str
    """The value of the setting `voice`."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """A choice, and the setting that it was made against."""

    name: str
    setting: str


class DefaultVoice:
    """Decides which voice or preset is the default, and keeps what was chosen.

    A choice wins until the setting is another one than when it was made.

    Args:
        setting: the value of the setting `voice`; the name of a voice or of a preset.
        library: the installed voices.
        presets: voices with options of their own.
        data_dir: the folder of the choice's file.
    """

    def __init__(self, setting: str, library: Library, presets: Presets, data_dir: Path) -> None:
        self._setting = setting
        self._library = library
        self._presets = presets
        self._kept = KeptJson(data_dir / _FILE, _MAX_BYTES)
        self._choice: str | None = None
        self._lock = asyncio.Lock()
        self.changes = Notifier()
        """Notified when another default is chosen."""
        self.apply()

    @property
    def name(self) -> str:
        """The name of the default: that of a voice or of a preset."""
        return self._setting if self._choice is None else self._choice

    def show(self) -> ShownDefault:
        """Return the default, and where it comes from."""
        origin = DefaultOrigin.SETTING if self._choice is None else DefaultOrigin.CHOICE
        return ShownDefault(self.name, self._library.wanted, origin, self._setting)

    async def read(self) -> None:
        """Take the choice of an earlier run, unless the setting has been changed since."""
        kept = await asyncio.to_thread(self._kept.read, _checked)
        if kept is None:
            return
        if kept.setting == self._setting:
            self._choice = kept.name
            self.apply()
            return
        if kept.name != self._setting:  # else the app's option has followed the choice
            event = Event("default-voice-choice-over", voice=self._setting, choice=kept.name)
            _LOGGER.info(event)
        with contextlib.suppress(StoreError):
            await self._kept.write(None)

    async def choose(self, name: str) -> None:
        """Make an installed voice or a preset the default, from the next request on.

        Raises:
            VoiceNotFoundError: there is no such voice or preset, or its voice is not installed.
            VoiceUnavailableError: the voice is out of order.
            NoSpaceError, StoreError: it cannot be kept, so nothing has changed.
        """
        async with self._lock:
            await self._choose(self._known(name))

    async def forget(self) -> None:
        """Leave it to the setting again.

        Raises:
            NoSpaceError, StoreError: the disk refuses, so nothing has changed.
        """
        async with self._lock:
            await self._choose(self._setting)

    def apply(self) -> None:
        """Tell the library and the presets; to be called after every change of a preset."""
        preset = self._presets.find(self.name)
        self._presets.set_default(None if preset is None else preset.name)
        if preset is not None:
            self._library.set_default(preset.voice)
        else:
            self._library.set_default(self._choice)

    async def _choose(self, name: str) -> None:
        choice = None if name == self._setting else name
        value = None if choice is None else asdict(_Choice(choice, self._setting))
        if choice != self._choice:
            await self._kept.write(value)
            self._choice = choice
            self.apply()
            _LOGGER.info(Event("default-voice-chosen", voice=name))
            self.changes.notify()

    def _known(self, name: str) -> str:
        """Return the name of a voice or preset that can be the default, as it is written."""
        if (preset := self._presets.find(name)) is not None:
            self._library.find(preset.voice)
            return preset.name
        if not name.strip():
            raise VoiceNotFoundError("there is no voice without a name")
        return self._library.find(name).name


def _checked(value: Any) -> _Choice:
    """Return what was kept; raises ValueError."""
    if not isinstance(value, dict) or set(value) != {"name", "setting"}:
        raise ValueError("it is no object with a name and a setting")
    for text in value.values():
        if not isinstance(text, str) or not 0 < len(text) <= _MAX_NAME or not text.isprintable():
            raise ValueError("a name in it is none")
    return _Choice(**value)
