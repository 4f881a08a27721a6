"""The composition root: builds every part, starts them in order, stops them in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import resource
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from .catalogue.catalogue import Catalogue
from .catalogue.current import CurrentCatalogue
from .config.settings import LogLevel, Settings
from .control import Operations
from .engine.messages import SpeechOptions
from .errors import RequestError, StartError, VoiceNotFoundError
from .hub.settings import HubSettings
from .issues import Issues
from .metrics import Metrics
from .processes.command import EngineCommand, engine_command
from .processes.smoke_test import speaks
from .protocol.announcement import announced
from .protocol.info import Description
from .protocol.server import WyomingServer
from .recent_log import collect_log
from .restart import RestartDecider, RestartPolicy
from .speech.synthesizer import SpeechDefaults, Synthesizer
from .store.store import Store
from .store.voice import Voice
from .voices.installer import Installer
from .voices.jobs import JobRunner
from .voices.library import Library, find_voices
from .voices.maintenance import Care, Maintenance
from .voices.on_demand import Offer
from .voices.source_finder import SourceFinder
from .web.limits import WebLimits
from .web.server import WebServer
from .workers.pool import Pool, PoolSize
from .workers.sizing import available_cores, choose_memory_limit, choose_size
from .workers.worker import RecyclePolicy

_LOGGER = logging.getLogger(__name__)

_OWN_FILES = 48
"""Open files that the server itself needs: pipes of workers, downloads, the log."""

Face = Callable[[Operations, WyomingServer], AbstractAsyncContextManager[None]]
"""Another way to reach the server, open within its context."""

_PATIENCE = 60.0
"""Seconds after which the voices are cared for although no worker has been ready yet."""

STOP_GRACE = 2.0
"""Seconds that requests under way may still take when the server stops; with the workers' kill
delay the whole stop stays below 5 s, Home Assistant's Supervisor allows 10."""


def build_synthesizer(
    settings: Settings,
    library: Library,
    command: Callable[[], EngineCommand] | None = None,
    policy: RestartPolicy | None = None,
) -> Synthesizer:
    """Connect the parts that speak. Tests give their own engine `command` and faster `policy`."""
    memory = psutil.virtual_memory().total
    workers, threads = choose_size(
        settings.workers, settings.threads_per_worker, available_cores(), memory
    )

    def real_engine() -> EngineCommand:
        models = [m for m in _preloaded(settings, library) if not pool.failure_policy.is_open(m)]
        return engine_command(
            models,
            threads,
            residents=max(settings.resident_voices, len(models)),
            residents_memory=size.recycling.memory_limit
            * 3
            // 4,  # voices go before the process does
            synthesis_timeout=settings.synthesis_timeout,
            stall_timeout=settings.stall_timeout,
            log_level=settings.log_level,
        )

    size = PoolSize(
        workers=workers,
        spare=settings.spare_worker,
        max_queue=settings.max_queue,
        recycling=RecyclePolicy(
            memory_limit=choose_memory_limit(settings.worker_memory_limit, memory, workers),
            max_segments=settings.worker_max_segments,
        ),
    )
    decider = RestartDecider(policy or RestartPolicy())
    pool = Pool(command or real_engine, size, decider, Metrics())
    defaults = SpeechDefaults(
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
    if defaults.fallback_voice:
        try:
            library.find(defaults.fallback_voice)
        except RequestError as err:
            _LOGGER.warning("fallback_voice: %s", err)
    return Synthesizer(library, pool, defaults)


async def load_library(settings: Settings, catalogue: Catalogue | None = None) -> Library:
    """Find the installed voices; a default by an older name is the voice that `catalogue` knows."""
    voices = await asyncio.to_thread(find_voices, Store(settings.data_dir))
    default = settings.voice
    if catalogue is not None and all(voice.name != default for voice in voices):
        with contextlib.suppress(VoiceNotFoundError):
            default = catalogue.find(default).name
    return Library(voices, default)


@contextlib.asynccontextmanager
async def running(synthesizer: Synthesizer) -> AsyncIterator[Synthesizer]:
    """Keep the workers of `synthesizer` alive within the context."""
    async with _background(synthesizer.pool.run()):
        yield synthesizer


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    *,
    command: Callable[[], EngineCommand] | None = None,
    policy: RestartPolicy | None = None,
    on_listening: Callable[[WyomingServer], None] | None = None,
    on_web: Callable[[WebServer], None] | None = None,
    web_limits: WebLimits | None = None,
    faces: Sequence[Face] = (),
) -> None:
    """Serve until `stop` is set.

    The port is open before the first voice is loaded; requests wait for it.

    Args:
        settings: see there.
        stop: ends it.
        command: another engine, for tests.
        policy: another policy of restarts, for tests.
        on_listening: called when clients can connect.
        on_web: called before that, when browsers can.
        web_limits: other limits of the web server, for tests.
        faces: run beside the server, each with what can be asked of it.

    Raises:
        StartError: the address cannot be used.
    """
    installer = build_installer(settings)
    await asyncio.to_thread(installer.store.recover)
    catalogue = await asyncio.to_thread(installer.sources.catalogue.read)
    library = await load_library(settings, catalogue)
    synthesizer = build_synthesizer(settings, library, command, policy)
    job_runner = build_job_runner(settings, installer, synthesizer)
    maintenance = build_maintenance(settings, job_runner, synthesizer.pool)
    server = WyomingServer(
        settings.uri,
        synthesizer,
        Description(library, job_runner.offered).event,
        max_connections=_affordable(settings),
        idle_timeout=settings.idle_timeout,
    )
    with collect_log() as recent_log:
        operations = Operations(
            synthesizer,
            job_runner,
            recent_log,
            maintenance.repaired_on_start,
            wanted=(settings.voice, *settings.voices),
        )
        web = WebServer(settings, operations, web_limits) if settings.web_uri is not None else None
        await server.start()
        _LOGGER.info("listening on %s; default voice %s", server.address, settings.voice)
        if web is not None:
            try:
                await web.start()
            except StartError:
                await server.stop(0)
                raise
            if on_web is not None:
                on_web(web)
        host = urlsplit(settings.uri).hostname or ""
        async with (
            running(synthesizer),
            announced(settings.zeroconf, host, server.port),
            _background(maintenance.run()),
            contextlib.AsyncExitStack() as stack,
        ):
            for face in faces:
                await stack.enter_async_context(face(operations, server))
            if on_listening is not None:
                on_listening(server)
            await stop.wait()
            _LOGGER.info("stopping")
            async with asyncio.TaskGroup() as stopping:
                stopping.create_task(server.stop(STOP_GRACE))
                if web is not None:
                    stopping.create_task(web.stop())


