"""The composition root: connects the parts, starts them in order, stops them in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from .composition import (
    Reports,
    Timings,
    build_defaults,
    build_dictionary,
    build_installer,
    build_maintenance,
    build_pool,
    load_choices,
    load_library,
    wanted_voices,
)
from .config.settings import Settings
from .control import Control
from .lifecycle.drain import Drain
from .lifecycle.service_manager import ServiceManager
from .metrics import Metrics
from .processes.command import EngineCommand
from .processes.phonemizer import Phonemizer
from .protocol.announcement import Service, announced, companion_service, wyoming_service
from .protocol.info import Description
from .protocol.server import WyomingServer
from .reporting.events import Event
from .reporting.issues import Issues
from .reporting.recent_log import collect_log
from .speech.dictionary.editor import DictionaryEditor
from .speech.presets import Presets
from .speech.synthesizer import Synthesizer
from .speech.tracing import Tracing
from .speech.voice_resolver import VoiceResolver
from .status.reporter import StatusReporter
from .status.rows import Identity
from .store.store import Store
from .system.aio import Notifier
from .system.host_names import own_host_names
from .system.open_files import accept_errors_logged, affordable_connections
from .system.pairing import Pairing
from .system.server_id import read_server_id
from .voices.jobs import JobRunner
from .voices.library import Library
from .voices.offer.absence import OfferPolicy
from .voices.offer.on_demand import OnDemand
from .workers.pool import Pool

if TYPE_CHECKING:
    from .home_assistant.app import App
    from .web.server import WebServer

_LOGGER = logging.getLogger(__name__)


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
    drain: Drain

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
    service_manager: ServiceManager | None = None,
    app: bool = False,
) -> AsyncIterator[Running]:
    """Serve within the context.

    The port is open before the first voice is loaded; requests wait for it. What is under way when
    the context is left is cut off; `Running.drain` lets it finish.

    Args:
        settings: of the server.
        command: another engine, for tests.
        timings: other time limits, for tests.
        store: another store in the same data directory, for tests.
        service_manager: gets reports, if there is one.
        app: whether it is an app of Home Assistant.

    Raises:
        StartError: an address cannot be used.
    """
    timings = timings or Timings()
    metrics, notifier, issues, reports = Metrics(), Notifier(), Issues(), Reports()
    installer = build_installer(settings, store)
    await asyncio.to_thread(installer.store.recover)
    pairing = Pairing(settings.data_dir)
    await asyncio.to_thread(pairing.read)
    server_id = await asyncio.to_thread(read_server_id, settings.data_dir)
    catalogue = installer.sources.catalogue
    library = await load_library(settings, await asyncio.to_thread(catalogue.read))
    presets, default_voice, preset_editor = await load_choices(settings, library, catalogue)
    wanted = partial(wanted_voices, settings, library, presets)
    pool = build_pool(
        settings,
        library,
        metrics,
        notifier,
        reports,
        wanted=wanted,
        command=command,
        restart=timings.restart,
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
        names=wanted(),
        policy=OfferPolicy(settings.auto_install, catalogue.hub.offline),
        install_wait=settings.install_wait,
    )
    defaults = replace(build_defaults(settings), client_delay=timings.client_delay)
    resolver = VoiceResolver(library, pool, defaults, on_demand.obtain, presets)
    dictionary = build_dictionary(settings)
    editor = DictionaryEditor(dictionary, jobs, notifier)
    tracing = Tracing(settings.otel_endpoint, server_id)
    synthesizer = Synthesizer(
        pool, defaults, metrics, notifier, dictionary, on_record=tracing.record
    )
    phonemizer = Phonemizer(timings.phonemizer)
    maintenance = build_maintenance(
        settings,
        installer,
        jobs,
        library,
        pool=pool,
        reports=reports,
        wanted=wanted,
        timings=timings.maintenance,
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
        Description(library, on_demand, presets).event,
        max_connections=connections,
        timings=replace(timings.session, idle=min(timings.session.idle, settings.idle_timeout)),
    )
    with collect_log() as recent_log, accept_errors_logged():
        library.report_missing(settings.fallback_voice)
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
            default_voice=default_voice,
            identity=Identity(
                server_id=server_id,
                name=settings.zeroconf or "Piper Hardened",
                app=app,
                needs_token=settings.web_token is not None,
                wyoming_port=lambda: wyoming.port,
            ),
        )
        control = Control(
            library=library,
            jobs=jobs,
            installer=installer,
            pool=pool,
            resolver=resolver,
            synthesizer=synthesizer,
            phonemizer=phonemizer,
            dictionary=editor,
            default_voice=default_voice,
            presets=preset_editor,
            status=status,
            open_issues=issues,
            catalogue=catalogue,
            notifier=notifier,
            pairing=pairing,
        )

        async def build_web() -> WebServer | None:
            if settings.web_uri is None:
                return None
            # Takes longer than all before it; meanwhile the workers start.
            web_server, names = await asyncio.to_thread(lambda: (_web_server(), own_host_names()))
            limits = timings.web.within(web_connections)
            return await asyncio.to_thread(
                web_server, settings, control, catalogue, metrics, limits, own_names=names
            )

        async with _background(
            pool.run(), synthesizer.warm([voice.language for voice in library]), tracing.run()
        ):
            web = await _listen(wyoming, build_web, default_voice.name)
            services: list[Service] = []
            if settings.zeroconf is not None:
                services = _announced_services(wyoming, web, status.identity)
            async with (
                contextlib.AsyncExitStack() as announcement,
                _background(
                    maintenance.run(),
                    phonemizer.run(),
                    editor.follow(timings.maintenance.custom_interval),
                    *([] if service_manager is None else [service_manager.run(status)]),
                ),
            ):
                await announcement.enter_async_context(announced(settings.zeroconf, services))
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
                        drain=Drain(
                            status=status,
                            servers=(wyoming,) if web is None else (wyoming, web),
                            withdraw=announcement.aclose,
                            accept=settings.drain_accept,
                            timeout=settings.drain_timeout,
                        ),
                    )
                finally:
                    await _stop(wyoming, web)


def _announced_services(
    wyoming: WyomingServer, web: WebServer | None, identity: Identity
) -> list[Service]:
    """Return the services to announce in the local network."""
    services = [wyoming_service(wyoming.hosts, wyoming.port)]
    if web is not None:
        services.append(companion_service(web.hosts, web.port, identity.txt_record))
    return [service for service in services if service is not None]


def _web_server() -> type[WebServer]:
    from .web.server import WebServer  # noqa: PLC0415 - a server speaks before it is loaded

    return WebServer


async def _listen(
    wyoming: WyomingServer, build_web: Callable[[], Awaitable[WebServer | None]], voice: str
) -> WebServer | None:
    """Listen on both ports, on neither when one of them cannot be used."""
    await wyoming.start()
    _LOGGER.info(Event("server-listening", address=wyoming.address, voice=voice))
    try:
        web = await build_web()
        if web is not None:
            await web.start()
    except BaseException:
        await wyoming.stop()
        raise
    return web


async def _stop(wyoming: WyomingServer, web: WebServer | None) -> None:
    _LOGGER.info(Event("server-stopping"))
    async with asyncio.TaskGroup() as stopping:
        stopping.create_task(wyoming.stop())
        if web is not None:
            stopping.create_task(web.stop())


@contextlib.asynccontextmanager
async def speaking(settings: Settings) -> AsyncIterator[tuple[VoiceResolver, Synthesizer]]:
    """Provide what speaks without a server, its workers alive within the context."""
    library = await load_library(settings)
    metrics, notifier = Metrics(), Notifier()
    presets = Presets(settings.presets, library)
    wanted = partial(wanted_voices, settings, library, presets)
    pool = build_pool(settings, library, metrics, notifier, Reports(), wanted=wanted)
    defaults, dictionary = build_defaults(settings), build_dictionary(settings)
    await asyncio.to_thread(dictionary.read)
    resolver = VoiceResolver(library, pool, defaults, presets=presets)
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
