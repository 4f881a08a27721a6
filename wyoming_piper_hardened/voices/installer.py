"""Voices get into the store, and are mended there, by one transaction only."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

from ..concurrency import in_thread
from ..engine.embedded import is_outdated
from ..engine.messages import config_path
from ..errors import NoSpaceError, NotInstalledError, StoreError, VoiceError, VoiceWatchedError
from .hub_source import HUB
from .manifest import read_manifest
from .progress import Progress, Report, Step, unheard
from .proof import prepare
from .reader import Reader
from .source_finder import SourceFinder
from .sources import FileSource, Source, package_source
from .store import Store, folder_size
from .voice import Voice, is_voice_name, read_voice

_LOGGER = logging.getLogger(__name__)
_LOCK_INTERVAL = 0.2

Try = Callable[[Path], Awaitable[None]]
Prepare = Callable[[Path, Path], Awaitable[None]]


class Installer:
    """Installs, verifies and repairs.

    Args:
        store: where voices live.
        sources: tells where a voice of a given name can be had.
        prepare_voice: splits a model into parts in a folder, in a process of its own.
        try_voice: loads a model in a process of its own and has it speak; raises VoiceError.
    """

    def __init__(
        self, store: Store, sources: SourceFinder, try_voice: Try, prepare_voice: Prepare = prepare
    ) -> None:
        self.store = store
        self.sources = sources
        self._prepare = prepare_voice
        self._try_voice = try_voice
        self.reader = Reader()
        self._proving = asyncio.Lock()

    async def install(self, source: Source, report: Report = unheard) -> Voice:
        """Commit a voice; the version that served until then goes on serving till the switch.

        When the very same files are committed already, nothing is done, unless their parts are of
        an earlier format: then these are made again, and the version that had them is removed.

        Raises:
            VoiceError: the voice cannot be had, cannot be used, or the disk refuses. Nothing has
                changed then.
        """
        before = await asyncio.to_thread(self._served, source.voice)
        async with self._exclusive(source.voice):
            if (there := await asyncio.to_thread(self._committed, source, before)) is not None:
                return there
            outdated = await asyncio.to_thread(self._outdated, source.voice)
            return await self._transact(source, report, lambda: _discard(outdated))

    async def verify(self, name: str) -> list[str]:
        """Read every byte of the version that should serve; returns what is wrong with it.

        Raises:
            VoiceError: there is none.
        """
        _check_name(name)
        version = await asyncio.to_thread(self._version, name)
        return await self.reader.find_damage(version)

    async def repair(self, name: str, report: Report = unheard) -> Voice:
        """Verify, set aside what is bad, get it again and commit it.

        When only the parts are damaged they are made again from the voice's own model. A damaged
        model is set aside even when no other can be had, as long as something else can speak.

        Raises:
            VoiceError: it cannot be repaired.
        """
        async with self._exclusive(name):
            version = await asyncio.to_thread(self._current, name)
            source = await asyncio.to_thread(self.sources.find_if_any, name)
            if version is None:
                if source is None:
                    raise NotInstalledError(
                        f"{name} cannot be repaired: nothing tells where to get it"
                    )
                return await self._transact(source, report)
            report(Progress(Step.TESTING))
            damage = await self.reader.find_damage(version)
            if not damage:
                if await self._speaks(version / f"{name}.onnx"):
                    return await asyncio.to_thread(read_voice, name, version / f"{name}.onnx")
                damage = ["it does not speak"]
            own = await asyncio.to_thread(own_source, name, version, damage)
            if own and (mended := await self._mended(own, version, damage, report)):
                return mended
            if source is None:
                await self._withdraw(version, damage)
                raise VoiceError(
                    f"{name} is damaged ({'; '.join(damage)}) and nothing tells where to get it; "
                    "install it again"
                )
            try:
                return await self._replace(source, version, damage, report)
            except VoiceError:
                if own is None:
                    await self._withdraw(version, damage)
                raise

    async def remove(self, name: str) -> None:
        """Remove a voice from the store.

        Raises:
            VoiceError: there is none of that name.
            VoiceWatchedError: it would be back at once.
        """
        async with self._exclusive(name):
            for model in await asyncio.to_thread(self.sources.custom_models, name):
                raise VoiceWatchedError(
                    f"{name} would be installed again at once, for {model.parent} is watched; "
                    f"remove {model.name} there first"
                )
            if name not in await asyncio.to_thread(self.store.names):
                raise NotInstalledError(f"{name} is not in {self.store.root}")
            await asyncio.to_thread(self.store.remove, name)

    async def collect_garbage(self) -> int:
        """Remove what nobody will use any more; returns how many bytes that were.

        That is what interrupted transactions left, versions that do not serve, and everything in
        quarantine.

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

    async def _mended(
        self, own: FileSource, version: Path, damage: list[str], report: Report
    ) -> Voice | None:
        """Make the parts again from the version's own model; ``None`` when that is no use."""
        try:
            return await self._replace(own, version, damage, report)
        except NoSpaceError:  # another source needs as much
            raise
        except VoiceError as err:
            _LOGGER.info("%s is not mended from its own model: %s", own.voice, err)
            return None

    async def _replace(
        self, source: Source, version: Path, damage: list[str], report: Report
    ) -> Voice:
        return await self._transact(source, report, lambda: self._set_aside(version, damage))

    def _set_aside(self, version: Path, damage: list[str]) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.store.set_aside(version, "; ".join(damage))

    async def _withdraw(self, version: Path, damage: list[str]) -> None:
        """Set a damaged version aside unless silence would be the alternative."""
        if not await asyncio.to_thread(self._is_last, version.parent.name):
            await asyncio.to_thread(self._set_aside, version, damage)

    @contextlib.asynccontextmanager
    async def staging(self, model_bytes: int) -> AsyncIterator[Path]:
        """A folder for the files of a voice; whatever happens, gone afterwards.

        Args:
            model_bytes: of the model, or 0 if nobody knows.

        Raises:
            NoSpaceError: a model of that size would not fit.
        """
        stack = contextlib.ExitStack()

        def begin() -> Path:
            stage = self.store.begin(model_bytes)
            stack.callback(self.store.abandon, stage)
            return stage

        try:
            yield await in_thread(begin)
        finally:
            await in_thread(stack.close)

    async def _transact(
        self, source: Source, report: Report, afterwards: Callable[[], None] = lambda: None
    ) -> Voice:
        """Install; what is to be done `afterwards` belongs to the commit."""
        async with self.staging(source.model_bytes) as stage:
            label = await source.place(stage, report)
            model = stage / f"{source.voice}.onnx"
            await asyncio.to_thread(_look_at, model)
            async with self._proving:  # a small machine has the memory for one at a time
                report(Progress(Step.PREPARING))
                await self._prepare(model, stage)
                report(Progress(Step.TESTING))
                await self._try_voice(model)
            report(Progress(Step.COMMITTING))

            def commit() -> Voice:
                voice = self.store.commit(source.voice, label, stage)
                afterwards()
                return voice

            return await in_thread(commit)

    async def _speaks(self, model: Path) -> bool:
        try:
            await self._try_voice(model)
        except VoiceError:
            return False
        return True

    @contextlib.asynccontextmanager
    async def _exclusive(self, name: str) -> AsyncIterator[None]:
        """Hold the lock of a voice; whatever the disk refuses meanwhile is one named error."""
        _check_name(name)
        try:
            with contextlib.ExitStack() as stack:
                while not await in_thread(lambda: stack.enter_context(self.store.try_lock(name))):
                    await in_thread(stack.close)
                    await asyncio.sleep(_LOCK_INTERVAL)
                yield
        except OSError as err:
            raise refused(err, self.store.root) from None

    def _served(self, name: str) -> Path | None:
        return self.store.serving(name) if is_voice_name(name) else None

    def _outdated(self, name: str) -> list[Path]:
        return [version for version in self.store.versions(name) if is_outdated(version)]

    def _committed(self, source: Source, before: Path | None) -> Voice | None:
        """The voice, if it is there: these very files, or what somebody else has just fetched.

        Who waited for the lock may know of an older version than the one that the other one got.
        """
        version = self.store.serving(source.voice)
        if version is None or is_outdated(version):
            return None
        label = read_manifest(version).source
        fetched = version != before and {label[:4], source.label[:4]} == {f"{HUB}:"}
        if label != source.label and not fetched:
            return None
        return read_voice(source.voice, version / f"{source.voice}.onnx")

    def _version(self, name: str) -> Path:
        version = self._current(name) or self.store.serving(name)
        if version is None:
            raise NotInstalledError(f"{name[:100]!r} has no usable version in {self.store.root}")
        return version

    def _current(self, name: str) -> Path | None:
        current = self.store.current(name)
        return current if current in self.store.versions(name) else None

    def _is_last(self, name: str) -> bool:
        """Whether nothing speaks but this voice."""
        others = (other for other in self.store.names() if other != name)
        return package_source() is None and not any(map(self.store.serving, others))


def refused(err: OSError, root: Path) -> VoiceError:
    """The error to raise when the disk below `root` refuses."""
    kind = NoSpaceError if err.errno in {errno.ENOSPC, errno.EDQUOT} else StoreError
    return kind(f"{root} refuses: {err.strerror}; what was there still serves")


def _check_name(name: str) -> None:
    if not is_voice_name(name):
        raise VoiceError(f"{name[:100]!r} cannot be the name of a voice")


def _remove(folder: Path) -> int:
    size = folder_size(folder)
    shutil.rmtree(folder)
    return size


def own_source(name: str, version: Path, damage: Sequence[str] = ()) -> FileSource | None:
    """The version's own model, if that is not what is damaged. Blocks on the disk."""
    model = version / f"{name}.onnx"
    try:
        manifest = read_manifest(version)
    except VoiceError:
        return None
    if any(problem.startswith((model.name, config_path(model).name)) for problem in damage):
        return None
    size = manifest.files[model.name].size
    return FileSource(name, manifest.source, model, size, linked=True)


def _discard(versions: list[Path]) -> None:
    for version in versions:
        shutil.rmtree(version, ignore_errors=True)


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
