"""Keeps the voices of a running server in order: prepares, checks, imports and mends them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import HardenedError, NoSpaceError, VoiceError
from .installer import Installer
from .library import Library
from .manifest import find_damage
from .resolution import Issue, IssueKind, Issues, Suggestion
from .sources import custom_source, package_source
from .voice import Voice

_LOGGER = logging.getLogger(__name__)

MAX_AUTO_ATTEMPTS = 3
"""How often a voice is mended without being asked, until the server starts anew."""

_FIRST_CHECK = 60.0  # seconds after the start
_CHECK_INTERVAL = 24 * 3600.0
_CHECK_PAUSE = 0.02  # seconds after each megabyte: about 50 MB/s at most, on an idle disk
_CUSTOM_INTERVAL = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """What is done without being asked.

    Args:
        auto_repair: mend voices that are found damaged.
        repair_on_start: voices to verify and mend when the server starts; ``all`` means each.
        custom_voice_dirs: folders that are watched for voices of the user's own.
    """

    auto_repair: bool = True
    repair_on_start: tuple[str, ...] = ()
    custom_voice_dirs: tuple[Path, ...] = ()


@dataclass(slots=True)
class Keeper:
    """Works through what is to be done, one voice at a time.

    Args:
        installer: does the work.
        library: where new versions are put to serve.
        issues: where trouble is told.
        care: what to do unasked.
        on_new: called with every newly committed voice.
    """

    installer: Installer
    library: Library
    issues: Issues
    care: Care
    on_new: Callable[[Voice], None]
    _sick: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    _attempts: dict[str, int] = field(default_factory=dict)
    _rejected: dict[Path, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Care until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._start())
            tasks.create_task(self._mend())
            tasks.create_task(self._check())
            if self.care.custom_voice_dirs:
                tasks.create_task(self._watch_custom())

    def report(self, model: str, reason: str) -> None:
        """A worker says that a model, or its parts, cannot be loaded."""
        name = Path(model).stem
        self._raise(Issue(IssueKind.UNLOADABLE, name, reason, Suggestion.REPAIR))
        self._sick.put_nowait(name)

    async def _start(self) -> None:
        wanted = self.care.repair_on_start
        names = [voice.name for voice in self.library] if "all" in wanted else list(wanted)
        for name in names:
            await self._repair(name)
        for voice in list(self.library):
            if not voice.prepared:
                await self._prepare(voice)

    async def _prepare(self, voice: Voice) -> None:
        source = await asyncio.to_thread(package_source)
        if source is None or source.voice != voice.name:
            self._sick.put_nowait(voice.name)  # its parts are made again from its own model
            return
        try:
            self._serve(await self.installer.install(source))
        except VoiceError as err:
            self._tell(IssueKind.UNPREPARED, voice.name, err)
            _LOGGER.warning("%s is used as it is: each sentence starts later", voice.name)

    async def _mend(self) -> None:
        while True:
            name = await self._sick.get()
            if not self.care.auto_repair:
                continue
            self._attempts[name] = self._attempts.get(name, 0) + 1
            if self._attempts[name] <= MAX_AUTO_ATTEMPTS:
                await self._repair(name)

    async def _repair(self, name: str) -> None:
        _LOGGER.info("repairing %s", name)
        try:
            self._serve(await self.installer.repair(name))
        except VoiceError as err:
            self._tell(IssueKind.DAMAGED, name, err)

    async def _check(self) -> None:
        """Read every byte of every voice, slowly, now and then."""
        stopping = threading.Event()

        def pause() -> None:
            if stopping.wait(_CHECK_PAUSE):
                raise InterruptedError  # the thread must not outlive the server

        await asyncio.sleep(_FIRST_CHECK)
        try:
            while True:
                for name in await asyncio.to_thread(self.installer.store.names):
                    await self._check_one(name, pause)
                await asyncio.sleep(_CHECK_INTERVAL)
        finally:
            stopping.set()

    async def _check_one(self, name: str, pause: Callable[[], None]) -> None:
        version = await asyncio.to_thread(self.installer.store.current, name)
        if version is None:
            return
        damage = await asyncio.to_thread(find_damage, version, digests=True, pause=pause)
        if damage:
            self._raise(Issue(IssueKind.DAMAGED, name, "; ".join(damage), Suggestion.REPAIR))
            self._sick.put_nowait(name)

    async def _watch_custom(self) -> None:
        while True:
            for folder in self.care.custom_voice_dirs:
                for model in await asyncio.to_thread(_models, folder):
                    await self._import(model)
            await asyncio.sleep(_CUSTOM_INTERVAL)

    async def _import(self, model: Path) -> None:
        label = ""
        try:
            source = await asyncio.to_thread(custom_source, model)
            label = source.label
            if self._rejected.get(model) == label:
                return  # told already, and nobody has changed it since
            known = next((v for v in self.library if v.name == model.stem), None)
            voice = await self.installer.install(source)
            self._rejected.pop(model, None)
            if known is None or known.model != voice.model:
                self._serve(voice)
        except VoiceError as err:
            self._rejected[model] = label
            self._raise(Issue(IssueKind.REJECTED, model.stem, str(err), Suggestion.REPLACE_FILE))

    def _serve(self, voice: Voice) -> None:
        self.issues.dismiss(voice.name)
        self.library.replace(voice)
        try:
            self.on_new(voice)
        except HardenedError as err:  # no worker can load it at present; it is tried on demand
            _LOGGER.warning("%s is not loaded yet: %s", voice.name, err)
        _LOGGER.info("%s is prepared and speaks from its new version", voice.name)

    def _tell(self, kind: IssueKind, name: str, err: VoiceError) -> None:
        no_space = isinstance(err, NoSpaceError)
        self._raise(
            Issue(
                IssueKind.NO_SPACE if no_space else kind,
                name,
                str(err),
                Suggestion.FREE_SPACE if no_space else Suggestion.REPAIR,
            )
        )

    def _raise(self, issue: Issue) -> None:
        if self.issues.raise_issue(issue):
            _LOGGER.error("%s: %s: %s", issue.subject, issue.kind, issue.message)


def _models(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.glob("*.onnx") if path.is_file())
    except OSError:
        return []
