"""What is done for the voices of a running server without being asked."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..engine.embedded import is_outdated
from ..errors import (
    CalledOffError,
    HardenedError,
    NoSpaceError,
    OfflineError,
    StoreError,
    VoiceError,
    VoiceNotFoundError,
)
from .current_catalogue import CurrentCatalogue
from .hub_source import HUB, hub_label
from .installer import own_source
from .keeper import Keeper
from .manifest import read_manifest
from .resolution import Issue, IssueKind, Suggestion
from .sources import custom_source, package_source
from .voice import Voice

_LOGGER = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
"""How often a voice is mended or fetched unasked when the reason is not the network."""

_RETRY_DELAY, _RETRY_LIMIT = 60.0, 3600.0  # seconds; doubles
_FIRST_CHECK = 30.0  # seconds after the start
_CHECK_INTERVAL = 24 * 3600.0
_CHECK_PAUSE = 0.02  # seconds after each megabyte: about 50 MB/s at most, on an idle disk
_REFRESH_INTERVAL = 24 * 3600.0
_CUSTOM_INTERVAL = 30.0
_FOLLOW_INTERVAL = 5.0
_AFTER_A_BUG = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """What is done without being asked.

    Args:
        auto_repair: mend voices that are found damaged.
        auto_install: install the voices of `wanted` that are missing.
        wanted: the voices of the settings.
        repair_on_start: voices to verify and mend when the server starts; ``all`` means each.
        custom_voice_dirs: folders that are watched for voices of the user's own.
    """

    auto_repair: bool = True
    auto_install: bool = True
    wanted: tuple[str, ...] = ()
    repair_on_start: tuple[str, ...] = ()
    custom_voice_dirs: tuple[Path, ...] = ()


@dataclass(slots=True)
class Caretaker:
    """Looks after the voices until `run` is cancelled.

    Args:
        keeper: carries out what is to be done.
        catalogue: what the hub has.
        care: what to do unasked.
        ready: waits until the server speaks, for that comes first.
    """

    keeper: Keeper
    catalogue: CurrentCatalogue
    care: Care
    ready: Callable[[], Awaitable[None]]
    repaired_on_start: asyncio.Event = field(default_factory=asyncio.Event)
    """Set as soon as every voice of `repair_on_start` is whole."""
    _reports: asyncio.Queue[tuple[Path, str]] = field(default_factory=asyncio.Queue)
    _sick: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    _patients: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _rejected: dict[Path, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Care until cancelled."""
        duties = (
            *(self._start, self._listen, self._admit),
            *(self._check, self._refresh, self._watch, self._follow),
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                for duty in duties:
                    tasks.create_task(self._perform(duty))
        finally:
            for task in self._patients.values():
                task.cancel()
            await self.keeper.close()

    def report(self, model: str, reason: str) -> None:
        """A worker says that a model, or its parts, cannot be loaded."""
        self._reports.put_nowait((Path(model), reason))

    async def _perform(self, duty: Callable[[], Awaitable[None]]) -> None:
        """A duty; a bug in one, or in a disk, ends neither the others nor the server."""
        while True:
            try:
                await duty()
            except Exception:
                _LOGGER.exception("the care of voices met an error; please report this")
                await asyncio.sleep(_AFTER_A_BUG)
            else:
                return

    async def _start(self) -> None:
        """Verify, install and prepare what the settings name."""
        keeper = self.keeper
        await self.ready()
        wanted = self.care.repair_on_start
        names = [voice.name for voice in keeper.library] if "all" in wanted else list(wanted)
        if all([await self._try(keeper.repair(name)) for name in names]):
            self.repaired_on_start.set()
        for voice in list(keeper.library):
            if not voice.prepared:
                await self._prepare(voice)
            elif await asyncio.to_thread(is_outdated, voice.model.parent):
                await self._convert(voice)
        for name in await asyncio.to_thread(keeper.installer.store.names):
            if name not in keeper.library:
                message = "no version of it can be used"
                keeper.tell(Issue(IssueKind.DAMAGED, name, message, Suggestion.REPAIR))
                self._sick.put_nowait(name)
        for name in dict.fromkeys(self.care.wanted):
            if name not in keeper.library and name not in self._patients:
                await self._miss(name)

    async def _miss(self, name: str) -> None:
        """A voice of the settings is not installed."""
        try:
            source = await asyncio.to_thread(self.keeper.installer.sources.find, name)
        except VoiceNotFoundError as err:
            self.keeper.tell(Issue(IssueKind.MISSING, name, str(err), Suggestion.CHANGE_OPTION))
            return
        if source.voice in self.keeper.library:
            return  # it goes by an older name
        if self.care.auto_install:  # no trouble yet: it is on its way
            self._treat(source.voice, self.keeper.install)
            return
        message = "it is not installed"
        self.keeper.tell(Issue(IssueKind.MISSING, source.voice, message, Suggestion.INSTALL))

    async def _prepare(self, voice: Voice) -> None:
        source = await asyncio.to_thread(package_source)
        if source is None or source.voice != voice.name:
            self._sick.put_nowait(voice.name)  # its parts are made again from its own model
            return
        try:
            await self.keeper.add(source)
        except VoiceError as err:
            suggestion = Suggestion.REPAIR
            self.keeper.tell(Issue(IssueKind.UNPREPARED, voice.name, str(err), suggestion))
            _LOGGER.warning("%s is used as it is: each sentence starts later", voice.name)

    async def _convert(self, voice: Voice) -> None:
        """Bring the parts of an earlier version of this program into the present format."""
        version = voice.model.parent
        damage = await self.keeper.installer.reader.find_damage(version, _CHECK_PAUSE)
        own = await asyncio.to_thread(own_source, voice.name, version)
        if own is not None and not damage:  # a check in the background sees to that
            await self._try(self.keeper.add(own, lasting=False))  # if not, it speaks as before

    async def _listen(self) -> None:
        """Take up what workers say, but of what has been removed or replaced meanwhile."""
        while True:
            model, reason = await self._reports.get()
            name = model.stem
            if await self.keeper.has(name) and not self._is_replaced(model):
                self.keeper.tell(Issue(IssueKind.UNLOADABLE, name, reason, Suggestion.REPAIR))
                self._sick.put_nowait(name)

    def _is_replaced(self, model: Path) -> bool:
        library = self.keeper.library
        return model.stem in library and library.find(model.stem).model != model

    async def _admit(self) -> None:
        """Have sick voices treated, each at most once at a time."""
        while True:
            name = await self._sick.get()
            if self.care.auto_repair:
                self._treat(name, self.keeper.repair)

    def _treat(self, name: str, treat: Callable[[str], Awaitable[object]]) -> None:
        if name in self._patients:
            return
        task = asyncio.create_task(self._until_well(name, treat))
        self._patients[name] = task
        task.add_done_callback(lambda _: self._patients.pop(name, None))

    async def _until_well(self, name: str, treat: Callable[[str], Awaitable[object]]) -> None:
        """Try again and again while the network is away, a few times for any other reason."""
        for attempt, delay in zip(itertools.count(1), _delays(), strict=False):
            try:
                await treat(name)
            except CalledOffError as err:
                self.keeper.tell(Issue(IssueKind.MISSING, name, str(err), Suggestion.INSTALL))
                return
            except HardenedError as err:
                if isinstance(err, OfflineError) or (attempt >= MAX_ATTEMPTS and not err.retryable):
                    return  # an issue tells; a person has to do something
                _LOGGER.info("%s: tried again in %.0f s", name, delay)
                await asyncio.sleep(delay)
                if not any(issue.subject == name for issue in self.keeper.issues):
                    return  # somebody else has seen to it
            else:
                return

    async def _check(self) -> None:
        """Read every byte of every voice, slowly, now and then."""
        await self.ready()
        await asyncio.sleep(_FIRST_CHECK)
        while True:
            for name in await asyncio.to_thread(self.keeper.installer.store.names):
                await self._check_one(name)
            await asyncio.sleep(_CHECK_INTERVAL)

    async def _check_one(self, name: str) -> None:
        store, reader = self.keeper.installer.store, self.keeper.installer.reader
        version = await asyncio.to_thread(store.current, name)
        if version is None or name in self.keeper.works:
            return
        damage = await reader.find_damage(version, _CHECK_PAUSE)
        if damage and await asyncio.to_thread(store.current, name) == version:
            message = "; ".join(damage)
            self.keeper.tell(Issue(IssueKind.DAMAGED, name, message, Suggestion.REPAIR))
            self._sick.put_nowait(name)

    async def _refresh(self) -> None:
        """Keep the catalogue new, but only for who uses the hub: nobody else is contacted."""
        await self.ready()
        await asyncio.sleep(_FIRST_CHECK)
        while True:
            delay = _REFRESH_INTERVAL
            hub_is_used = bool(await asyncio.to_thread(self._hub_labels))
            if hub_is_used and not self.catalogue.hub.offline:
                try:
                    await self.catalogue.refresh()
                except VoiceError as err:
                    issue = Issue(
                        IssueKind.UNREACHABLE, "catalogue", str(err), Suggestion.CHECK_NETWORK
                    )
                    self.keeper.tell(issue)
                    delay = _RETRY_LIMIT
                else:
                    self.keeper.issues.dismiss("catalogue")
                    await self._tell_stale()
            await asyncio.sleep(delay)

    async def _tell_stale(self) -> None:
        catalogue = self.catalogue.read()
        for name, label in (await asyncio.to_thread(self._hub_labels)).items():
            entry = catalogue.voices.get(name)
            self.keeper.issues.dismiss(name, IssueKind.STALE)
            if entry is None or hub_label(entry) == label:
                continue
            message = "the hub has another version of it; what is installed goes on speaking"
            self.keeper.tell(Issue(IssueKind.STALE, name, message, Suggestion.UPDATE))

    def _hub_labels(self) -> dict[str, str]:
        """What is served and came from the hub. Blocks on the disk."""
        store, labels = self.keeper.installer.store, {}
        for name in store.names():
            if (version := store.serving(name)) is not None:
                label = read_manifest(version).source
                if label.startswith(f"{HUB}:"):
                    labels[name] = label
        return labels

    async def _watch(self) -> None:
        """Look for voices of the user's own."""
        await self.ready()
        while self.care.custom_voice_dirs:
            for folder in self.care.custom_voice_dirs:
                for model in await asyncio.to_thread(_models, folder):
                    await self._import(model)
            await asyncio.sleep(_CUSTOM_INTERVAL)

    async def _follow(self) -> None:
        """Take over what other processes do in the store."""
        store = self.keeper.installer.store
        known = await asyncio.to_thread(store.state)
        while True:
            await asyncio.sleep(_FOLLOW_INTERVAL)
            seen = await asyncio.to_thread(store.state)
            for name in known.keys() | seen.keys():
                if known.get(name) != seen.get(name) and name not in self.keeper.works:
                    await self.keeper.reread(name)
            known = seen

    async def _import(self, model: Path) -> None:
        label = ""
        try:
            source = await asyncio.to_thread(custom_source, model)
            label = source.label
            if self._rejected.get(model) == label or await asyncio.to_thread(
                self._is_served, model.stem, label
            ):
                return  # told or done already, and nobody has changed it since
            await self.keeper.add(source)
            self._rejected.pop(model, None)
        except (NoSpaceError, StoreError):
            pass  # not the file's fault: an issue tells, and it is tried again
        except CalledOffError:
            self._rejected[model] = label  # until somebody changes it
        except VoiceError as err:
            self._rejected[model] = label
            self.keeper.issues.dismiss(model.stem, IssueKind.MISSING)
            suggestion = Suggestion.REPLACE_FILE
            self.keeper.tell(Issue(IssueKind.REJECTED, model.stem, str(err), suggestion))

    def _is_served(self, name: str, label: str) -> bool:
        version = self.keeper.installer.store.serving(name)
        return version is not None and read_manifest(version).source == label

    async def _try(self, work: Awaitable[object]) -> bool:
        """Whether it succeeded; if not, an issue tells."""
        try:
            await work
        except HardenedError:
            return False
        return True


def _delays() -> Iterator[float]:
    """Seconds between attempts."""
    delay = _RETRY_DELAY
    while True:
        yield delay
        delay = min(2 * delay, _RETRY_LIMIT)


def _models(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.glob("*.onnx") if path.is_file())
    except OSError:
        return []
