"""A mirror: a folder with voices that any web server can serve as the voice repository.

::

    rhasspy/piper-voices/resolve/<revision>/   voices.json  mirror.json  en/en_US/joe/medium/…

The paths are those of the repository. Its catalogue has the voices that are there whole; the mark
``mirror.json`` tells clients that this server names no commits.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from ...catalogue.catalogue import parse, refresh
from ...catalogue.current import CurrentCatalogue
from ...catalogue.entry import CatalogueVoice
from ...catalogue.parser import MAX_BYTES, encode_voices
from ...errors import NoSpaceError, SourceFileError, StoreError
from ...hub.connection import connected
from ...hub.errors import DownloadError
from ...hub.files import CATALOGUE_PATH, MIRROR_PATH, REPOSITORY, VoiceFile, mirror_mark
from ...store.store import Store
from ...system.aio import run_in_thread, run_stoppable
from ...system.files import write_blocks, write_file
from ...system.foreign_files import read_blocks, read_file
from ..installation.progress import Progress, Report, Step
from ..installation.sources import package_source
from ..offer.samples import Samples, SampleUnknownError, sample_path
from .errors import TargetError

_MOST_SAMPLES = 1000
"""Of one voice; each has some 100 kB."""


class _OtherBytesError(Exception):
    """A file on this machine is not the one of the repository."""


class Mirror:
    """A folder that becomes a mirror, voice by voice.

    Args:
        folder: to be served as `hub_endpoint`.
        store: the installed voices, whose files are taken if they are those of the repository.
        catalogue: the voices of the repository.
        samples: fetches those of the repository.
    """

    def __init__(
        self, folder: Path, store: Store, catalogue: CurrentCatalogue, samples: Samples
    ) -> None:
        self._root = folder / REPOSITORY / "resolve" / catalogue.hub.revision
        self._store = store
        self._catalogue = catalogue
        self._samples = samples

    async def add(self, name: str, report: Report) -> CatalogueVoice:
        """Put a voice into the mirror; what is there with the right digest is left alone.

        Without a network that works for installed voices; those lack samples then, and a model
        card if they were installed without.

        Raises:
            VoiceNotFoundError: the repository has no such voice.
            DownloadError: its files cannot be had.
            TargetError: the folder cannot be written.
        """
        entry = await self._catalogue.find(name)
        report(Progress(Step.COPYING, entry.model.name, 0, entry.size))
        try:
            entry = await self._completed(entry, report)
            await run_in_thread(self._list, entry)
            await self._add_samples(entry)
        except (NoSpaceError, StoreError, OSError) as err:
            reason = err.strerror if isinstance(err, OSError) else "see the disk's room and rights"
            raise TargetError(f"{self._root} cannot be written: {reason}") from None
        return entry

    async def _completed(self, entry: CatalogueVoice, report: Report) -> CatalogueVoice:
        missing = await run_stoppable(partial(self._take, entry))
        if not missing:
            return entry
        try:
            return await self._fetch(entry.name, report)
        except DownloadError:
            if missing != [entry.model_card]:
                raise
            return replace(entry, model_card=None)

    async def _add_samples(self, entry: CatalogueVoice) -> None:
        """Get the samples of a voice up to the first one that cannot be had."""
        for speaker in range(min(entry.number_of_speakers, _MOST_SAMPLES)):
            target = self._root / sample_path(entry, speaker)
            if await asyncio.to_thread(target.exists):
                continue
            try:
                sample = await self._samples.get(entry, speaker)
            except (SampleUnknownError, DownloadError):
                return
            await run_in_thread(write_file, target, sample)

    async def _fetch(self, name: str, report: Report) -> CatalogueVoice:
        """Get the missing files from the repository, as its newest catalogue has them."""
        async with connected(self._catalogue.hub) as hub:
            from ...hub.download import download  # noqa: PLC0415 - see `connected`

            catalogue = await refresh(hub)
            await self._catalogue.adopt(catalogue)
            assert catalogue.commit is not None
            entry = catalogue.find(name)
            for file in await run_stoppable(partial(self._take, entry)):
                target = self._root / file.path
                await asyncio.to_thread(partial(target.parent.mkdir, parents=True, exist_ok=True))
                on_progress = partial(_report_bytes, report, file.name)
                await download(hub, file, catalogue.commit, target, on_progress)
        return entry

    def _take(self, entry: CatalogueVoice, check_stop: Callable[[], None]) -> list[VoiceFile]:
        """Copy what this machine has; return the files that are still missing. Blocks."""
        missing = []
        for file in entry.files:
            target = self._root / file.path
            if _is(target, file, check_stop):
                continue
            for source in self._candidates(entry.name, file):
                try:
                    write_blocks(target, _checked(source, file, check_stop))
                    break
                except (_OtherBytesError, SourceFileError):
                    continue
            else:
                missing.append(file)
        return missing

    def _candidates(self, name: str, file: VoiceFile) -> Iterator[Path]:
        if (version := self._store.serving(name)) is not None:
            yield version / file.name
        if (packaged := package_source()) is not None and packaged.voice == name:
            yield packaged.model.with_name(file.name)

    def _list(self, entry: CatalogueVoice) -> None:
        """Add a voice to the catalogue, which keeps those that are whole. Blocks."""
        path = self._root / CATALOGUE_PATH
        listed = [entry]
        if path.exists():
            others = parse(read_file(path, MAX_BYTES), str(path))
            listed += [one for one in others if one.name != entry.name and self._is_whole(one)]
        voices = encode_voices(sorted(listed, key=lambda one: one.name))
        catalogue = json.dumps(voices, ensure_ascii=False, indent=1).encode()
        _write(path, catalogue)
        _write(self._root / MIRROR_PATH, mirror_mark(catalogue))  # last: clients ask for it first

    def _is_whole(self, entry: CatalogueVoice) -> bool:
        targets = ((self._root / file.path, file.size) for file in entry.files)
        return all(path.is_file() and path.stat().st_size == size for path, size in targets)


def _is(path: Path, file: VoiceFile, check_stop: Callable[[], None]) -> bool:
    try:
        for _ in _checked(path, file, check_stop):
            pass
    except (_OtherBytesError, SourceFileError):
        return False
    return True


def _checked(path: Path, file: VoiceFile, check_stop: Callable[[], None]) -> Iterator[bytes]:
    """Yield the bytes of a file; raise _OtherBytesError if they are not those of `file`."""
    digest, size = hashlib.md5(usedforsecurity=False), 0
    for block in read_blocks(path, file.size):
        check_stop()
        digest.update(block)
        size += len(block)
        yield block
    if (size, digest.hexdigest()) != (file.size, file.md5):
        raise _OtherBytesError


def _write(path: Path, data: bytes) -> None:
    try:
        if read_file(path, MAX_BYTES) == data:
            return
    except SourceFileError:
        pass  # not there, or something else
    write_file(path, data)


def _report_bytes(report: Report, name: str, done: int, total: int) -> None:
    report(Progress(Step.FETCHING, name, done, total))
