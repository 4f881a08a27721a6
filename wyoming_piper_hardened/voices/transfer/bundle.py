"""Import: a bundle from anywhere, read without trust, as the source of an installation."""

from __future__ import annotations

import contextlib
import hashlib
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from ...engine.configuration.reading import read_configuration
from ...store.origin import Origin
from ...system.aio import run_stoppable
from ...system.foreign_files import read_blocks
from ..installation.progress import Progress, Report, Step
from ..installation.sources import CheckRoom
from .errors import BundleChangedError, BundleCutError, BundleError, BundleUnsafeError
from .index import (
    CONFIG,
    INDEX_NAME,
    LIMITS,
    MAX_INDEX_BYTES,
    MODEL,
    Index,
    check_member,
    parse_index,
    target_name,
)

_BLOCK = tarfile.BLOCKSIZE
MAX_BUNDLE_BYTES = sum(LIMITS.values()) + MAX_INDEX_BYTES + (64 << 10)


@dataclass(frozen=True, slots=True)
class BundleSource:
    """The voice in a bundle on this machine, whose bytes have been compared with its index."""

    path: Path
    index: Index

    @property
    def voice(self) -> str:
        """The voice's name."""
        return self.index.voice

    @property
    def origin(self) -> Origin:
        """Origin of the files on the machine that they come from."""
        return self.index.origin

    @property
    def model_bytes(self) -> int:
        """Size of the model."""
        return self.index.files[MODEL].size

    async def fetch(self, stage: Path, report: Report, check_room: CheckRoom) -> Origin:
        """Copy the files; each is compared with the index anew.

        Raises:
            BundleError: the bundle is no longer the same.
            VoiceUnusableError: the configuration is none that can be spoken with here.
        """
        model = target_name(self.voice, MODEL)
        report(Progress(Step.COPYING, model, 0, self.model_bytes))

        def copy(check_stop: Callable[[], None]) -> None:
            def before_block() -> None:
                check_stop()
                check_room()

            if _take_apart(self.path, stage, before_block) != self.index:
                raise BundleChangedError("the bundle changed while it was imported")

        await run_stoppable(copy)
        return self.origin


async def open_bundle(path: Path) -> BundleSource:
    """Compare every byte of a bundle with its index; a cancellation ends that early.

    Raises:
        BundleError: it is none, or not as it was made; says why.
        SourceFileError: the file cannot be read.
    """
    return BundleSource(path, await run_stoppable(lambda stop: _take_apart(path, None, stop)))


def _take_apart(path: Path, stage: Path | None, before_block: Callable[[], None]) -> Index:
    """Read a bundle whole, and write its files into a folder, if there is one. Blocks."""
    with contextlib.closing(read_blocks(path, MAX_BUNDLE_BYTES)) as blocks:
        archive = _Archive(blocks, before_block)
        index = parse_index(archive.small(INDEX_NAME, MAX_INDEX_BYTES))
        for name, record in index.files.items():
            if archive.header(name) != record.size:
                raise BundleChangedError(f"the bundle's {name} has another size than listed")
            target = None if stage is None else stage / target_name(index.voice, name)
            sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
            with _opened(target) as file:
                for piece in archive.content(record.size):
                    sha256.update(piece)
                    md5.update(piece)
                    if file is not None:
                        file.write(piece)
            if sha256.hexdigest() != record.sha256:
                raise BundleChangedError(f"the bundle's {name} is not what was exported")
            if name == CONFIG and target is not None:
                read_configuration(target)
            if name == MODEL:
                index.check_origin(md5.hexdigest())
        archive.end()
    return index


def _opened(target: Path | None) -> AbstractContextManager[BinaryIO | None]:
    return contextlib.nullcontext() if target is None else target.open("xb")


class _Archive:
    """The files of a tar archive, one after the other; nothing but plain ones.

    Args:
        blocks: its bytes.
        before_block: called before each of them is used; ends the reading by raising.
    """

    def __init__(self, blocks: Iterator[bytes], before_block: Callable[[], None]) -> None:
        self._blocks = blocks
        self._before_block = before_block
        self._rest = memoryview(b"")

    def header(self, expected: str) -> int:
        """Read the header of a file; return its size."""
        raw = b"".join(self._take(_BLOCK, expected))
        try:
            member = tarfile.TarInfo.frombuf(raw, "utf-8", "strict")
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise BundleCutError(f"the bundle ends before {expected}; copy it again") from None
        except (tarfile.HeaderError, ValueError):
            _refuse_header(expected)
        if member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE}:
            raise BundleUnsafeError(
                f"the bundle holds {member.name[:80]!a}, which is no plain file"
            )
        check_member(member.name, expected)
        return member.size

    def small(self, expected: str, limit: int) -> bytes:
        """Return the whole content of a file of at most `limit` bytes."""
        if not 0 < (size := self.header(expected)) <= limit:
            raise BundleError(f"the bundle's {expected} has {size} bytes; up to {limit} are read")
        return b"".join(self.content(size))

    def content(self, size: int) -> Iterator[bytes]:
        """Yield the content of the file whose header was read."""
        yield from self._take(size, "its last file")
        self._zeros(self._take(-size % _BLOCK, "its last file"))

    def end(self) -> None:
        """Check that nothing follows but the mark of the end."""
        self._zeros(self._take(2 * _BLOCK, "its end"))
        while self._more():
            self._zeros([self._rest])
            self._rest = memoryview(b"")

    def _zeros(self, pieces: Iterable[bytes | memoryview]) -> None:
        for piece in pieces:
            if bytes(piece).count(0) < len(piece):
                raise BundleChangedError("the bundle holds more than its index lists")

    def _take(self, size: int, what: str) -> Iterator[bytes]:
        while size:
            if not self._more():
                raise BundleCutError(f"the bundle ends before {what}; copy it again")
            piece, self._rest = self._rest[:size], self._rest[size:]
            size -= len(piece)
            yield bytes(piece)

    def _more(self) -> bool:
        """Return whether there are bytes, of the next block if need be."""
        if not self._rest:
            self._before_block()
            self._rest = memoryview(next(self._blocks, b""))
        return bool(self._rest)


def _refuse_header(expected: str) -> NoReturn:
    if expected == INDEX_NAME:
        raise BundleError("this is no bundle of a voice; `voices export` makes one")
    raise BundleChangedError(f"the bundle has changed before {expected}; copy it again")
