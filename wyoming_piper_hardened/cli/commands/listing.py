"""``voices list``: the installed voices, or those of the voice repository."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from ...composition import build_installer, load_library
from ...config.settings import Settings
from ...store.manifest import origin_and_size
from ...store.origin import OriginKind
from ...text.language_codes import family, normalized
from ...voices.installation.sources import SourceFinder
from ..codes import OK
from ..streams import note, print_json, print_rows

_TITLES = ("voice", "language", "quality", "size", "speakers", "remarks")
_REMARKS = {OriginKind.EMBEDDED: "built in", OriginKind.CUSTOM: "your own"}
_FIELDS = ("name", "language", "quality", "sample_rate", "number_of_speakers")


async def show(settings: Settings, parsed: argparse.Namespace) -> int:
    """List the installed voices, or those of the repository."""
    sources = build_installer(settings).sources
    if parsed.refresh:
        await sources.catalogue.refresh()
    if parsed.available:
        return await _show_available(settings, parsed, sources)
    catalogue = await asyncio.to_thread(sources.catalogue.read)
    library = await load_library(settings, catalogue)
    rows, table = [], []
    for voice in library:
        if not _speaks(voice.language, parsed.language):
            continue
        origin, size = await asyncio.to_thread(origin_and_size, voice.model)
        default = voice.name == library.wanted
        row: dict[str, Any] = {name: getattr(voice, name) for name in _FIELDS}
        row |= {"model": str(voice.model), "speakers": dict(voice.speakers)}
        rows.append({**row, "bytes": size, "default": default})
        remarks = ["default"] if default else []
        if origin.kind in _REMARKS:
            remarks.append(_REMARKS[origin.kind])
        folder = str(voice.model.parent)
        table.append((*_cells(row, size, remarks), *([folder] if parsed.paths else [])))
    titles = (*_TITLES, *(["folder"] if parsed.paths else []))
    if parsed.json:
        print_json(rows)
        return OK
    print_rows(titles, table)
    if library.wanted not in library:
        note(f"the default voice {library.wanted} is not installed")
    if not rows and parsed.language:
        note(f"no installed voice speaks {parsed.language}; --available lists the repository's")
    return OK


async def _show_available(
    settings: Settings, parsed: argparse.Namespace, sources: SourceFinder
) -> int:
    catalogue = await asyncio.to_thread(sources.catalogue.read)
    library = await load_library(settings, catalogue)
    rows, table = [], []
    for voice in catalogue.speakable:
        code = voice.language.code
        if not _speaks(code, parsed.language):
            continue
        row = {
            "name": voice.name,
            "language": code,
            "quality": str(voice.quality),
            "number_of_speakers": voice.number_of_speakers,
            "bytes": voice.size,
            "installed": voice.name in library,
        }
        rows.append(row)
        remarks = ["installed"] if voice.name in library else []
        table.append(_cells(row, voice.size, remarks))
    if parsed.json:
        print_json(rows)
        return OK
    print_rows(_TITLES, table)
    if not rows:
        note(f"the list has no voice that speaks {parsed.language}; --refresh gets the newest one")
    return OK


def _speaks(code: str, wanted: str | None) -> bool:
    """Return whether a language is the wanted one (``en_GB``) or of its family (``en``)."""
    return not wanted or normalized(wanted) in {normalized(code), family(code)}


def _cells(row: dict[str, Any], size: int, remarks: list[str]) -> tuple[str, ...]:
    count = row["number_of_speakers"]
    speakers = "1 speaker" if count == 1 else f"{count} speakers"
    megabytes = f"{max(round(size / 1e6), 1)} MB"
    named = (row["name"], row["language"], row["quality"] or "-")
    return (*named, megabytes, speakers, ", ".join(remarks) or "-")
