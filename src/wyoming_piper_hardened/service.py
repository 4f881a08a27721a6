"""The composition root: builds every part, starts them in order, stops them in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

import psutil

from .config import Settings
from .engine.messages import SpeechOptions
from .errors import VoiceError, VoiceNotFoundError
from .metrics import Metrics
from .protocol.announcement import announced
from .protocol.server import WyomingServer
from .restart import RestartDecider, RestartPolicy
from .voices.library import Library, find_voices
from .voices.store import Store
from .workers.pool import Pool, PoolSize
from .workers.process import EngineCommand, engine_command
from .workers.sizing import available_cores, choose_memory_limit, choose_size
from .workers.synthesizer import Manner, Synthesizer
from .workers.worker import Wear

_LOGGER = logging.getLogger(__name__)

_OWN_FILES = 48
"""Open files that the server itself needs: pipes of workers, downloads, the log."""

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
    workers, threads = choose_size(settings.workers, settings.threads_per_worker, available_cores())

    def real_engine() -> EngineCommand:
        models = [m for m in _preloaded(settings, library) if not pool.casebook.is_open(m)]
        return engine_command(
            models,
            threads,
            residents=max(settings.resident_voices, len(models)),
            synthesis_timeout=settings.synthesis_timeout,
            stall_timeout=settings.stall_timeout,
            log_level=settings.log_level,
        )

    size = PoolSize(
        workers=workers,
        spare=settings.spare_worker,
        max_queue=settings.max_queue,
        wear=Wear(
            memory_limit=choose_memory_limit(
                settings.worker_memory_limit, psutil.virtual_memory().total, workers
            ),
            max_segments=settings.worker_max_segments,
        ),
    )
    decider = RestartDecider(policy or RestartPolicy())
    pool = Pool(command or real_engine, size, decider, Metrics())
    manner = Manner(
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
    )
    return Synthesizer(library, pool, manner)


async def load_library(settings: Settings) -> Library:
    """Find the installed voices.

    Raises:
        VoiceNotFoundError: there is none.
    """
    voices = await asyncio.to_thread(find_voices, settings.data_dir)
    return Library(voices, settings.voice)


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
) -> None:
    """Serve until `stop` is set.

    The port is open before the first voice is loaded; requests wait for it.

    Raises:
        StartError: the address cannot be used.
        VoiceNotFoundError: no voice is installed.
    """
    store = Store(settings.data_dir)
    await asyncio.to_thread(store.recover)
    library = await load_library(settings)
    synthesizer = build_synthesizer(settings, library, command, policy)
    server = WyomingServer(
        settings.uri,
        synthesizer,
        max_connections=_affordable(settings.max_connections),
        idle_timeout=settings.idle_timeout,
    )
    await server.start()
    _LOGGER.info("listening on %s; default voice %s", server.address, library.default.name)
    host = urlsplit(settings.uri).hostname or ""
    async with (
        running(synthesizer),
        announced(settings.zeroconf, host, server.port),
        _background(_prepare_voices(store, synthesizer)),
    ):
        if on_listening is not None:
            on_listening(server)
        await stop.wait()
        _LOGGER.info("stopping")
        await server.stop(STOP_GRACE)


def _affordable(connections: int) -> int:
    """As many connections as the system's limit of open files allows, some kept for ourselves."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    allowed = connections if soft == resource.RLIM_INFINITY else max(1, soft - _OWN_FILES)
    if allowed < connections:
        _LOGGER.warning(
            "max_connections is %d instead of %d: only %d files may be open here",
            allowed,
            connections,
            soft,
        )
    return min(allowed, connections)


@contextlib.asynccontextmanager
async def _background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` beside the context and cancel it at the end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _prepare_voices(store: Store, synthesizer: Synthesizer) -> None:
    """Split every voice that is not, one after the other, once speaking is possible."""
    await synthesizer.pool.until_ready()
    for voice in list(synthesizer.library):
        if voice.prepared:
            continue
        try:
            prepared = await store.prepare(voice)
        except VoiceError as err:
            _LOGGER.warning("%s; it speaks all the same, but each sentence starts later", err)
            continue
        synthesizer.library.replace(prepared)
        synthesizer.warm(prepared)
        _LOGGER.info("%s is prepared: its sentences start early from now on", voice.name)


def _preloaded(settings: Settings, library: Library) -> list[str]:
    voices = [library.default]
    for name in settings.voices:
        try:
            voices.append(library.find(name))
        except VoiceNotFoundError as err:
            _LOGGER.warning("voices: %s", err)
    return list(dict.fromkeys(str(voice.model) for voice in voices))
