"""Voices of the user's own, whose place no other takes. Everything here blocks on the disk."""

from __future__ import annotations

from pathlib import Path

from ...store.damage_mark import NoCopyError
from ...store.manifest import origin_kind
from ...store.origin import OriginKind
from ...store.store import Store
from .sources import Source, SourceFinder


def same_source(sources: SourceFinder, name: str, version: Path | None) -> Source | None:
    """Return the source of a voice; a version of the user's own has none but their folders."""
    source = sources.find_if_any(name)
    if version is None or source is None:
        return source
    own = origin_kind(version) is OriginKind.CUSTOM
    return None if own and source.origin.kind is not OriginKind.CUSTOM else source


def check_not_lost(store: Store, source: Source) -> None:
    """Raise NoCopyError if another voice would replace what is left of the user's own."""
    marked = store.marked(source.voice)
    if marked is not None and source.origin.kind is not OriginKind.CUSTOM:
        version, mark = marked
        if origin_kind(version) is OriginKind.CUSTOM:
            raise NoCopyError(source.voice, mark.damage)
