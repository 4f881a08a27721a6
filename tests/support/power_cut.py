"""A transaction that ends, as by a power cut, at its N-th file operation.

Usage: ``power_cut.py DATA_DIR N install|repair MODEL PARTS full|plain``, the last for the features
of the disk. It ends by `os._exit` with code
9 right before that operation; with N = 0 it comes to its end and prints how many there were.
Preparing and trying the voice, which are processes of their own, are replaced by copies of files
that a real preparation made (they have tests of their own).
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.plain_disk import plain_disk
from wyoming_piper_hardened.store.origin import Origin, OriginKind
from wyoming_piper_hardened.store.store import Store
from wyoming_piper_hardened.voices.installation.installer import Installer
from wyoming_piper_hardened.voices.installation.sources import FileSource, Source, SourceFinder

OPERATIONS = [
    "open",
    "mkdir",
    "rename",
    "replace",
    "symlink",
    "unlink",
    "rmdir",
    "fsync",
    "write",
    "sendfile",
    "copy_file_range",
    "truncate",
    "utime",
]
EXIT = 9


class Fuse:
    """Counts file operations and ends the process at one of them."""

    def __init__(self, blows_at: int) -> None:
        self.count = 0
        self._blows_at = blows_at

    def watch(self, owner: Any, name: str) -> None:
        real: Callable[..., Any] = getattr(owner, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            self.count += 1
            if self.count == self._blows_at:
                os._exit(EXIT)
            return real(*arguments, **options)

        setattr(owner, name, watched)


class OnlySource(SourceFinder):
    """Finds the same source whatever is looked for."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def find(self, name: str) -> Source:
        del name
        return self._source


def main() -> None:
    data_dir, number, action, model = sys.argv[1:5]
    parts = Path(sys.argv[5])

    async def prepare(_: Path, folder: Path) -> None:
        for part in parts.iterdir():
            shutil.copyfile(part, folder / part.name)

    async def try_voice(_: Path) -> None:
        pass

    path = Path(model)
    size = path.stat().st_size
    source = FileSource(path.stem, Origin(OriginKind.CUSTOM, str(size)), path, size)
    installer = Installer(Store(Path(data_dir)), OnlySource(source), try_voice, prepare)

    async def work() -> None:
        installer.store.recover()
        await (installer.install(source) if action == "install" else installer.repair(path.stem))

    fuse = Fuse(int(number))
    for name in OPERATIONS:
        if hasattr(os, name):
            fuse.watch(os, name)
    fuse.watch(io, "open")
    with plain_disk() if sys.argv[6] == "plain" else contextlib.nullcontext():
        asyncio.run(work())
    sys.stdout.write(f"{fuse.count}\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
