"""The composition root: connects the parts, starts them in order, stops them in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from .composition import (
    Reports,
    Timings,
    build_defaults,
    build_installer,
    build_maintenance,
    build_pool,
    load_library,
)
from .config.settings import Settings
from .control import Control
from .errors import StartError
from .home_assistant.app import App
from .metrics import Metrics
from .processes.command import EngineCommand
from .protocol.announcement import announced
from .protocol.info import Description
from .protocol.server import WyomingServer
from .reporting.events import Event
from .reporting.issues import Issues
from .reporting.recent_log import collect_log
from .speech.synthesizer import Synthesizer
from .speech.user_dictionary import UserDictionary
from .speech.voice_resolver import VoiceResolver
from .status import StatusReporter
from .store.store import Store
from .system.aio import Notifier
from .system.open_files import accept_errors_logged, affordable_connections
from .voices.jobs import JobRunner
from .voices.library import Library
from .voices.on_demand import OnDemand
from .web.server import WebServer
from .workers.pool import Pool

_LOGGER = logging.getLogger(__name__)


STOP_GRACE = 2.0
"""Seconds that requests under way may still take when the server stops; with the workers' kill
delay the whole stop stays below 5 s, Home Assistant's Supervisor allows 10."""


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
    dictionary = UserDictionary(settings.custom_voice_dirs)
    synthesizer = Synthesizer(pool, defaults, metrics, notifier, dictionary)
    maintenance = build_maintenance(
        settings, installer, jobs, library, pool=pool, reports=reports, timings=timings.maintenance
    )
    connections, web_connections = affordable_connections(
        settings.max_connections,
        0 if settings.web_uri is None else timings.web.all_connections,
        engines=pool.most_processes,
    )
    wyoming = WyomingServer(
        settings.uri,
        resolver,
        synthesizer,
        Description(library, on_demand).event,
        max_connections=connections,
        timings=replace(timings.session, idle=min(timings.session.idle, settings.idle_timeout)),
    )
    with collect_log() as recent_log, accept_errors_logged():
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
            limits = timings.web.within(web_connections)
            web = WebServer(settings, control, catalogue, metrics, limits)
        async with _listening(wyoming, web, settings.voice):
            host = urlsplit(settings.uri).hostname or ""
            async with (
                _background(pool.run(), synthesizer.warm([voice.language for voice in library])),
                announced(settings.zeroconf, host, wyoming.port),
                _background(
                    maintenance.run(),
                    dictionary.follow(timings.maintenance.custom_interval, jobs, notifier),
                ),
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
    defaults, dictionary = build_defaults(settings), UserDictionary(settings.custom_voice_dirs)
    await asyncio.to_thread(dictionary.read)
    resolver = VoiceResolver(library, pool, defaults)
    async with _background(pool.run()):
        yield resolver, Synthesizer(pool, defaults, metrics, notifier, dictionary)


@contextlib.asynccontextmanager
async def _background(*coroutines: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `coroutines` beside the context; should any of them fail, the context fails with it.

    An error of the context itself is raised as it is, not in a group.
    """
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in coroutines]
        try:
            yield
        except Exception as err:  # noqa: BLE001 - raised again below
            failure = err
        finally:
            for task in tasks:
                task.cancel()
    if failure is not None:
        raise failure
