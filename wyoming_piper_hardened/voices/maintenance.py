"""Maintenance: actions on the voices of a running server without a request."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable

from ..catalogue.current import CurrentCatalogue
from ..engine.embedded import is_outdated
from ..engine.messages import VoiceVersion
from ..errors import (
    HardenedError,
    JobCancelledError,
    StoreError,
    VoiceError,
    VoiceNotFoundError,
    VoiceUnconfirmedError,
    VoiceUnusableError,
)
from ..hub.errors import OfflineError
from ..reporting.events import Event
from ..reporting.issues import Failure, Issue, IssueKind, Suggestion, damaged, lost
from ..store.manifest import read_manifest
from ..store.origin import Origin, OriginKind
from ..store.store import Store
from ..store.verifier import Verifier
from ..store.voice import Voice, is_voice_name
from .installation.sources import hub_origin, own_source, package_source
from .jobs import JobRunner
from .library import Library
from .maintenance_policy import MaintenancePolicy, MaintenanceTimings
from .watched_folders import WatchedFolders

_LOGGER = logging.getLogger(__name__)


class Maintenance:
    """Maintains the voices until `run` is cancelled.

    Args:
        jobs: runs the actions.
        library: the voices that serve.
        store: the installed voices.
        verifier: verifies in the background.
        catalogue: the voices of the hub.
        policy: the actions that are allowed.
        timings: intervals and delays.
        ready: waits until the server speaks, as that comes first.
        reports: versions that a worker could not load (or not their parts), and why.
    """

    def __init__(
        self,
        jobs: JobRunner,
        library: Library,
        store: Store,
        verifier: Verifier,
        catalogue: CurrentCatalogue,
        *,
        policy: MaintenancePolicy,
        timings: MaintenanceTimings,
        ready: Callable[[], Awaitable[None]],
        reports: asyncio.Queue[tuple[VoiceVersion, Failure]],
    ) -> None:
        self.repaired_on_start = asyncio.Event()
        """Set as soon as every voice of `repair_on_start` is whole."""
        self._jobs = jobs
        self._library = library
        self._store = store
        self._verifier = verifier
        self._catalogue = catalogue
        self._policy = policy
        self._timings = timings
        self._ready = ready
        self._reports = reports
        self._repair_queue: asyncio.Queue[str] = asyncio.Queue()
        self._repairs: dict[str, asyncio.Task[None]] = {}
        self._watched = WatchedFolders(policy.custom_voice_dirs, jobs, self._origin, timings)

    async def run(self) -> None:
        """Maintain the voices until cancelled."""
        tasks = (
            *(self._check, self._start, self._read_reports, self._consume),
            *(self._verify_all, self._refresh, self._watch, self._follow),
        )
        try:
            async with asyncio.TaskGroup() as group:
                for task in tasks:
                    group.create_task(self._run_task(task))
        finally:
            for repair in self._repairs.values():
                repair.cancel()
            await self._jobs.close()

    async def _run_task(self, task: Callable[[], Awaitable[None]]) -> None:
        """Run a task; an unexpected error in it ends neither the others nor the server."""
        while True:
            try:
                await task()
            except Exception:
                _LOGGER.exception(Event("internal-error", where="maintenance of voices"))
                await asyncio.sleep(self._timings.error_delay)
            else:
                return

    async def _check(self) -> None:
        """Report at once what a person has to do: a folder to hand over, a voice to install."""
        wanted = self._library.wanted
        comes = self._policy.auto_install and not self._catalogue.hub.offline
        if wanted not in self._library and not comes:
            self._report_missing(wanted)
        if (issue := await asyncio.to_thread(self._store.check_folder)) is not None:
            self._jobs.open_issue(issue)

    async def _start(self) -> None:
        """Verify, install and prepare the voices that the settings name."""
        await self._ready()
        wanted = self._policy.repair_on_start
        names = [voice.name for voice in self._library] if "all" in wanted else list(wanted)
        if all([await _succeeds(self._jobs.repair(name)) for name in names]):
            self.repaired_on_start.set()
        for voice in list(self._library):
            if not voice.prepared:
                await self._prepare(voice)
        await self._report_unusable()
        for name in self._policy.wanted():
            if name not in self._library and name not in self._repairs:
                await self._install_missing(name)
        for voice in list(self._library):  # they speak already, so they come last
            if await asyncio.to_thread(is_outdated, voice.model.parent):
                await self._convert(voice)

    async def _report_unusable(self) -> None:
        """Open issues for voices without a version that can be used, and repair those."""
        for name in await asyncio.to_thread(self._store.names):
            if (marked := await asyncio.to_thread(self._store.marked, name)) is not None:
                if not marked[1].dismissed:
                    self._jobs.open_issue(lost(name, marked[1].damage))
            elif name not in self._library and is_voice_name(name):
                kind, suggestion = IssueKind.DAMAGED, Suggestion.REPAIR
                self._jobs.open_issue(Issue(kind, name, "no-usable-version", {}, suggestion))
                self._repair_queue.put_nowait(name)

    async def _install_missing(self, name: str) -> None:
        """Install a voice of the settings, or open an issue."""
        try:
            source = await self._jobs.find_source(name)
        except VoiceUnconfirmedError as err:
            self._jobs.open_issue(
                Issue.from_error(IssueKind.MISSING, name, err, Suggestion.INSTALL)
            )
            if self._policy.auto_install:
                self._start_repair(name, self._jobs.install)
            return
        except VoiceNotFoundError as err:
            suggestion = Suggestion.CHANGE_OPTION
            self._jobs.open_issue(Issue.from_error(IssueKind.MISSING, name, err, suggestion))
            return
        if source.voice in self._library:
            return  # `name` is an older name of it
        if self._policy.auto_install:  # no issue yet: it will be here soon
            self._start_repair(source.voice, self._jobs.install)
            return
        self._report_missing(source.voice)

    def _report_missing(self, name: str) -> None:
        kind, params = IssueKind.MISSING, {"command": f"voices install {name}"}
        self._jobs.open_issue(Issue(kind, name, "not-installed", params, Suggestion.INSTALL))

    async def _prepare(self, voice: Voice) -> None:
        source = await asyncio.to_thread(package_source)
        if source is None or source.voice != voice.name:
            self._repair_queue.put_nowait(voice.name)  # its parts are made from its own model
            return
        try:
            await self._jobs.add(source)
        except StoreError:  # what can be done about that is reported of the folder
            _LOGGER.warning(Event("voice-unprepared", voice=voice.name))
        except VoiceError as err:
            kind, suggestion = IssueKind.UNPREPARED, Suggestion.REPAIR
            self._jobs.open_issue(Issue.from_error(kind, voice.name, err, suggestion))
            _LOGGER.warning(Event("voice-unprepared", voice=voice.name))

    async def _convert(self, voice: Voice) -> None:
        """Bring parts that an earlier version of this program made into the present format."""
        version = voice.model.parent
        damage = await self._verifier.find_damage(version, self._timings.check_pause)
        own = await asyncio.to_thread(own_source, voice.name, version)
        if own is not None and not damage:  # else the verification in the background repairs it
            await _succeeds(self._jobs.add(own, reports_failure=False))

    async def _read_reports(self) -> None:
        """Handle reports of workers, but of models that have been removed or replaced."""
        while True:
            version, failure = await self._reports.get()
            name = version.name
            if await asyncio.to_thread(self._store.marked, name):
                continue  # it is known to be damaged for good
            if await self._jobs.has(name) and not self._is_replaced(version):
                params, suggestion = {"failure": failure}, Suggestion.REPAIR
                issue = Issue(IssueKind.UNLOADABLE, name, failure.kind, params, suggestion)
                self._jobs.open_issue(issue)
                self._repair_queue.put_nowait(name)

    def _is_replaced(self, version: VoiceVersion) -> bool:
        name = version.name
        return name in self._library and self._library.find(name).version != version

    async def _consume(self) -> None:
        """Repair the voices of the queue, each at most once at a time."""
        while True:
            name = await self._repair_queue.get()
            if self._policy.auto_repair:
                self._start_repair(name, self._jobs.repair)

    def _start_repair(self, name: str, action: Callable[[str], Awaitable[object]]) -> None:
        if name in self._repairs:
            return
        task = asyncio.create_task(self._retry(name, action))
        self._repairs[name] = task
        task.add_done_callback(lambda _: self._repairs.pop(name, None))

    async def _retry(self, name: str, action: Callable[[str], Awaitable[object]]) -> None:
        """Act until it succeeds: without limit while the network is away, else a few times."""
        for attempt in itertools.count(1):
            try:
                await action(name)
            except JobCancelledError as err:
                kind, suggestion = IssueKind.MISSING, Suggestion.INSTALL
                self._jobs.open_issue(Issue.from_error(kind, name, err, suggestion))
                return
            except HardenedError as err:
                last = attempt >= self._timings.max_attempts and not err.retryable
                last |= isinstance(err, VoiceUnusableError)
                if isinstance(err, OfflineError) or last:
                    return  # there is an issue: a person has to act
                delay = self._timings.delay(attempt)
                _LOGGER.info(Event("job-retry", voice=name, delay=delay))
                await asyncio.sleep(delay)
                if not any(issue.subject == name for issue in self._jobs.issues):
                    return  # repaired by another job
            else:
                return

    async def _verify_all(self) -> None:
        """Verify every voice, slowly, from time to time."""
        await self._ready()
        await asyncio.sleep(self._timings.first_check)
        while True:
            await asyncio.to_thread(
                self._store.recover
            )  # of owners that only time shows to be gone
            for name in await asyncio.to_thread(self._store.names):
                await self._verify(name)
                with contextlib.suppress(HardenedError):  # it is removed, or the disk refuses
                    await self._jobs.installer.remove_outdated(name)
            await asyncio.sleep(self._timings.check_interval)

    async def _verify(self, name: str) -> None:
        version = await asyncio.to_thread(self._store.current, name)
        if version is None or name in self._jobs.jobs:
            return
        if await asyncio.to_thread(self._store.marked, name):
            return
        damage = await self._verifier.find_damage(version, self._timings.check_pause)
        if damage and await asyncio.to_thread(self._store.current, name) == version:
            self._jobs.open_issue(damaged(name, damage))
            self._repair_queue.put_nowait(name)

    async def _refresh(self) -> None:
        """Refresh the catalogue if voices of the hub serve; else the hub is never contacted."""
        await self._ready()
        await asyncio.sleep(self._timings.first_check)
        while True:
            delay = self._timings.refresh_interval
            hub_is_used = bool(await asyncio.to_thread(self._hub_origins))
            if hub_is_used and not self._catalogue.hub.offline:
                try:
                    await self._catalogue.refresh()
                except VoiceError as err:
                    kind, suggestion = IssueKind.UNREACHABLE, Suggestion.CHECK_NETWORK
                    issue = Issue.from_error(kind, "catalogue", err, suggestion)
                    self._jobs.open_issue(issue)
                    delay = self._timings.retry_limit
                else:
                    self._jobs.issues.close("catalogue")
                    await self._report_stale()
            await asyncio.sleep(delay)

    async def _report_stale(self) -> None:
        """Open issues for voices of which the hub has another version."""
        catalogue = self._catalogue.read()
        for name, origin in (await asyncio.to_thread(self._hub_origins)).items():
            entry = catalogue.voices.get(name)
            self._jobs.issues.close(name, IssueKind.STALE)
            if entry is not None and hub_origin(entry) != origin:
                issue = Issue(IssueKind.STALE, name, suggestion=Suggestion.UPDATE)
                self._jobs.open_issue(issue)

    def _hub_origins(self) -> dict[str, Origin]:
        """Return the origins of the voices that serve and came from the hub. Blocks on the disk."""
        origins = {name: self._origin(name) for name in self._store.names()}
        return {n: o for n, o in origins.items() if o is not None and o.kind is OriginKind.HUB}

    def _origin(self, name: str) -> Origin | None:
        version = self._store.serving(name)
        if version is not None:
            with contextlib.suppress(VoiceError):  # removed in this moment
                return read_manifest(version).origin
        return None

    async def _watch(self) -> None:
        """Import voices of the user's own as they appear."""
        await self._ready()
        await self._watched.run()

    async def _follow(self) -> None:
        """Follow what other processes do in the store."""
        known = await asyncio.to_thread(self._store.state)
        while True:
            await asyncio.sleep(self._timings.follow_interval)
            seen = await asyncio.to_thread(self._store.state)
            for name in known.keys() | seen.keys():
                if known.get(name) != seen.get(name) and name not in self._jobs.jobs:
                    await self._jobs.reread(name)
            known = seen


async def _succeeds(action: Awaitable[object]) -> bool:
    """Return whether an action succeeds; if not, there is an issue."""
    try:
        await action
    except HardenedError:
        return False
    return True
