"""The list of voices, installed or not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from ...catalogue.current import CurrentCatalogue
from ...catalogue.entry import CatalogueVoice, Language, Quality
from ...engine.configuration.reading import language_of_name
from ...errors import VoiceError, VoiceNotFoundError
from ...reporting.json_values import json_of
from ...speech.presets import Presets
from ...status.reporter import StatusReporter
from ...store.manifest import origin_and_size
from ...store.origin import OriginKind
from ...store.voice import Voice, read_voice, speaker_names
from ...text.language_codes import family, normalized
from ...voices.installation.sources import hub_origin
from ..bodies.shapes import CatalogueBody, LanguageRow, VoiceRow, VoiceState
from .presets import preset_rows

_STATES = {
    OriginKind.HUB: VoiceState.INSTALLED,
    OriginKind.CUSTOM: VoiceState.CUSTOM,
    OriginKind.EMBEDDED: VoiceState.EMBEDDED,
}

_NOT_HERE = frozenset({VoiceState.AVAILABLE, VoiceState.UNUSABLE})


@dataclass(frozen=True, slots=True)
class _Entry:
    """A voice of the list, with what is worked out once: thousands may be asked for at a time."""

    row: VoiceRow
    words: str
    """Lower-case names that are searched."""
    json: str
    """The row as it is unless it is the default or has issues."""

    @classmethod
    def of(cls, row: VoiceRow) -> Self:
        names = f"{row.name} {row.language_name} {row.country} {row.language}"
        return cls(row, names.lower(), _json(row))


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

    def passes(self, entry: _Entry) -> bool:
        """Return whether a voice is to be listed."""
        voice = entry.row
        if self.language:
            language, code = normalized(self.language), normalized(voice.language)
            if language not in {code, family(code)}:
                return False
        return (
            self.quality in {"", voice.quality}
            and self.installed in {None, voice.state not in _NOT_HERE}
            and all(word in entry.words for word in self.text.lower().split())
        )


class VoiceList:
    """Lists voices; what has to be read from the disk is kept until something changes.

    Args:
        status: knows the installed voices and the issues.
        catalogue: the voices of the repository.
        lost: finds the models of damaged voices of the user's own without a copy.
        presets: voices with options of their own.
    """

    def __init__(
        self,
        status: StatusReporter,
        catalogue: CurrentCatalogue,
        lost: Callable[[], Awaitable[Mapping[str, Path]]],
        presets: Presets,
    ) -> None:
        self._presets = presets
        self._status = status
        self._catalogue = catalogue
        self._lost = lost
        self._entries: list[_Entry] = []
        self._languages = "[]"
        self._made_of: tuple[object, ...] = ()

    async def show(self, wanted: VoiceFilter) -> str:
        """Return the wanted voices, the default first, and what can be filtered by.

        As the JSON of a `VoiceListBody`.
        """
        entries, issues = await self._all(), self._issues()
        default = self._status.default_voice.name
        voices = [
            _json(replace(entry.row, default=entry.row.name == default, issues=found))
            if (found := issues.get(entry.row.name, [])) or entry.row.name == default
            else entry.json
            for entry in entries
            if wanted.passes(entry)
        ]
        presets = preset_rows(self._presets, self._status.library)
        return (
            f'{{"voices": [{", ".join(voices)}], "presets": {_json(presets)}, '
            f'"languages": {self._languages}, "qualities": {_json(tuple(Quality))}, '
            f'"catalogue": {_json(self.catalogue())}}}'
        )

    async def find(self, name: str) -> VoiceRow:
        """Return one voice.

        Raises:
            VoiceNotFoundError: there is none of that name.
        """
        row = next((one.row for one in await self._all() if one.row.name == name), None)
        if row is None:
            raise VoiceNotFoundError(f"there is no voice {name[:80]!r}; look at the list of voices")
        default = row.name == self._status.default_voice.name
        return replace(row, default=default, issues=self._issues().get(name, []))

    def _issues(self) -> dict[str, list[str]]:
        """Return the ids of the open issues by voice."""
        issues: dict[str, list[str]] = {}
        for issue in self._status.issues(for_owner=False):
            issues.setdefault(issue.subject, []).append(issue.id)
        return issues

    async def installed(self) -> tuple[VoiceRow, ...]:
        """Return the voices that can be used, without what changes: the default, and issues."""
        rows = (entry.row for entry in await self._all())
        others = {*_NOT_HERE, VoiceState.DAMAGED}
        return tuple(row for row in rows if row.state not in others)

    def presets(self) -> tuple[str, ...]:
        """Return the names of the presets whose voice is installed."""
        return tuple(preset.name for preset, _ in self._presets.usable())

    def catalogue(self) -> CatalogueBody:
        """Return the age of the repository's list."""
        return CatalogueBody(self._catalogue.fetched_at, self._catalogue.hub.offline)

    async def _all(self) -> list[_Entry]:
        installed, catalogue = tuple(self._status.library), tuple(self._catalogue.read())
        lost = await self._lost()
        made_of = (installed, catalogue, lost)
        if self._made_of != made_of:
            found = await asyncio.to_thread(_entries, installed, catalogue, lost)
            (self._entries, self._languages), self._made_of = found, made_of
        return self._entries


