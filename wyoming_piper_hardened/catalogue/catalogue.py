"""The voices of the hub: names, aliases, languages, speakers, files with sizes and digests.

A catalogue comes from this package (`bundled`, made by ``script/update-catalogue``), from the data
directory (`load` and `save`, the last good one), or from the hub (`refresh`). It never changes; a
newer one replaces it.
"""

from __future__ import annotations

import asyncio
import difflib
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..errors import CatalogueError, SourceFileError, VoiceNotFoundError
from ..hub.files import CATALOGUE_PATH, is_commit
from ..system.files import write_file
from ..system.foreign_files import read_file
from ..text.language_codes import family, normalized
from .entry import CatalogueVoice
from .parser import MAX_BYTES, decode, encode_voices, parse_voices

if TYPE_CHECKING:
    from ..hub.client import Hub

_FORMAT = 1
_SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All voices of the hub at one moment.

    `source` says where it came from, `commit` which state of the hub it describes (``None`` if
    unknown), `left_out` names voices whose names have a form that is not known here.
    """

    voices: Mapping[str, CatalogueVoice]
    source: str
    commit: str | None = None
    left_out: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[CatalogueVoice]:
        """Iterate over the voices, in the catalogue's order."""
        return iter(self.voices.values())

    def __len__(self) -> int:
        return len(self.voices)

    def find(self, name: str) -> CatalogueVoice:
        """Return the voice of that name or alias, as `find_if_any`.

        Raises:
            VoiceNotFoundError: names the most similar ones.
        """
        if (voice := self.find_if_any(name)) is not None:
            return voice
        names = [voice.name for voice in self.speakable]
        near = difflib.get_close_matches(name[:100], names, _SHOWN_NAMES, cutoff=0.5)
        hint = f"similar ones: {', '.join(near)}" if near else "look at the list of all voices"
        raise VoiceNotFoundError(f"the catalogue has no voice {name[:80]!r}; {hint}")

    def find_if_any(self, name: str) -> CatalogueVoice | None:
        """Return the voice of that name, else the first that has it as an alias, if any."""
        if (voice := self.voices.get(name)) is not None:
            return voice
        return next((voice for voice in self if name in voice.aliases), None)

    def speaking(self, language: str) -> tuple[CatalogueVoice, ...]:
        """Return the voices of a language (``en_GB``, ``en-gb``), else of its family (``en``)."""
        wanted, of_family = normalized(language), family(language)
        exact = tuple(voice for voice in self if normalized(voice.language.code) == wanted)
        return exact or tuple(voice for voice in self if voice.language.family == of_family)

    @property
    def speakable(self) -> tuple[CatalogueVoice, ...]:
        """The voices that can speak here, as far as known without their files."""
        return tuple(voice for voice in self if voice.can_speak)

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes of all languages, sorted."""
        return tuple(sorted({voice.language.code for voice in self}))


def parse(data: bytes, source: str, commit: str | None = None) -> Catalogue:
    """Read the hub's ``voices.json``.

    Raises:
        CatalogueError: it is malformed; see `parser`.
    """
    voices, left_out = parse_voices(decode(data))
    return Catalogue(MappingProxyType(voices), source, commit, left_out)


def bundled() -> Catalogue:
    """Return the catalogue that this package carries. Blocks on the disk."""
    data = resources.files(__package__).joinpath("data", "catalogue.json.gz").read_bytes()
    return _from_own_form(decode(gzip.decompress(data)))


def load(path: Path) -> Catalogue:
    """Read a file of `save`. Blocks on the disk.

    Raises:
        CatalogueError: there is none (`FileNotFoundError` included), or it is damaged.
    """
    try:
        data = read_file(path, MAX_BYTES)
    except SourceFileError as err:
        raise CatalogueError(f"cannot use the catalogue that was kept: {err}") from None
    return _from_own_form(decode(data))


def save(catalogue: Catalogue, path: Path) -> None:
    """Write a catalogue for `load`, atomically. Blocks on the disk.

    Raises:
        OSError: the disk refuses.
    """
    write_file(path, own_form(catalogue))


async def refresh(
    hub: Hub, revision: str | None = None, *, known: Catalogue | None = None
) -> Catalogue:
    """Fetch the hub's catalogue at the commit of `revision` (default: the hub's setting).

    It is not fetched again if `known` is that of this commit.

    Raises:
        DownloadError: the hub cannot be reached or does not give it.
        CatalogueError: it is malformed.
    """
    commit = await hub.resolve(revision)
    if known is not None and (known.source, known.commit) == (hub.settings.endpoint, commit):
        return known
    data = await hub.read(CATALOGUE_PATH, commit, limit=MAX_BYTES)
    return await asyncio.to_thread(parse, data, hub.settings.endpoint, commit)


def own_form(catalogue: Catalogue) -> bytes:
    """Return the bytes that are kept: the hub's form, with its source."""
    document = {
        "format": _FORMAT,
        "source": catalogue.source,
        "commit": catalogue.commit,
        "voices": encode_voices(catalogue),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _from_own_form(document: Any) -> Catalogue:
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise CatalogueError("the kept catalogue of voices has a form that is not known here")
    source, commit = document.get("source"), document.get("commit")
    if not isinstance(source, str) or not (
        commit is None or (isinstance(commit, str) and is_commit(commit))
    ):
        raise CatalogueError("the kept catalogue of voices does not say where it came from")
    voices, left_out = parse_voices(document.get("voices"))
    return Catalogue(MappingProxyType(voices), source, commit, left_out)
