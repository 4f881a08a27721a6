"""Parts of a server, made from its settings."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from .catalogue.catalogue import Catalogue
from .catalogue.current import CurrentCatalogue
from .config.settings import LogLevel, Settings
from .engine.messages import SpeechOptions, VoiceVersion
from .errors import VoiceNotFoundError
from .hub.settings import HubSettings
from .metrics import Metrics
from .processes.command import EngineCommand, engine_command
from .processes.phonemizer import PhonemizerTimings
from .processes.preparation import prepare
from .processes.restart import RestartDecider, RestartPolicy
from .processes.smoke_test import check_speech
from .protocol.timings import SessionTimings
from .reporting.issues import Failure
from .speech.choices.default_voice import DefaultVoice
from .speech.choices.preset_editor import PresetEditor
from .speech.dictionary.user_dictionary import UserDictionary
from .speech.presets import Presets
from .speech.target import Silence, SpeechDefaults
from .store.store import Store
from .system.aio import Notifier
from .text.profile import TextMode
from .voices.installation.installer import Installer
from .voices.installation.sources import SourceFinder
from .voices.jobs import JobRunner
from .voices.library import Library, find_voices
from .voices.maintenance import Maintenance
from .voices.maintenance_policy import MaintenancePolicy, MaintenanceTimings
from .web.limits import WebLimits
from .workers.pool import Pool, PoolSize
from .workers.recycling import RecyclePolicy
from .workers.sizing import available_cores, choose_memory_limit, choose_size

_READY_WAIT = 60.0
"""Seconds after which maintenance begins although no worker has been ready yet."""

Reports = asyncio.Queue[tuple[VoiceVersion, Failure]]
"""Voice versions that workers could not load; filled by the pool, emptied by the maintenance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Limits, time limits and back-offs of a server; tests pass others."""

    restart: RestartPolicy = field(default_factory=RestartPolicy)
    session: SessionTimings = field(default_factory=SessionTimings)
    maintenance: MaintenanceTimings = field(default_factory=MaintenanceTimings)
    web: WebLimits = field(default_factory=WebLimits)
    client_delay: float = SpeechDefaults().client_delay
    phonemizer: PhonemizerTimings = field(default_factory=PhonemizerTimings)


async def load_library(settings: Settings, catalogue: Catalogue | None = None) -> Library:
    """Find the installed voices; a default by an older name is the voice that `catalogue` knows."""
    voices = await asyncio.to_thread(find_voices, Store(settings.data_dir))
    default = settings.voice
    if catalogue is not None and all(voice.name != default for voice in voices):
        with contextlib.suppress(VoiceNotFoundError):
            default = catalogue.find(default).name
    return Library(voices, default)


async def load_choices(
    settings: Settings, library: Library, catalogue: CurrentCatalogue
) -> tuple[Presets, DefaultVoice, PresetEditor]:
    """Return what a person may choose while the server runs, as it was left by the last run."""
    presets = Presets(settings.presets, library)
    default = DefaultVoice(settings.voice, library, presets, settings.data_dir)
    editor = PresetEditor(presets, library, default, catalogue, settings.data_dir)
    await editor.read()
    await default.read()
    return presets, default, editor


def wanted_voices(settings: Settings, library: Library, presets: Presets) -> tuple[str, ...]:
    """Return the voices that are needed, each once: of the default, the settings, the presets."""
    of_presets = (preset.voice for preset in presets)
    return tuple(dict.fromkeys((library.wanted, *settings.voices, *of_presets)))


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
        silence=Silence(
            between=settings.sentence_silence,
            before=settings.silence_before,
            after=settings.silence_after,
        ),
        max_segment_chars=settings.max_segment_chars,
        text_mode=TextMode(settings.text),
        early_start=settings.early_start,
        fallback_voice=settings.fallback_voice,
        request_timeout=settings.request_timeout,
        keep_text=settings.log_level is LogLevel.DEBUG,
    )


def build_dictionary(settings: Settings) -> UserDictionary:
    """Return the user's dictionary, not read yet."""
    return UserDictionary(settings.custom_voice_dirs, settings.data_dir)


def build_pool(
    settings: Settings,
    library: Library,
    metrics: Metrics,
    notifier: Notifier,
    reports: Reports,
    *,
    wanted: Callable[[], tuple[str, ...]],
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
        versions = [voice.version for voice in library.default_and(wanted())]
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
            threads=threads,
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

    `store` is that of the server which this process is; ``None`` for a command, beside which a
    server may run.

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
    prepare_voice = partial(prepare, beside_server=store is None)
    return Installer(store or Store(settings.data_dir), sources, try_voice, prepare_voice)


def build_maintenance(
    settings: Settings,
    installer: Installer,
    jobs: JobRunner,
    library: Library,
    *,
    pool: Pool,
    reports: Reports,
    wanted: Callable[[], tuple[str, ...]],
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
        wanted=wanted,
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
