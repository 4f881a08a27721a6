"""Which voices the hub has: names, aliases, languages, speakers, files with sizes and digests.

Three places hold a catalogue: this package (`bundled`, made by ``script/update-catalogue``), the
data directory (`load` and `save`, the last good one), and the hub (`refresh`). A catalogue never
changes; a newer one takes its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import gzip
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import CatalogueError, VoiceNotFoundError
from ..hub.client import CATALOGUE_PATH, Hub
from ..hub.response import is_commit
from .entry import CatalogueVoice
from .parser import MAX_BYTES, decode, encode_voices, parse_voices

_FORMAT = 1
_SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All voices of the hub at one moment.

    `source` says where it came from, `commit` which state of the hub it describes (``None`` when
    nobody knows), `left_out` names voices whose names have a form that is not known here.
    """

    voices: Mapping[str, CatalogueVoice]
    source: str
    commit: str | None = None
    left_out: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[CatalogueVoice]:
        """Every voice, in the catalogue's order."""
        return iter(self.voices.values())

    def __len__(self) -> int:
        return len(self.voices)

    def find(self, name: str) -> CatalogueVoice:
        """The voice of that name, else the first that has it as an alias.

        Raises:
            VoiceNotFoundError: names the most similar ones.
        """
        if (voice := self.voices.get(name)) is not None:
            return voice
        for voice in self:
            if name in voice.aliases:
                return voice
        near = difflib.get_close_matches(name[:100], self.voices, _SHOWN_NAMES, cutoff=0.5)
        hint = f"similar ones: {', '.join(near)}" if near else "look at the list of all voices"
        raise VoiceNotFoundError(f"the catalogue has no voice {name[:80]!r}; {hint}")

    def speaking(self, language: str) -> tuple[CatalogueVoice, ...]:
        """The voices of a language: exactly (``en_GB``, ``en-gb``), else of its family (``en``)."""
        wanted = _normal(language)
        exact = tuple(voice for voice in self if _normal(voice.language.code) == wanted)
        family = wanted.partition("_")[0]
        return exact or tuple(voice for voice in self if voice.language.family == family)

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes of all languages, sorted."""
        return tuple(sorted({voice.language.code for voice in self}))


def parse(data: bytes, source: str, commit: str | None = None) -> Catalogue:
    """Read the hub's ``voices.json``.

    Raises:
        CatalogueError: it is not to be believed, see `catalogue_json`.
    """
    voices, left_out = parse_voices(decode(data))
    return Catalogue(MappingProxyType(voices), source, commit, left_out)


def bundled() -> Catalogue:
    """The catalogue that this package carries. Blocks on the disk."""
    data = resources.files(__package__).joinpath("data", "catalogue.json.gz").read_bytes()
    return _from_own_form(decode(gzip.decompress(data)))


def load(path: Path) -> Catalogue:
    """Read what `save` wrote. Blocks on the disk.

    Raises:
        CatalogueError: there is none (`FileNotFoundError` included), or it is damaged.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as err:
        raise CatalogueError(f"cannot read the catalogue {path}: {err.strerror}") from None
    return _from_own_form(decode(data))


def save(catalogue: Catalogue, path: Path) -> None:
    """Keep a catalogue for `load`: the old one or the new one, whatever happens meanwhile.

    Blocks on the disk; raises `OSError` when that refuses.
    """
    _write_file(path, own_form(catalogue))


async def refresh(hub: Hub, revision: str | None = None) -> Catalogue:
    """The hub's catalogue at the commit that `revision` (default: the hub's setting) stands for.

    Raises:
        DownloadError: the hub cannot be reached or does not give it.
        CatalogueError: what came is not to be believed.
    """
    commit = await hub.resolve(revision)
    data = await hub.read(CATALOGUE_PATH, commit, limit=MAX_BYTES)
    return await asyncio.to_thread(parse, data, hub.settings.endpoint, commit)


def own_form(catalogue: Catalogue) -> bytes:
    """The bytes that are kept: the hub's form, with where it came from."""
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


def _write_file(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with aside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _normal(language: str) -> str:
    return language.replace("-", "_").lower()
