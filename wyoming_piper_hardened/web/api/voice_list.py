"""The list of voices, installed or not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ...catalogue.current import CurrentCatalogue
from ...catalogue.entry import CatalogueVoice, Language, Quality
from ...status import StatusReporter
from ...store.manifest import origin_and_size
from ...store.origin import OriginKind
from ...store.voice import Voice, speaker_names
from ...text.language_codes import family, normalized
from ..bodies.shapes import LanguageRow, VoiceListBody, VoiceRow, VoiceState

_STATES = {
    OriginKind.HUB: VoiceState.INSTALLED,
    OriginKind.CUSTOM: VoiceState.CUSTOM,
    OriginKind.EMBEDDED: VoiceState.EMBEDDED,
}


@dataclass(frozen=True, slots=True)
class VoiceFilter:
    """Filter of the voices to list; empty or ``None`` means all.

    `language` is a code (``en_GB``) or a family (``en``); `text` is looked for in names of voices,
    languages and countries.
    """

    language: str = ""
    quality: str = ""
    text: str = ""
    installed: bool | None = None

    def passes(self, voice: VoiceRow) -> bool:
        """Return whether a voice is to be listed."""
        language, code = normalized(self.language), normalized(voice.language)
        names = f"{voice.name} {voice.language_name} {voice.country} {voice.language}".lower()
        return (
            (not language or language in {code, family(code)})
            and self.quality in {"", voice.quality}
            and all(word in names for word in self.text.lower().split())
            and self.installed in {None, voice.state is not VoiceState.AVAILABLE}
        )


class VoiceList:
    """Lists voices; what has to be read from the disk is kept until something changes.

    Args:
        status: knows the installed voices and the issues.
        catalogue: the voices of the repository.
    """

    def __init__(self, status: StatusReporter, catalogue: CurrentCatalogue) -> None:
        self._status = status
        self._catalogue = catalogue
        self._rows: list[VoiceRow] = []
        self._made_of: tuple[object, ...] = ()

    async def show(self, wanted: VoiceFilter) -> VoiceListBody:
        """Return the wanted voices, the default first, and what can be filtered by."""
        rows = await self._all()
        issues: dict[str, list[str]] = {}
        for issue in self._status.issues():
            issues.setdefault(issue.subject, []).append(issue.id)
        default = self._status.library.wanted
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
        installed, catalogue = tuple(self._status.library), tuple(self._catalogue.read())
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
    origin, size = origin_and_size(voice.model)
    return VoiceRow(
        name=voice.name,
        language=voice.language,
        language_name=language.name_native if language else voice.language,
        country=language.country_english if language else "",
        quality=voice.quality,
        speakers=speaker_names(voice.speakers, voice.number_of_speakers),
        number_of_speakers=voice.number_of_speakers,
        sample_rate=voice.sample_rate,
        bytes=size,
        state=_STATES[origin.kind],
        prepared=voice.prepared,
    )


def _available(entry: CatalogueVoice) -> VoiceRow:
    return VoiceRow(
        name=entry.name,
        language=entry.language.code,
        language_name=entry.language.name_native,
        country=entry.language.country_english,
        quality=str(entry.quality),
        speakers=speaker_names(entry.speakers, entry.number_of_speakers),
        number_of_speakers=entry.number_of_speakers,
        sample_rate=None,
        bytes=entry.size,
        state=VoiceState.AVAILABLE,
        prepared=None,
    )
