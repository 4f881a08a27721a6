"""A disk that refuses: the N-th operation that would change it raises instead.

Counted are those below one folder: open for writing, write, fsync, rename, replace, symlink and
mkdir; removing always works, as it does on a full disk.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.plain_disk import plain_disk

NAMED = ("mkdir", "rename", "replace", "symlink")
"""Operations of `os` whose last argument is the path that is made."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Refusal:
    """Refuses operation number `at` (0: none) below `folder`, or every one from there on.

    With `only`, a name of `NAMED`, ``open``, ``write`` or ``fsync``, no others are counted.

    A write that failed fails for that file again: who copies tries a second way at once.
    """

    def __init__(
        self,
        folder: Path,
        at: int,
        code: int,
        *,
        permanent: bool = False,
        only: str | None = None,
    ) -> None:
        self.code = code
        self.count = 0
        self.refused: list[tuple[str, str]] = []
        """Operation and path of what was refused."""
        self.over = False
        """Set to let everything pass from now on."""
        self._folder = folder
        self._at = at
        self._only = only
        self._permanent = permanent

    def touch(self, operation: str, place: Any) -> None:
        """Count an operation on a path or a descriptor; raise if its turn has come."""
        path = self._path(place)
        if self.over or self._only not in {None, operation}:
            return
        if not Path(path).is_relative_to(self._folder):
            return
        self.count += 1
        again = operation == "write" and (operation, path) in self.refused
        later = self._permanent and 0 < self._at < self.count
        if self.count == self._at or again or later:
            self.refused.append((operation, path))
            raise OSError(self.code, os.strerror(self.code), path)

    @staticmethod
    def _path(place: Any) -> str:
        return str(Path(f"/proc/self/fd/{place}").readlink() if isinstance(place, int) else place)


class _File(io.FileIO):
    """A file whose writes are counted."""

    def __init__(self, refusal: Refusal, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._refusal = refusal

    def write(self, data: Any, /) -> int:
        self._refusal.touch("write", self.fileno())
        return super().write(data)


@contextlib.contextmanager
def refusing(refusal: Refusal, *, plain: bool = False) -> Iterator[Refusal]:
    """Let the disk refuse within the context. Nothing is flushed: nobody cuts the power here.

    A `plain` disk also lacks what `plain_disk` refuses; that is not counted.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in NAMED:
            patch.setattr(os, name, _counted(refusal, name))
        patch.setattr(os, "sendfile", _counted_sendfile(refusal))
        patch.setattr(os, "fsync", lambda descriptor: refusal.touch("fsync", descriptor))
        patch.setattr(os, "open", _counted_os_open(refusal))
        for owner in (io, builtins):
            patch.setattr(owner, "open", _counted_open(refusal))
        with plain_disk(patch) if plain else contextlib.nullcontext():
            yield refusal


def _counted(refusal: Refusal, name: str) -> Callable[..., Any]:
    real: Callable[..., Any] = getattr(os, name)

    def counted(*arguments: Any, **options: Any) -> Any:
        made = arguments[0] if name == "mkdir" else arguments[1]
        if name != "mkdir" or not Path(made).exists():  # which no disk is asked for
            refusal.touch(name, made)
        return real(*arguments, **options)

    return counted


def _counted_sendfile(refusal: Refusal) -> Callable[..., int]:
    real = os.sendfile

    def sendfile(out: int, *arguments: Any) -> int:
        refusal.touch("write", out)
        return real(out, *arguments)

    return sendfile


def _counted_os_open(refusal: Refusal) -> Callable[..., int]:
    real = os.open

    def os_open(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        if flags & _WRITING:
            refusal.touch("open", path)
        return real(path, flags, *arguments, **options)

    return os_open


def _counted_open(refusal: Refusal) -> Callable[..., Any]:
    real = open

    def counted(file: Any, mode: str = "r", buffering: int = -1, *text: Any, **options: Any) -> Any:
        if not set(mode) & set("wax+"):
            return real(file, mode, buffering, *text, **options)
        if not isinstance(file, int):
            refusal.touch("open", file)
        raw = _File(refusal, file, mode.replace("b", "").replace("t", ""))
        if buffering == 0:
            return raw
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, *text, **options)

    return counted