def _affordable(settings: Settings) -> int:
    """As many connections as the system's limit of open files allows, some kept for ourselves."""
    connections = settings.max_connections
    own = _OWN_FILES if settings.web_uri is None else _OWN_FILES + WebLimits().all_connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    allowed = connections if soft == resource.RLIM_INFINITY else max(1, soft - own)
    if allowed < connections:
        _LOGGER.warning(
            "max_connections is %d instead of %d: only %d files may be open here",
            allowed,
            connections,
            soft,
        )
    return min(allowed, connections)


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


def hub_settings(settings: Settings) -> HubSettings:
    """Where the hub is.

    Raises:
        ConfigError: the settings or the environment say something that is not allowed.
    """
    return HubSettings.read(
        os.environ,
        endpoint=settings.hub_endpoint,
        revision=settings.hub_revision,
        offline=settings.offline,
    )


def build_installer(settings: Settings) -> Installer:
    """Connect what installs and repairs voices."""

    async def try_voice(model: Path) -> None:
        command = engine_command(
            [str(model)],
            1,
            residents=1,
            synthesis_timeout=settings.synthesis_timeout,
            stall_timeout=settings.stall_timeout,
            log_level=settings.log_level,
        )
        await speaks(command, str(model))

    catalogue = CurrentCatalogue(settings.data_dir, hub_settings(settings))
    sources = SourceFinder(catalogue, settings.custom_voice_dirs)
    return Installer(Store(settings.data_dir), sources, try_voice)


def build_job_runner(
    settings: Settings, installer: Installer, synthesizer: Synthesizer
) -> JobRunner:
    """Connect what acts on the voices of a running server."""
    offer = Offer(
        synthesizer.library,
        installer.sources.catalogue,
        settings.languages,
        (settings.voice, *settings.voices),
    )
    job_runner = JobRunner(
        installer,
        synthesizer.library,
        Issues(),
        offer=offer if settings.auto_install and not settings.offline else None,
        install_wait=settings.install_wait,
    )

    def on_new(voice: Voice) -> None:
        pool = synthesizer.pool
        for model in pool.status().open_breakers:
            if Path(model).name == voice.model.name:
                pool.reset(model)  # an older version of this voice
        synthesizer.warm(voice)

    job_runner.on_new = on_new
    synthesizer.obtain = job_runner.obtain
    return job_runner


def build_maintenance(settings: Settings, job_runner: JobRunner, pool: Pool) -> Maintenance:
    """Connect what looks after the voices of a running server."""

    async def ready() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await pool.until_ready()

    care = Care(
        auto_repair=settings.auto_repair,
        auto_install=settings.auto_install,
        wanted=(settings.voice, *settings.voices),
        repair_on_start=settings.repair_on_start,
        custom_voice_dirs=settings.custom_voice_dirs,
    )
    maintenance = Maintenance(job_runner, job_runner.installer.sources.catalogue, care, ready)
    pool.failure_policy.on_unsound = maintenance.report
    return maintenance


def _preloaded(settings: Settings, library: Library) -> list[str]:
    voices = list(itertools.islice(library, 1))
    for name in settings.voices:
        with contextlib.suppress(RequestError):  # an issue tells
            voices.append(library.find(name))
    return list(dict.fromkeys(str(voice.model) for voice in voices))
