"""Every voice there is, installed or not, as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ...catalogue.entry import CatalogueVoice, Language, Quality
from ...control import Operations
from ...store.manifest import origin_and_size
from ...store.origin import OriginKind
from ...store.voice import Voice, speaker_names
from ...text.language import family, normalized

_STATES = {
    OriginKind.HUB: "installed",
    OriginKind.CUSTOM: "custom",
    OriginKind.EMBEDDED: "embedded",
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What a caller wants to see; empty or ``None`` means all.

    `language` is a code (``en_GB``) or a family (``en``); `text` is looked for in names of voices,
    languages and countries.
    """

    language: str = ""
    quality: str = ""
    text: str = ""
    installed: bool | None = None

    def passes(self, voice: dict[str, Any]) -> bool:
        """Whether this voice is wanted."""
        language, code = normalized(self.language), normalized(voice["language"])
        told = " ".join(voice[key] for key in ("name", "language_name", "country", "language"))
        return (
            (not language or language in {code, family(code)})
            and self.quality in {"", voice["quality"]}
            and all(word in told.lower() for word in self.text.lower().split())
            and self.installed in {None, voice["state"] != "available"}
        )


class Listing:
    """Lists voices; what has to be read from the disk is kept until something changes.

    Args:
        operations: knows the voices.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._rows: list[dict[str, Any]] = []
        self._made_of: tuple[object, ...] = ()

    async def show(self, wanted: Filter) -> dict[str, Any]:
        """The wanted voices, the default first, and what can be filtered by."""
        rows = await self._all()
        issues: dict[str, list[str]] = {}
        for issue in self._operations.issues():
            issues.setdefault(issue.subject, []).append(issue.id)
        default = self._operations.synthesizer.library.wanted
        voices = [
            {**row, "default": row["name"] == default, "issues": issues.get(row["name"], [])}
            for row in rows
            if wanted.passes(row)
        ]
        languages = {row["language"]: row["language_name"] for row in rows}
        return {
            "voices": voices,
            "languages": [{"code": code, "name": languages[code]} for code in sorted(languages)],
            "qualities": [str(quality) for quality in Quality],
        }

    async def _all(self) -> list[dict[str, Any]]:
        installed, catalogue = self._operations.voices, self._operations.catalogue
        made_of = (installed, catalogue)
        if self._made_of != made_of:
            rows = await asyncio.to_thread(_rows, installed, catalogue)
            self._rows, self._made_of = rows, made_of
        return self._rows


def _rows(installed: Iterable[Voice], catalogue: Iterable[CatalogueVoice]) -> list[dict[str, Any]]:
    """Blocks on the disk."""
    languages = {entry.language.code: entry.language for entry in catalogue}
    rows = [_installed(voice, languages.get(voice.language)) for voice in installed]
    there = {row["name"] for row in rows}
    return rows + [_available(entry) for entry in catalogue if entry.name not in there]


def _installed(voice: Voice, language: Language | None) -> dict[str, Any]:
    origin, size = origin_and_size(voice.model)
    return {
        "name": voice.name,
        "language": voice.language,
        "language_name": language.name_native if language else voice.language,
        "country": language.country_english if language else "",
        "quality": voice.quality,
        "speakers": speaker_names(voice.speakers, voice.number_of_speakers),
        "number_of_speakers": voice.number_of_speakers,
        "sample_rate": voice.sample_rate,
        "bytes": size,
        "state": _STATES[origin.kind],
        "prepared": voice.prepared,
    }


def _available(entry: CatalogueVoice) -> dict[str, Any]:
    return {
        "name": entry.name,
        "language": entry.language.code,
        "language_name": entry.language.name_native,
        "country": entry.language.country_english,
        "quality": str(entry.quality),
        "speakers": speaker_names(entry.speakers, entry.number_of_speakers),
        "number_of_speakers": entry.number_of_speakers,
        "sample_rate": None,
        "bytes": entry.size,
        "state": "available",
        "prepared": None,
    }
