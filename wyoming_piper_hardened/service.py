"""The composition root: builds every part, starts them in order, stops them in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from .aio import Notifier
from .catalogue.catalogue import Catalogue
from .catalogue.current import CurrentCatalogue
from .config.settings import LogLevel, Settings
from .control import Control
from .engine.messages import SpeechOptions, VoiceVersion
from .errors import StartError, VoiceNotFoundError
from .events import Event
from .home_assistant.app import App
from .hub.settings import HubSettings
from .issues import Failure, Issues
from .metrics import Metrics
from .processes.command import EngineCommand, engine_command
from .processes.smoke_test import check_speech
from .protocol.announcement import announced
from .protocol.info import Description
from .protocol.server import WyomingServer
from .protocol.session import SessionTimings
from .recent_log import collect_log
from .restart import RestartDecider, RestartPolicy
from .speech.synthesizer import Synthesizer
from .speech.target import SpeechDefaults
from .speech.voice_resolver import VoiceResolver
from .status import StatusReporter
from .store.store import Store
from .system.limits import affordable_connections
from .voices.installer import Installer
from .voices.jobs import JobRunner
from .voices.library import Library, find_voices
from .voices.maintenance import Maintenance
from .voices.on_demand import OnDemand
from .voices.policy import MaintenancePolicy, MaintenanceTimings
from .voices.sources import SourceFinder
from .web.limits import WebLimits
from .web.server import WebServer
from .workers.pool import Pool, PoolSize
from .workers.recycling import RecyclePolicy
from .workers.sizing import available_cores, choose_memory_limit, choose_size

_LOGGER = logging.getLogger(__name__)

_READY_WAIT = 60.0
"""Seconds after which maintenance begins although no worker has been ready yet."""

STOP_GRACE = 2.0
"""Seconds that requests under way may still take when the server stops; with the workers' kill
delay the whole stop stays below 5 s, Home Assistant's Supervisor allows 10."""