def _entries(
    installed: Iterable[Voice], catalogue: Iterable[CatalogueVoice], lost: Mapping[str, Path]
) -> tuple[list[_Entry], str]:
    """Return an entry for every voice, and the JSON of their languages. Blocks on the disk."""
    rows = _rows(installed, catalogue, lost)
    names = {row.language: row.language_name for row in rows}
    languages = [LanguageRow(code, names[code]) for code in sorted(names)]
    return [_Entry.of(row) for row in rows], _json(languages)


def _json(value: object) -> str:
    return json.dumps(json_of(value))


def _rows(
    installed: Iterable[Voice], catalogue: Iterable[CatalogueVoice], lost: Mapping[str, Path]
) -> list[VoiceRow]:
    """Return a row for every voice. Blocks on the disk."""
    catalogue = tuple(catalogue)
    languages = {entry.language.code: entry.language for entry in catalogue}
    labels = {entry.name: hub_origin(entry).label for entry in catalogue}
    rows = [
        _installed(voice, languages.get(voice.language), labels.get(voice.name))
        for voice in installed
    ]
    names = {row.name for row in rows}
    rows += [_damaged(name, model) for name, model in lost.items() if name not in names]
    names = {row.name for row in rows}
    return rows + [_available(entry) for entry in catalogue if entry.name not in names]


def _installed(voice: Voice, language: Language | None, available: str | None) -> VoiceRow:
    origin, size = origin_and_size(voice.model)
    from_hub = origin.kind is OriginKind.HUB
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
        version=origin.label,
        available_version=available if from_hub else None,
    )


def _damaged(name: str, model: Path) -> VoiceRow:
    """Describe a voice by what is left of it."""
    try:
        voice = read_voice(name, model)
    except VoiceError:
        language, quality, rate, speakers, number = language_of_name(name) or "", "", None, [], 1
    else:
        language, quality, rate = voice.language, voice.quality, voice.sample_rate
        number = voice.number_of_speakers
        speakers = speaker_names(voice.speakers, number)
    _, size = origin_and_size(model)
    return VoiceRow(
        name=name,
        language=language,
        language_name=language,
        country="",
        quality=quality,
        speakers=speakers,
        number_of_speakers=number,
        sample_rate=rate,
        bytes=size,
        state=VoiceState.DAMAGED,
        prepared=None,
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
        state=VoiceState.AVAILABLE if entry.can_speak else VoiceState.UNUSABLE,
        prepared=None,
        available_version=hub_origin(entry).label,
    )
