"""``voices``: list, install, verify, repair and remove voices; also beside a running server."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress as Bars,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from ..composition import build_installer, load_library
from ..config.settings import Settings
from ..errors import HardenedError, VoiceError
from ..voices.installation.installer import Installer
from ..voices.installation.progress import Progress, Report
from ..voices.installation.sources import custom_source
from .codes import FAILED, OK

_VOICE_FIELDS = ("name", "language", "quality", "sample_rate", "number_of_speakers")


async def _show_available(settings: Settings, parsed: argparse.Namespace) -> int:
    installer = build_installer(settings)
    catalogue = await asyncio.to_thread(installer.sources.catalogue.read)
    installed = set(await asyncio.to_thread(installer.store.names))
    if parsed.json:
        rows = [
            {
                "name": voice.name,
                "language": voice.language.code,
                "quality": voice.quality,
                "number_of_speakers": voice.number_of_speakers,
                "bytes": voice.size,
                "installed": voice.name in installed,
            }
            for voice in catalogue
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return OK
    table = Table("voice", "language", "quality", "speakers", "MB", "installed")
    for voice in catalogue:
        speakers, size = str(voice.number_of_speakers), str(voice.size >> 20)
        here = "yes" if voice.name in installed else ""
        table.add_row(voice.name, voice.language.code, voice.quality, speakers, size, here)
    Console().print(table)
    return OK


async def show(settings: Settings, parsed: argparse.Namespace) -> int:
    """List the installed voices, or those of the repository."""
    if parsed.available:
        return await _show_available(settings, parsed)
    library = await load_library(settings)
    if parsed.json:
        rows: list[dict[str, Any]] = []
        for voice in library:
            fields = {name: getattr(voice, name) for name in _VOICE_FIELDS}
            rows.append({**fields, "model": str(voice.model), "speakers": dict(voice.speakers)})
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return OK
    table = Table("voice", "language", "quality", "speakers", "rate")
    table.add_column("place", overflow="fold")
    for voice in library:
        speakers, rate = str(voice.number_of_speakers), str(voice.sample_rate)
        table.add_row(
            voice.name, voice.language, voice.quality, speakers, rate, str(voice.model.parent)
        )
    Console().print(table)
    return OK


async def install(settings: Settings, parsed: argparse.Namespace) -> int:
    """Install voices by name."""
    installer = await _installer(settings)
    with _bars() as report:

        async def work(name: str) -> str:
            source = await asyncio.to_thread(installer.sources.find, name)
            return f"installed in {(await installer.install(source, report)).model.parent}"

        return await _each(parsed.names, work)


async def import_own(settings: Settings, parsed: argparse.Namespace) -> int:
    """Install voices from files."""
    installer = await _installer(settings)
    with _bars() as report:

        async def work(path: str) -> str:
            source = await asyncio.to_thread(custom_source, Path(path))
            voice = await installer.install(source, report)
            return f"installed as {voice.name} in {voice.model.parent}"

        return await _each([str(path) for path in parsed.paths], work)


async def verify(settings: Settings, parsed: argparse.Namespace) -> int:
    """Read every byte of voices."""
    installer = await _installer(settings)

    async def work(name: str) -> str:
        if damage := await installer.verify(name):
            raise VoiceError("; ".join(map(str, damage)))
        return "is as it was installed"

    names = parsed.names or await asyncio.to_thread(installer.store.names)
    return await _each(names, work)


async def repair(settings: Settings, parsed: argparse.Namespace) -> int:
    """Repair voices."""
    installer = await _installer(settings)
    with _bars() as report:

        async def work(name: str) -> str:
            return f"speaks from {(await installer.repair(name, report)).model.parent}"

        return await _each(parsed.names, work)


async def remove(settings: Settings, parsed: argparse.Namespace) -> int:
    """Remove voices."""
    installer = await _installer(settings)

    async def work(name: str) -> str:
        await installer.remove(name)
        return "removed"

    return await _each(parsed.names, work)


async def collect_garbage(settings: Settings, _: argparse.Namespace) -> int:
    """Remove what is no longer used."""
    freed = await build_installer(settings).collect_garbage()
    print(f"{freed / 1e6:.1f} MB were freed in {settings.data_dir}")
    return OK


@contextlib.contextmanager
def _bars() -> Iterator[Report]:
    """Progress bars on a terminal: one for each file and for each step that follows."""
    with Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def show_progress(progress: Progress) -> None:
            label = progress.file or str(progress.step)
            if label not in tasks:
                tasks[label] = bars.add_task(label, total=progress.total or None)
            bars.update(tasks[label], completed=progress.done, total=progress.total or None)

        yield show_progress


async def _installer(settings: Settings) -> Installer:
    """Return the installer, in a store without leftovers of commands that were killed."""
    installer = build_installer(settings)
    await asyncio.to_thread(installer.store.recover)
    return installer


async def _each(names: Sequence[str], work: Callable[[str], Awaitable[str]]) -> int:
    """Do the work for each name and print how it ended; OK only if all of it succeeded."""
    code = OK
    for name in names:
        try:
            print(f"{name}: {await work(name)}")
        except HardenedError as err:
            print(f"{name}: {err.code}: {err}", file=sys.stderr)
            code = FAILED
    return code