Reports = asyncio.Queue[tuple[VoiceVersion, Failure]]
"""Voice versions that workers could not load; filled by the pool, emptied by the maintenance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Limits, time limits and back-offs of a server; tests pass others."""

    restart: RestartPolicy = field(default_factory=RestartPolicy)
    session: SessionTimings = field(default_factory=SessionTimings)
    maintenance: MaintenanceTimings = field(default_factory=MaintenanceTimings)
    web: WebLimits = field(default_factory=WebLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Handle of a running server; valid within `serve`."""

    wyoming: WyomingServer
    web: WebServer | None
    control: Control
    status: StatusReporter
    library: Library
    pool: Pool
    jobs: JobRunner
    resolver: VoiceResolver
    synthesizer: Synthesizer
    metrics: Metrics
    repaired_on_start: asyncio.Event

    @property
    def port(self) -> int | None:
        """TCP port of the Wyoming server; ``None`` on a Unix socket."""
        return self.wyoming.port

    def beside(self, app: App) -> AbstractAsyncContextManager[None]:
        """Run `app` beside the server within the context."""
        return app.running(self.control, self.status, self.port, self.repaired_on_start)


@contextlib.asynccontextmanager
async def serve(
    settings: Settings,
    *,
    command: Callable[[], EngineCommand] | None = None,
    timings: Timings | None = None,
    store: Store | None = None,
) -> AsyncIterator[Running]:
    """Serve within the context.

    The port is open before the first voice is loaded; requests wait for it.

    Args:
        settings: of the server.
        command: another engine, for tests.
        timings: other time limits, for tests.
        store: another store in the same data directory, for tests.

    Raises:
        StartError: an address cannot be used.
    """
    timings = timings or Timings()
    metrics, notifier, issues, reports = Metrics(), Notifier(), Issues(), Reports()
    installer = build_installer(settings, store)
    await asyncio.to_thread(installer.store.recover)
    catalogue = installer.sources.catalogue
    library = await load_library(settings, await asyncio.to_thread(catalogue.read))
    pool = build_pool(
        settings, library, metrics, notifier, reports, command=command, restart=timings.restart
    )
    jobs = JobRunner(
        installer,
        library,
        issues,
        notifier,
        lambda voice: pool.preload(voice.version, voice.schedule),
    )
    on_demand = OnDemand(
        jobs,
        library,
        catalogue,
        languages=settings.languages,
        names=(settings.voice, *settings.voices),
        enabled=settings.auto_install and not settings.offline,
        install_wait=settings.install_wait,
    )
    defaults = build_defaults(settings)
    resolver = VoiceResolver(library, pool, defaults, on_demand.obtain)
    synthesizer = Synthesizer(pool, defaults, metrics, notifier)
    maintenance = build_maintenance(
        settings, installer, jobs, library, pool=pool, reports=reports, timings=timings.maintenance
    )
    wyoming = WyomingServer(
        settings.uri,
        resolver,
        synthesizer,
        Description(library, on_demand).event,
        max_connections=affordable_connections(
            settings.max_connections,
            reserved=0 if settings.web_uri is None else timings.web.all_connections,
        ),
        timings=replace(timings.session, idle=min(timings.session.idle, settings.idle_timeout)),
    )
    with collect_log() as recent_log:
        if (fallback := settings.fallback_voice) and fallback not in library:
            _LOGGER.warning(Event("fallback-voice-missing", voice=fallback))
        wanted = frozenset({settings.voice, *settings.voices})
        status = StatusReporter(
            library=library,
            pool=pool,
            resolver=resolver,
            synthesizer=synthesizer,
            jobs=jobs,
            open_issues=issues,
            recent_log=recent_log,
            notifier=notifier,
            wanted=wanted,
        )
        control = Control(
            library=library,
            jobs=jobs,
            installer=installer,
            pool=pool,
            resolver=resolver,
            synthesizer=synthesizer,
            status=status,
            open_issues=issues,
            catalogue=catalogue,
            notifier=notifier,
        )
        web = None
        if settings.web_uri is not None:
            web = WebServer(settings, control, catalogue, metrics, timings.web)
        async with _listening(wyoming, web, settings.voice):
            host = urlsplit(settings.uri).hostname or ""
            async with (
                _background(pool.run()),
                announced(settings.zeroconf, host, wyoming.port),
                _background(maintenance.run()),
            ):
                try:
                    yield Running(
                        wyoming=wyoming,
                        web=web,
                        control=control,
                        status=status,
                        library=library,
                        pool=pool,
                        jobs=jobs,
                        resolver=resolver,
                        synthesizer=synthesizer,
                        metrics=metrics,
                        repaired_on_start=maintenance.repaired_on_start,
                    )
                finally:
                    await _stop(wyoming, web)


@contextlib.asynccontextmanager
async def _listening(
    wyoming: WyomingServer, web: WebServer | None, voice: str
) -> AsyncIterator[None]:
    """Listen on both ports before the context, on neither when one of them cannot be used."""
    await wyoming.start()
    _LOGGER.info(Event("server-listening", address=wyoming.address, voice=voice))
    try:
        if web is not None:
            await web.start()
    except StartError:
        await wyoming.stop(0)
        raise
    yield


async def _stop(wyoming: WyomingServer, web: WebServer | None) -> None:
    _LOGGER.info(Event("server-stopping"))
    async with asyncio.TaskGroup() as stopping:
        stopping.create_task(wyoming.stop(STOP_GRACE))
        if web is not None:
            stopping.create_task(web.stop())


@contextlib.asynccontextmanager
async def speaking(settings: Settings) -> AsyncIterator[tuple[VoiceResolver, Synthesizer]]:
    """Provide what speaks without a server, its workers alive within the context."""
    library = await load_library(settings)
    metrics, notifier = Metrics(), Notifier()
    pool = build_pool(settings, library, metrics, notifier, Reports())
    defaults = build_defaults(settings)
    async with _background(pool.run()):
        yield VoiceResolver(library, pool, defaults), Synthesizer(pool, defaults, metrics, notifier)


@contextlib.asynccontextmanager
async def _background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` beside the context; should any of it fail, the context fails with it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def load_library(settings: Settings, catalogue: Catalogue | None = None) -> Library:
    """Find the installed voices; a default by an older name is the voice that `catalogue` knows."""
    voices = await asyncio.to_thread(find_voices, Store(settings.data_dir))
    default = settings.voice
    if catalogue is not None and all(voice.name != default for voice in voices):
        with contextlib.suppress(VoiceNotFoundError):
            default = catalogue.find(default).name
    return Library(voices, default)


def build_defaults(settings: Settings) -> SpeechDefaults:
    """Return how requests are spoken that do not say otherwise."""
    return SpeechDefaults(
        speaker=settings.speaker,
        options=SpeechOptions(
            length_scale=settings.length_scale,
            noise_scale=settings.noise_scale,
            noise_w_scale=settings.noise_w_scale,
            volume=settings.volume,
        ),
        sentence_silence=settings.sentence_silence,
        max_segment_chars=settings.max_segment_chars,
        fallback_voice=settings.fallback_voice,
        request_timeout=settings.request_timeout,
        keep_text=settings.log_level is LogLevel.DEBUG,
    )


def build_pool(
    settings: Settings,
    library: Library,
    metrics: Metrics,
    notifier: Notifier,
    reports: Reports,
    *,
    command: Callable[[], EngineCommand] | None = None,
    restart: RestartPolicy | None = None,
) -> Pool:
    """Connect the workers."""
    memory = psutil.virtual_memory().total
    workers, threads = choose_size(
        settings.workers, settings.threads_per_worker, available_cores(), memory
    )
    recycling = RecyclePolicy(
        memory_limit=choose_memory_limit(settings.worker_memory_limit, memory, workers),
        max_segments=settings.worker_max_segments,
    )

    def real_engine() -> EngineCommand:
        versions = [voice.version for voice in library.default_and(settings.voices)]
        versions = [version for version in versions if pool.unavailable(version) is None]
        return engine_command(
            versions,
            threads,
            residents=max(settings.resident_voices, len(versions)),
            residents_memory=recycling.memory_limit * 3 // 4,  # voices go before the process does
            synthesis_timeout=settings.synthesis_timeout,
            stall_timeout=settings.stall_timeout,
            log_level=settings.log_level,
        )

    pool = Pool(
        command or real_engine,
        PoolSize(
            workers=workers,
            spare=settings.spare_worker,
            max_queue=settings.max_queue,
            recycling=recycling,
        ),
        RestartDecider(restart or RestartPolicy()),
        metrics,
        notifier=notifier,
        on_unloadable=lambda version, failure: reports.put_nowait((version, failure)),
    )
    return pool


def build_installer(settings: Settings, store: Store | None = None) -> Installer:
    """Connect what installs and repairs voices.

    Raises:
        ConfigError: the settings or the environment of the voice repository are wrong.
    """

    async def try_voice(model: Path) -> None:
        version = VoiceVersion(model)
        command = engine_command(
            [version],
            1,
            residents=1,
            synthesis_timeout=settings.synthesis_timeout,
            stall_timeout=settings.stall_timeout,
            log_level=settings.log_level,
        )
        await check_speech(command, version)

    hub = HubSettings.read(
        os.environ,
        endpoint=settings.hub_endpoint,
        revision=settings.hub_revision,
        offline=settings.offline,
    )
    catalogue = CurrentCatalogue(settings.data_dir, hub)
    sources = SourceFinder(catalogue, settings.custom_voice_dirs)
    return Installer(store or Store(settings.data_dir), sources, try_voice)


def build_maintenance(
    settings: Settings,
    installer: Installer,
    jobs: JobRunner,
    library: Library,
    *,
    pool: Pool,
    reports: Reports,
    timings: MaintenanceTimings,
) -> Maintenance:
    """Connect what keeps the voices of a running server whole."""

    async def ready() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READY_WAIT):
                await pool.until_ready()

    policy = MaintenancePolicy(
        auto_repair=settings.auto_repair,
        auto_install=settings.auto_install,
        wanted=(settings.voice, *settings.voices),
        repair_on_start=settings.repair_on_start,
        custom_voice_dirs=settings.custom_voice_dirs,
    )
    return Maintenance(
        jobs,
        library,
        installer.store,
        installer.verifier,
        installer.sources.catalogue,
        policy=policy,
        timings=timings,
        ready=ready,
        reports=reports,
    )
