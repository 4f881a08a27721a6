"""The list of voices, installed or not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ...catalogue.entry import CatalogueVoice, Language, Quality
from ...control import Operations
from ...store.origin import Origin, provenance
from ...store.voice import Voice
from ..bodies.shapes import LanguageRow, VoiceListBody, VoiceRow, VoiceState

_STATES = {
    Origin.HUB: VoiceState.INSTALLED,
    Origin.CUSTOM: VoiceState.CUSTOM,
    Origin.EMBEDDED: VoiceState.EMBEDDED,
}


@dataclass(frozen=True, slots=True)
class VoiceFilter:
    """Which voices to list; empty or ``None`` means all.

    `language` is a code (``en_GB``) or a family (``en``); `text` is looked for in names of voices,
    languages and countries.
    """

    language: str = ""
    quality: str = ""
    text: str = ""
    installed: bool | None = None

    def passes(self, voice: VoiceRow) -> bool:
        """Return whether a voice is to be listed."""
        language = self.language.replace("-", "_").lower()
        code = voice.language.lower()
        names = f"{voice.name} {voice.language_name} {voice.country} {voice.language}".lower()
        return (
            (not language or language in {code, code.partition("_")[0]})
            and self.quality in {"", voice.quality}
            and all(word in names for word in self.text.lower().split())
            and self.installed in {None, voice.state is not VoiceState.AVAILABLE}
        )


class VoiceList:
    """Lists voices; what has to be read from the disk is kept until something changes.

    Args:
        operations: knows the voices.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._rows: list[VoiceRow] = []
        self._made_of: tuple[object, ...] = ()

    async def show(self, wanted: VoiceFilter) -> VoiceListBody:
        """Return the wanted voices, the default first, and what can be filtered by."""
        rows = await self._all()
        issues: dict[str, list[str]] = {}
        for issue in self._operations.issues():
            issues.setdefault(issue.subject, []).append(issue.id)
        default = self._operations.synthesizer.library.wanted
        voices = [
            replace(row, default=row.name == default, issues=issues.get(row.name, []))
            for row in rows
            if wanted.passes(row)
        ]
        languages = {row.language: row.language_name for row in rows}
        return VoiceListBody(
            voices=voices,
            languages=[LanguageRow(code, languages[code]) for code in sorted(languages)],
            qualities=tuple(Quality),
        )

    async def _all(self) -> list[VoiceRow]:
        installed, catalogue = self._operations.voices, self._operations.catalogue
        made_of = (installed, catalogue)
        if self._made_of != made_of:
            rows = await asyncio.to_thread(_rows, installed, catalogue)
            self._rows, self._made_of = rows, made_of
        return self._rows


def _rows(installed: Iterable[Voice], catalogue: Iterable[CatalogueVoice]) -> list[VoiceRow]:
    """Return a row for every voice. Blocks on the disk."""
    languages = {entry.language.code: entry.language for entry in catalogue}
    rows = [_installed(voice, languages.get(voice.language)) for voice in installed]
    names = {row.name for row in rows}
    return rows + [_available(entry) for entry in catalogue if entry.name not in names]


def _installed(voice: Voice, language: Language | None) -> VoiceRow:
    known = provenance(voice)
    return VoiceRow(
        name=voice.name,
        language=voice.language,
        language_name=language.name_native if language else voice.language,
        country=language.country_english if language else "",
        quality=voice.quality,
        speakers=_speakers(voice),
        number_of_speakers=voice.number_of_speakers,
        sample_rate=voice.sample_rate,
        bytes=known.size,
        state=_STATES[known.origin],
        prepared=voice.prepared,
    )


def _available(entry: CatalogueVoice) -> VoiceRow:
    return VoiceRow(
        name=entry.name,
        language=entry.language.code,
        language_name=entry.language.name_native,
        country=entry.language.country_english,
        quality=str(entry.quality),
        speakers=_speakers(entry),
        number_of_speakers=entry.number_of_speakers,
        sample_rate=None,
        bytes=entry.size,
        state=VoiceState.AVAILABLE,
        prepared=None,
    )


def _speakers(voice: Voice | CatalogueVoice) -> list[str]:
    """Return the names of its speakers in requests, in the order of their numbers."""
    if voice.speakers or voice.number_of_speakers <= 1:
        return sorted(voice.speakers, key=lambda name: voice.speakers[name])
    return [str(number) for number in range(voice.number_of_speakers)]
