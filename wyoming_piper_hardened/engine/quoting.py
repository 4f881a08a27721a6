"""Foreign text in messages: of models, configurations and the libraries that read them."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_MOST: Final = 300
_END: Final = 80


def brief(value: object, folders: Iterable[Path] = ()) -> str:
    """Return the beginning and the end of a text, a few hundred printable characters at most.

    A model may have names of a hundred megabytes; the libraries' errors quote them. They also quote
    the paths that they were given: those of `folders` are left out, files keep their names.
    """
    text = str(value)
    for folder in folders:
        text = text.replace(f"{folder}/", "").replace(str(folder), folder.name)
    if len(text) > _MOST:
        text = f"{text[: _MOST - _END]} … {text[-_END:]}"
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def described(error: BaseException) -> str:
    """Return kind, place and beginning of an unexpected error, in one line."""
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(f" at {Path(frame.filename).name}:{frame.lineno}" for frame in place)
    return f"{type(error).__name__}{where}: {brief(error)}"
