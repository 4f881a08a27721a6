"""Files of voices in the user's own folders, whatever the case of their endings.

Everything here blocks on the disk.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from ...engine.messages import config_path

_ENDING = ".onnx"
_MOST_MODELS = 1000
"""In one folder."""
_MOST_ENTRIES = 20_000
"""Of one folder that are looked at."""


@dataclass(slots=True)
class OwnFiles:
    """The contents of the user's own folders.

    Args:
        models: one for each name, of the folder that comes first.
        hidden: models of a name that another one has already.
        folders: folders in them, which are not looked into.
        missing: folders that are not there.
    """

    models: list[Path] = field(default_factory=list)
    hidden: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    missing: list[Path] = field(default_factory=list)


def look_into(folders: Iterable[Path]) -> OwnFiles:
    """Return what is in folders; names that begin with a dot are nobody's voice."""
    found = OwnFiles()
    names: set[str] = set()
    for folder in folders:
        try:
            entries = sorted(_entries(folder), key=_exact_first)
        except FileNotFoundError:
            found.missing.append(folder)
            continue
        except OSError:
            continue
        models = (entry for entry in entries if _is_model(entry.name))
        for model in map(Path, islice(models, _MOST_MODELS)):
            (found.hidden if model.stem in names else found.models).append(model)
            names.add(model.stem)
        found.folders += [
            Path(entry.path)
            for entry in islice(entries, _MOST_MODELS)
            if not _is_model(entry.name) and _is_folder(entry)
        ]
    return found


def models_called(name: str, folders: Iterable[Path]) -> Iterator[Path]:
    """Yield the models of a voice in folders, the one that comes first ahead."""
    for folder in folders:
        exact = folder / f"{name}{_ENDING}"
        if exact.is_file():
            yield exact
            continue
        with contextlib.suppress(OSError):
            found = (Path(entry) for entry in _entries(folder) if _is_model(entry.name))
            yield from sorted(path for path in found if path.stem == name and path.is_file())


def config_beside(model: Path) -> Path:
    """Return the path of the configuration of a model; the usual one if there is none."""
    usual = config_path(model)
    if not os.path.lexists(usual):
        with contextlib.suppress(OSError):
            names = [entry.name for entry in _entries(model.parent)]
            start, wanted = model.stem, usual.name.lower()
            same = (n for n in names if n.startswith(start) and n.lower() == wanted)
            return min(map(usual.with_name, same), default=usual)
    return usual


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return the entries of a folder but those that begin with a dot."""
    with os.scandir(folder) as entries:
        return [one for one in islice(entries, _MOST_ENTRIES) if not one.name.startswith(".")]


def _is_model(name: str) -> bool:
    return name.lower().endswith(_ENDING)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _exact_first(entry: os.DirEntry[str]) -> tuple[bool, str]:
    return not entry.name.endswith(_ENDING), entry.name
