"""Voices get into the store, and are mended there, by one transaction only."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from ..engine.messages import config_path
from ..errors import NoSpaceError, StoreError, VoiceError
from .manifest import find_damage, read_manifest
from .proof import prepare
from .sources import FileSource, Source
from .store import Store
from .voice import Voice, read_voice

_LOGGER = logging.getLogger(__name__)
_LOCK_INTERVAL = 0.2
_NAME = re.compile(r"[^\W\d_][\w.+-]{0,99}")

Find = Callable[[str], Source | None]
Try = Callable[[Path], Awaitable[None]]
Prepare = Callable[[Path, Path], Awaitable[None]]


class Installer:
    """Installs, verifies and repairs.

    Args:
        store: where voices live.
        find_source: tells where a voice of that name can be had.
        prepare_voice: splits a model into parts in a folder, in a process of its own.
        try_voice: loads a model in a process of its own and has it speak; raises VoiceError.
    """

    def __init__(
        self, store: Store, find_source: Find, try_voice: Try, prepare_voice: Prepare = prepare
    ) -> None:
        self.store = store
        self._prepare = prepare_voice
        self._find_source = find_source
        self._try_voice = try_voice

    async def install(self, source: Source) -> Voice:
        """Commit a voice; the version that served until then goes on serving till the switch.

        When the very same files are committed already, nothing is done.

        Raises:
            VoiceError: the voice cannot be had, cannot be used, or the disk refuses. Nothing has
                changed then.
        """
        if not _NAME.fullmatch(source.voice):
            raise VoiceError(f"{source.voice[:100]!r} cannot be the name of a voice")
        async with self._exclusive():
            if (there := await asyncio.to_thread(self._committed, source)) is not None:
                return there
            return await self._transact(source)

    async def verify(self, name: str) -> list[str]:
        """Read every byte of the serving version; returns what is wrong with it."""
        version = await asyncio.to_thread(self._version, name)
        return await asyncio.to_thread(find_damage, version, digests=True)

    async def repair(self, name: str) -> Voice:
        """Verify, set aside what is bad, get it again and commit it.

        When only the parts are damaged they are made again from the voice's own model.

        Raises:
            VoiceError: it cannot be repaired; what still speaks goes on speaking.
        """
        async with self._exclusive():
            version = await asyncio.to_thread(self._newest, name)
            source = await asyncio.to_thread(self._find_source, name)
            if version is not None:
                damage = await asyncio.to_thread(find_damage, version, digests=True)
                if not damage and await self._speaks(version / f"{name}.onnx"):
                    return await asyncio.to_thread(read_voice, name, version / f"{name}.onnx")
                own = await asyncio.to_thread(_own_source, name, version, damage)
                if own is not None:
                    with contextlib.suppress(VoiceError):
                        return await self._replace(own, version, damage)
                if source is not None:
                    return await self._replace(source, version, damage)
            if source is None:
                raise VoiceError(f"{name} cannot be repaired: nothing tells where to get it")
            return await self._transact(source)

    async def remove(self, name: str) -> None:
        """Remove a voice from the store.

        Raises:
            VoiceError: there is none of that name.
        """
        async with self._exclusive():
            if name not in await asyncio.to_thread(self.store.names):
                raise VoiceError(f"{name[:100]!r} is not in {self.store.root}")
            await asyncio.to_thread(self.store.remove, name)

    async def _replace(self, source: Source, version: Path, damage: list[str]) -> Voice:
        voice = await self._transact(source)
        with contextlib.suppress(FileNotFoundError):
            reason = "; ".join(damage) or "it did not speak"
            await asyncio.to_thread(self.store.set_aside, version, reason)
        return voice

    async def _transact(self, source: Source) -> Voice:
        stage = await asyncio.to_thread(self.store.begin, source.model_bytes)
        try:
            await source.place(stage)
            model = stage / f"{source.voice}.onnx"
            await asyncio.to_thread(_look_at, model)
            await self._prepare(model, stage)
            await self._try_voice(model)
            commit = asyncio.create_task(
                asyncio.to_thread(self.store.commit, source.voice, source.label, stage)
            )
            try:
                return await asyncio.shield(commit)
            except asyncio.CancelledError:
                await asyncio.wait({commit})  # a thread cannot be stopped in the middle
                raise
        finally:
            await asyncio.to_thread(self.store.abandon, stage)

    async def _speaks(self, model: Path) -> bool:
        try:
            await self._try_voice(model)
        except VoiceError:
            return False
        return True

    @contextlib.asynccontextmanager
    async def _exclusive(self) -> AsyncIterator[None]:
        """Hold the store's lock; whatever the disk refuses meanwhile is one named error."""
        try:
            with contextlib.ExitStack() as stack:
                while not await asyncio.to_thread(
                    lambda: stack.enter_context(self.store.try_lock())
                ):
                    await asyncio.to_thread(stack.close)
                    await asyncio.sleep(_LOCK_INTERVAL)
                yield
        except OSError as err:
            kind = NoSpaceError if err.errno in {28, 122} else StoreError  # ENOSPC, EDQUOT
            raise kind(
                f"{self.store.root} refuses: {err.strerror}; what was there still serves"
            ) from None

    def _committed(self, source: Source) -> Voice | None:
        version = self.store.serving(source.voice)
        if version is None or read_manifest(version).source != source.label:
            return None
        return read_voice(source.voice, version / f"{source.voice}.onnx")

    def _version(self, name: str) -> Path:
        version = self.store.serving(name)
        if version is None:
            raise VoiceError(f"{name[:100]!r} has no usable version in {self.store.root}")
        return version

    def _newest(self, name: str) -> Path | None:
        versions = self.store.versions(name)
        current = self.store.current(name)
        return current if current in versions else next(iter(versions), None)


def _own_source(name: str, version: Path, damage: list[str]) -> FileSource | None:
    """The version's own model, if that is not what is damaged."""
    model = version / f"{name}.onnx"
    try:
        manifest = read_manifest(version)
    except VoiceError:
        return None
    if any(problem.startswith((model.name, config_path(model).name)) for problem in damage):
        return None
    return FileSource(name, manifest.source, model, manifest.files[model.name].size)


def _look_at(model: Path) -> None:
    """Recognise files that are no voice by their first bytes, and say what they are."""
    for path in (model, config_path(model)):
        try:
            with path.open("rb") as file:
                start = file.read(200).lstrip()
        except OSError as err:
            raise VoiceError(f"{path.name} cannot be read: {err.strerror}") from None
        if start.startswith(b"<"):
            raise VoiceError(f"{path.name} is a web page; the download was intercepted")
        if start.startswith(b"version https://git-lfs"):
            raise VoiceError(f"{path.name} is a Git LFS pointer; get the file that it stands for")
        if not start:
            raise VoiceError(f"{path.name} is empty")
    read_voice(model.stem, model)
