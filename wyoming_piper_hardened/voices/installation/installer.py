"""The transaction by which voices are installed and repaired."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from ...engine.embedded import is_outdated
from ...errors import NoSpaceError, NotInstalledError, VoiceError, VoiceWatchedError
from ...reporting.events import Event
from ...reporting.issues import Damage, DamageKind
from ...store.damage_mark import DamageMark, NoCopyError, remove_mark
from ...store.manifest import read_manifest
from ...store.origin import OriginKind
from ...store.store import Store, disk_error, folder_size
from ...store.verifier import Verifier
from ...store.voice import Voice, check_voice_name, is_voice_name, read_voice
from ...system.aio import run_in_thread
from ..library import find_voice
from .checks import check_files, log_reduced
from .ownership import check_not_lost, same_source
from .package_check import find_package_damage
from .progress import Progress, Report, Step, ignore_progress
from .sources import FileSource, Source, SourceFinder, own_source, package_source

_LOGGER = logging.getLogger(__name__)
_LOCK_INTERVAL = 0.2

Try = Callable[[Path], Awaitable[None]]
Prepare = Callable[[Path, Path], Awaitable[None]]


class Installer:
    """Installs, verifies, repairs and removes voices.

    Args:
        store: the installed voices.
        sources: finds the source of a voice by its name.
        try_voice: loads a model in a process of its own and has it speak; raises VoiceError.
        prepare_voice: splits a model into parts in a folder, in a process of its own.
    """

    def __init__(
        self, store: Store, sources: SourceFinder, try_voice: Try, prepare_voice: Prepare
    ) -> None:
        self.store = store
        self.sources = sources
        self._prepare = prepare_voice
        self._try_voice = try_voice
        self.verifier = Verifier()
        self._testing = asyncio.Lock()

    async def has(self, name: str) -> bool:
        """Return whether the store has a voice of that name, usable or not."""
        return name in await asyncio.to_thread(self.store.names)

    async def read(self, name: str) -> Voice:
        """Return the version of a voice that should serve.

        Raises:
            VoiceError: there is none that can be used.
        """
        return await asyncio.to_thread(find_voice, self.store, name)

    async def install(self, source: Source, report: Report = ignore_progress) -> Voice:
        """Commit a voice; the version that served until then serves on till the switch.

        If the very same files are committed already, nothing is done, unless their parts are of an
        earlier format: then these are made again. Requests under way keep the version that they
        began with; `remove_outdated` removes it later.

        Raises:
            VoiceError: the voice cannot be had, cannot be used, or the disk refuses. Nothing has
                changed then.
        """
        before = await asyncio.to_thread(self._served, source.voice)
        async with self._exclusive(source.voice):
            if (voice := await asyncio.to_thread(self._committed, source, before)) is not None:
                return voice
            await asyncio.to_thread(check_not_lost, self.store, source)
            return await self._transact(source, report)

    async def remove_outdated(self, name: str) -> None:
        """Remove versions with parts of an earlier format that no longer serve."""
        async with self._exclusive(name):
            await asyncio.to_thread(self._remove_outdated, name)

    async def verify(self, name: str) -> tuple[Damage, ...]:
        """Read every byte of the version that should serve, or of the embedded voice.

        Raises:
            VoiceError: there is none.
        """
        check_voice_name(name)
        version = await asyncio.to_thread(self._version, name)
        if isinstance(version, FileSource):
            return await asyncio.to_thread(find_package_damage, version.model)
        return await self.verifier.find_damage(version)

    async def repair(self, name: str, report: Report = ignore_progress) -> Voice:
        """Verify a voice; if it is damaged, get it again, commit it and quarantine the old version.

        If only the parts are damaged they are made again from the voice's own model. A damaged
        model is quarantined even if no other can be had, as long as something else can speak. Only
        a voice of the user's own that no source has stays where it is, marked.

        Raises:
            NoCopyError: no source has it.
            VoiceError: it cannot be repaired.
        """
        async with self._exclusive(name):
            version = await asyncio.to_thread(self._current, name)
            source = await asyncio.to_thread(same_source, self.sources, name, version)
            if version is None:
                if source is None:
                    raise NotInstalledError(f"{name} cannot be repaired: no source has it")
                return await self._transact(source, report)
            report(Progress(Step.TESTING))
            damage = await self.verifier.find_damage(version)
            if not damage:
                if await self._speaks(version / f"{name}.onnx"):
                    await asyncio.to_thread(remove_mark, version)
                    return await asyncio.to_thread(read_voice, name, version / f"{name}.onnx")
                damage = (Damage("", DamageKind.SILENT),)
            own = await asyncio.to_thread(own_source, name, version, damage)
            if own and (voice := await self._rebuild(own, version, damage, report)):
                return voice
            if source is None:
                if not await asyncio.to_thread(self._is_last, name):
                    await asyncio.to_thread(DamageMark(damage).write, version)
                raise NoCopyError(name, damage)
            try:
                return await self._replace(source, version, damage, report)
            except VoiceError:
                if own is None:
                    await self._withdraw(version, damage)
                raise

    async def dismiss(self, name: str) -> None:
        """Remember that nobody wants to hear again of a marked version's damage.

        Raises:
            StoreError: the disk refuses.
        """
        async with self._exclusive(name):
            if (marked := await asyncio.to_thread(self.store.marked, name)) is not None:
                version, mark = marked
                await asyncio.to_thread(DamageMark(mark.damage, dismissed=True).write, version)

    async def remove(self, name: str) -> None:
        """Remove a voice from the store.

        Raises:
            VoiceError: there is none of that name.
            VoiceWatchedError: it would be back at once.
        """
        async with self._exclusive(name):
            for model in await asyncio.to_thread(self.sources.custom_models, name):
                raise VoiceWatchedError(
                    f"{name} would be installed again at once, for its folder is watched; remove "
                    f"{model.name} from custom_voice_dirs first"
                )
            if not await self.has(name):
                raise NotInstalledError(f"{name} is not in data_dir")
            await asyncio.to_thread(self.store.remove, name)

    async def collect_garbage(self) -> int:
        """Remove remains of transactions, idle versions and the quarantine; returns the bytes.

        Raises:
            VoiceError: the disk refuses.
        """
        freed = 0
        for name in await asyncio.to_thread(self.store.names):
            if is_voice_name(name):
                async with self._exclusive(name):
                    for version in await asyncio.to_thread(self.store.superfluous, name):
                        freed += await asyncio.to_thread(_remove, version)
        for folder in await asyncio.to_thread(self.store.quarantined):
            freed += await asyncio.to_thread(_remove, folder)
        return freed + await asyncio.to_thread(self.store.recover)

    async def _rebuild(
        self, own: FileSource, version: Path, damage: tuple[Damage, ...], report: Report
    ) -> Voice | None:
        """Make the parts again from the version's own model; ``None`` if that fails."""
        try:
            return await self._replace(own, version, damage, report)
        except NoSpaceError:  # another source needs as much
            raise
        except VoiceError as err:
            _LOGGER.info(Event("own-model-repair-failed", voice=own.voice, reason=str(err)))
            return None

    async def _replace(
        self, source: Source, version: Path, damage: tuple[Damage, ...], report: Report
    ) -> Voice:
        return await self._transact(source, report, lambda: self._quarantine(version, damage))

    def _quarantine(self, version: Path, damage: tuple[Damage, ...]) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.store.quarantine_version(version, damage)

    async def _withdraw(self, version: Path, damage: tuple[Damage, ...]) -> None:
        """Quarantine a damaged version unless nothing else could speak."""
        if not await asyncio.to_thread(self._is_last, version.parent.name):
            await asyncio.to_thread(self._quarantine, version, damage)

    @contextlib.asynccontextmanager
    async def staging(self, model_bytes: int) -> AsyncIterator[Path]:
        """Provide a folder for the files of a voice; it is always removed afterwards.

        Args:
            model_bytes: of the model, or 0 if unknown.

        Raises:
            NoSpaceError: a model of that size would not fit.
            StoreError: the disk refuses, also within the context.
        """
        try:
            async with self._stage(model_bytes) as stage:
                yield stage
        except OSError as err:
            raise disk_error(err) from None

    @contextlib.asynccontextmanager
    async def _stage(self, model_bytes: int) -> AsyncIterator[Path]:
        """Do as `staging`, but leave errors of the disk as they are."""
        stack = contextlib.ExitStack()

        def begin() -> Path:
            stage = self.store.begin(model_bytes)
            stack.callback(self.store.abandon, stage)
            return stage

        try:
            yield await run_in_thread(begin)
        finally:
            await run_in_thread(stack.close)

    async def _transact(
        self, source: Source, report: Report, afterwards: Callable[[], None] = lambda: None
    ) -> Voice:
        """Install from a source; `afterwards` is part of the commit."""
        async with self._stage(source.model_bytes) as stage:
            origin = await source.fetch(stage, report, self.store.check_space)
            model = stage / f"{source.voice}.onnx"
            await asyncio.to_thread(check_files, model)
            async with self._testing:  # a small machine has the memory for one at a time
                report(Progress(Step.PREPARING))
                await self._prepare(model, stage)
                report(Progress(Step.TESTING))
                await self._try_voice(model)
            await asyncio.to_thread(log_reduced, model)
            report(Progress(Step.COMMITTING))

            def commit() -> Voice:
                voice = self.store.commit(source.voice, origin, stage)
                afterwards()
                return voice

            return await run_in_thread(commit)

    async def _speaks(self, model: Path) -> bool:
        try:
            await self._try_voice(model)
        except VoiceError:
            return False
        return True

    @contextlib.asynccontextmanager
    async def _exclusive(self, name: str) -> AsyncIterator[None]:
        """Hold the lock of a voice; errors of the disk get their names meanwhile."""
        check_voice_name(name)
        stack = contextlib.ExitStack()
        try:
            while not await run_in_thread(lambda: stack.enter_context(self.store.try_lock(name))):
                await run_in_thread(stack.close)
                await asyncio.sleep(_LOCK_INTERVAL)
            yield
        except OSError as err:
            raise disk_error(err) from None
        finally:
            await run_in_thread(stack.close)

    def _served(self, name: str) -> Path | None:
        return self.store.serving(name) if is_voice_name(name) else None

    def _remove_outdated(self, name: str) -> None:
        if (serving := self.store.serving(name)) is None:
            return  # one of them may have to be repaired
        for version in self.store.versions(name):
            if version != serving and is_outdated(version):
                shutil.rmtree(version, ignore_errors=True)

    def _committed(self, source: Source, before: Path | None) -> Voice | None:
        """Return the voice if it is there: these very files, or those just fetched by another one.

        The other one may have got a newer version than is known to the one that waited.
        """
        version = self.store.serving(source.voice)
        if version is None or is_outdated(version):
            return None
        origin = read_manifest(version).origin
        fetched = version != before and {origin.kind, source.origin.kind} == {OriginKind.HUB}
        if origin != source.origin and not fetched:
            return None
        return read_voice(source.voice, version / f"{source.voice}.onnx")

    def _version(self, name: str) -> Path | FileSource:
        """Return the folder of the version that should serve, or the embedded voice."""
        version = self._current(name) or self.store.serving(name)
        if version is None:
            if (packaged := package_source()) is not None and packaged.voice == name:
                return packaged
            raise NotInstalledError(f"{name[:100]!r} has no usable version in data_dir")
        return version

    def _current(self, name: str) -> Path | None:
        current = self.store.current(name)
        if current is None or not current.is_dir() or current.is_symlink():
            return None
        return current

    def _is_last(self, name: str) -> bool:
        """Return whether nothing speaks but this voice."""
        others = (other for other in self.store.names() if other != name)
        return package_source() is None and not any(map(self.store.serving, others))


def _remove(folder: Path) -> int:
    size = folder_size(folder)
    shutil.rmtree(folder)
    return size
