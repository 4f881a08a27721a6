"""Voices of the user's own, which nobody else has a copy of.

Everything here blocks on the disk.
"""

from __future__ import annotations

from pathlib import Path

from ..engine.messages import config_path
from .manifest import origin_kind
from .origin import OriginKind
from .store import Store


def lost_models(store: Store) -> dict[str, Path]:
    """Return the model of each voice that has but a marked version, by name."""
    found = {}
    for name in store.names():
        marked = store.marked(name)
        if marked is not None and store.serving(name) is None:
            found[name] = marked[0] / f"{name}.onnx"
    return found


def own_files(store: Store, name: str) -> tuple[Path, ...]:
    """Return the files that are left of a voice of the user's own, the model first."""
    version = store.current(name) or store.serving(name)
    if version is None or origin_kind(version) is not OriginKind.CUSTOM:
        return ()
    model = version / f"{name}.onnx"
    files = (model, config_path(model))
    return tuple(file for file in files if file.is_file() and not file.is_symlink())
