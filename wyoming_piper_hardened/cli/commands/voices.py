"""``voices``: install, move, verify, repair and remove voices; also beside a running server."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from ...composition import build_installer
from ...config.settings import Settings
from ...errors import HardenedError, VoiceError
from ...store.origin import OriginKind
from ...system.aio import run_stoppable
from ...voices.installation.installer import Installer
from ...voices.installation.sources import Source, SourceFinder, custom_source
from ...voices.library import embedded_name
from ...voices.offer.samples import Samples
from ...voices.offer.small_files import SmallFiles
from ...voices.transfer.bundle import open_bundle
from ...voices.transfer.export import bundle_of, write_bundle
from ...voices.transfer.mirror import Mirror
from ..codes import FAILED, OK
from ..progress import shown_progress
from ..streams import answer, note

_NEWEST_WAIT = 5.0  # seconds; what is installed speaks without


async def install(settings: Settings, parsed: argparse.Namespace) -> int:
    """Install voices by name."""
    installer = await _installer(settings)

    async def work(name: str) -> str:
        source = await installer.sources.search(name)
        before = await asyncio.to_thread(installer.store.serving, source.voice)
        if before is not None and source.origin.kind is OriginKind.HUB:
            source = await _newest(installer.sources, source)
        with shown_progress(source.voice) as report:
            voice = await installer.install(source, report)
        if voice.model.parent == before:
            return "is already installed"
        return f"installed in {voice.model.parent}"

    return await _each(settings, parsed.names, work)


async def _newest(sources: SourceFinder, known: Source) -> Source:
    """Return the source of an installed voice by the newest list, if that can be had."""
    with contextlib.suppress(VoiceError, TimeoutError):
        async with asyncio.timeout(_NEWEST_WAIT):
            await sources.catalogue.refresh_if_due()
            return await asyncio.to_thread(sources.find, known.voice)
    return known


async def import_files(settings: Settings, parsed: argparse.Namespace) -> int:
    """Install voices of one's own from models, and voices of other machines from bundles."""
    installer = await _installer(settings)

    async def work(name: str) -> str:
        path = Path(name)
        source: Source
        if path.suffix.lower() == ".onnx":
            source = await asyncio.to_thread(custom_source, path)
        else:
            source = await open_bundle(path)
        with shown_progress(source.voice) as report:
            voice = await installer.install(source, report)
        return f"installed as {voice.name} in {voice.model.parent}"

    return await _each(settings, [str(path) for path in parsed.paths], work)


async def export(settings: Settings, parsed: argparse.Namespace) -> int:
    """Write a voice into a bundle."""
    store = build_installer(settings).store

    async def work(name: str) -> str:
        bundle = await run_stoppable(partial(bundle_of, store, name))
        await run_stoppable(partial(write_bundle, bundle, parsed.file))
        return f"written to {parsed.file} ({bundle.size / 1e6:.0f} MB)"

    return await _each(settings, [parsed.name], work)


async def mirror(settings: Settings, parsed: argparse.Namespace) -> int:
    """Write voices into a folder that a web server serves as the voice repository."""
    installer = build_installer(settings)
    catalogue = installer.sources.catalogue
    files = SmallFiles(catalogue)
    folder = Mirror(parsed.folder, installer.store, catalogue, Samples(catalogue, files))

    async def work(name: str) -> str:
        with shown_progress(name) as report:
            await folder.add(name, report)
        return f"is in {parsed.folder}"

    try:
        return await _each(settings, parsed.names, work)
    finally:
        await files.close()


async def verify(settings: Settings, parsed: argparse.Namespace) -> int:
    """Read every byte of voices."""
    installer = await _installer(settings)

    async def work(name: str) -> str:
        if damage := await installer.verify(name):
            raise VoiceError("; ".join(map(str, damage)))
        return "is as it was installed"

    stored = await asyncio.to_thread(installer.store.names)
    names = parsed.names or dict.fromkeys((*stored, *embedded_name()))
    return await _each(settings, list(names), work)


async def repair(settings: Settings, parsed: argparse.Namespace) -> int:
    """Repair voices."""
    installer = await _installer(settings)

    async def work(name: str) -> str:
        with shown_progress(name) as report:
            return f"speaks from {(await installer.repair(name, report)).model.parent}"

    return await _each(settings, parsed.names, work)


async def remove(settings: Settings, parsed: argparse.Namespace) -> int:
    """Remove voices."""
    installer = await _installer(settings)

    async def work(name: str) -> str:
        await installer.remove(name)
        return "removed"

    return await _each(settings, parsed.names, work)


async def collect_garbage(settings: Settings, _: argparse.Namespace) -> int:
    """Remove what is no longer used."""
    freed = await build_installer(settings).collect_garbage()
    answer(f"{freed / 1e6:.1f} MB were freed in {settings.data_dir}")
    return OK


async def _installer(settings: Settings) -> Installer:
    """Return the installer, in a store without leftovers of commands that were killed."""
    installer = build_installer(settings)
    await asyncio.to_thread(installer.store.recover)
    return installer


async def _each(
    settings: Settings, names: Sequence[str], work: Callable[[str], Awaitable[str]]
) -> int:
    """Do the work for each name and print how it ended; OK only if all of it succeeded."""
    code = OK
    for name in names:
        try:
            answer(f"{name}: {await work(name)}")
        except HardenedError as err:
            note(f"{name}: {err.code}: {err}")
            code = FAILED
    if code is FAILED:
        note(f"data_dir is {settings.data_dir}")
    return code
