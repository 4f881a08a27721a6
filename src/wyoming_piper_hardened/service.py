"""The composition root: builds every part, starts them in order, stops them in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

from .config import Settings
from .engine.messages import SpeechOptions
from .errors import VoiceNotFoundError
from .protocol.announcement import announced
from .protocol.server import WyomingServer
from .restart import RestartDecider, RestartPolicy
from .voices.library import Library, find_voices
from .workers.pool import Pool
from .workers.process import EngineCommand, engine_command
from .workers.sizing import available_cores, choose_size
from .workers.synthesizer import Synthesizer

_LOGGER = logging.getLogger(__name__)

STOP_GRACE = 2.0
"""Seconds that requests under way may still take when the server stops; with the workers' kill
delay the whole stop stays below 5 s, Home Assistant's Supervisor allows 10."""


def build_synthesizer(
    settings: Settings,
    library: Library,
    command: EngineCommand | None = None,
    policy: RestartPolicy | None = None,
) -> Synthesizer:
    """Connect the parts that speak. Tests give their own engine `command` and faster `policy`."""
    workers, threads = choose_size(settings.workers, settings.threads_per_worker, available_cores())
    if command is None:
        command = engine_command(
            _preloaded(settings, library),
            threads,
            synthesis_timeout=settings.synthesis_timeout,
            log_level=settings.log_level,
        )
    return Synthesizer(
        library,
        Pool(command, workers, settings.max_queue, RestartDecider(policy or RestartPolicy())),
        speaker=settings.speaker,
        options=SpeechOptions(
            length_scale=settings.length_scale,
            noise_scale=settings.noise_scale,
            noise_w_scale=settings.noise_w_scale,
        ),
        sentence_silence=settings.sentence_silence,
        max_segment_chars=settings.max_segment_chars,
    )


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
    workers = asyncio.create_task(synthesizer.pool.run(), name="workers")
    try:
        yield synthesizer
    finally:
        workers.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await workers


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    *,
    command: EngineCommand | None = None,
    policy: RestartPolicy | None = None,
    on_listening: Callable[[WyomingServer], None] | None = None,
) -> None:
    """Serve until `stop` is set.

    The port is open before the first voice is loaded; requests wait for it.

    Raises:
        StartError: the address cannot be used.
        VoiceNotFoundError: no voice is installed.
    """
    library = await load_library(settings)
    synthesizer = build_synthesizer(settings, library, command, policy)
    server = WyomingServer(
        settings.uri,
        synthesizer,
        max_connections=settings.max_connections,
        idle_timeout=settings.idle_timeout,
    )
    await server.start()
    _LOGGER.info("listening on %s; default voice %s", settings.uri, library.default.name)
    host = urlsplit(settings.uri).hostname or ""
    async with running(synthesizer), announced(settings.zeroconf, host, server.port):
        if on_listening is not None:
            on_listening(server)
        await stop.wait()
        _LOGGER.info("stopping")
        await server.stop(STOP_GRACE)


def _preloaded(settings: Settings, library: Library) -> list[str]:
    voices = [library.default]
    for name in settings.voices:
        try:
            voices.append(library.find(name))
        except VoiceNotFoundError as err:
            _LOGGER.warning("voices: %s", err)
    return list(dict.fromkeys(str(voice.model) for voice in voices))
