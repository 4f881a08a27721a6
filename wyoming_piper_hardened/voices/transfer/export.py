"""Export: an installed voice as the bytes of a bundle. Everything here blocks on the disk."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ...errors import NotInstalledError
from ...store.manifest import FileRecord, read_manifest
from ...store.store import Store
from ...store.voice import check_voice_name
from ...system.files import write_blocks
from ...system.foreign_files import read_blocks
from ..installation.sources import package_source
from .errors import ExportChangedError, TargetError
from .index import CARD, INDEX_NAME, LIMITS, Index, target_name

_END = bytes(2 * tarfile.BLOCKSIZE)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle to be written: its index, and where its files are."""

    index: Index
    paths: Mapping[str, Path]

    @property
    def size(self) -> int:
        """Bytes of the archive."""
        sizes = [len(self.index.to_json()), *(one.size for one in self.index.files.values())]
        return sum(tarfile.BLOCKSIZE + size + _padding(size) for size in sizes) + len(_END)

    def blocks(self) -> Generator[bytes, None, None]:
        """Yield the archive; equal voices have equal ones.

        Raises:
            ExportChangedError: a file has changed since `check`.
        """
        index = self.index.to_json()
        yield _header(INDEX_NAME, len(index)) + index + bytes(_padding(len(index)))
        for name, record in self.index.files.items():
            yield _header(name, record.size)
            yield from self._content(name, record)
            yield bytes(_padding(record.size))
        yield _END

    def check(self, check_stop: Callable[[], None]) -> None:
        """Compare every byte with the index; `check_stop` ends that by raising.

        Raises:
            ExportChangedError: a file is not what it was when the voice was installed.
        """
        for name, record in self.index.files.items():
            for _ in self._content(name, record):
                check_stop()

    def _content(self, name: str, record: FileRecord) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for block in read_blocks(self.paths[name], LIMITS[name]):
            digest.update(block)
            yield block
        if digest.hexdigest() != record.sha256:
            raise ExportChangedError(
                f"{self.paths[name].name} has changed on the disk; repair the voice, then export it"
            )


def bundle_of(store: Store, name: str, check_stop: Callable[[], None]) -> Bundle:
    """Return the bundle of an installed voice, or of the embedded one, after reading all of it.

    Raises:
        NotInstalledError: there is no version of it that can be used.
        ExportChangedError: its files are not those that were installed.
    """
    check_voice_name(name)
    version = store.serving(name)
    if version is not None:
        manifest = read_manifest(version)
        paths = _present(version / f"{name}.onnx")
        listed = {one: manifest.files.get(path.name) for one, path in paths.items()}
        files = {one: record for one, record in listed.items() if record is not None}
        bundle = Bundle(Index(name, manifest.origin, MappingProxyType(files)), paths)
        bundle.check(check_stop)
        return bundle
    packaged = package_source()
    if packaged is None or packaged.voice != name:
        raise NotInstalledError(f"{name[:100]!r} has no usable version in data_dir")
    paths = _present(packaged.model)
    records = {one: _record(path, LIMITS[one]) for one, path in paths.items()}
    return Bundle(Index(name, packaged.origin, MappingProxyType(records)), paths)


def write_bundle(bundle: Bundle, path: Path, check_stop: Callable[[], None]) -> None:
    """Write a bundle to a file, all of it or nothing; `check_stop` ends that by raising.

    Raises:
        TargetError: the file cannot be written.
        ExportChangedError: see `Bundle.blocks`.
    """

    def blocks() -> Iterator[bytes]:
        for block in bundle.blocks():
            check_stop()
            yield block

    try:
        write_blocks(path, blocks())
    except OSError as err:
        raise TargetError(f"{path} cannot be written: {err.strerror}") from None


def _present(model: Path) -> dict[str, Path]:
    """Return the files beside a model that a bundle may have; not every voice has a model card."""
    paths = {name: model.with_name(target_name(model.stem, name)) for name in LIMITS}
    return {name: path for name, path in paths.items() if name != CARD or path.is_file()}


def _record(path: Path, limit: int) -> FileRecord:
    digest, size = hashlib.sha256(), 0
    for block in read_blocks(path, limit):
        digest.update(block)
        size += len(block)
    return FileRecord(size, digest.hexdigest())


def _header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = size
    return member.tobuf(tarfile.USTAR_FORMAT)


def _padding(size: int) -> int:
    return -size % tarfile.BLOCKSIZE
