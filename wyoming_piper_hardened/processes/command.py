"""The command line of an engine process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from ..engine.messages import VoiceVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCommand:
    """Command line of an engine, and how long its steps may take in seconds."""

    arguments: tuple[str, ...]
    start_timeout: float = 120.0
    synthesis_timeout: float = 30.0
    stall_timeout: float = 10.0
    kill_delay: float = 2.0


def engine_command(
    voices: Iterable[VoiceVersion],
    threads: int,
    *,
    residents: int,
    residents_memory: int = 0,
    synthesis_timeout: float,
    stall_timeout: float,
    log_level: str,
) -> EngineCommand:
    """Return the command of the real engine with `voices` loaded before it is ready."""
    models = [argument for voice in voices for argument in ("--voice", str(voice.model))]
    options = ["--threads", str(threads), "--residents", str(residents)]
    options += ["--residents-memory", str(residents_memory)]
    options += ["--parent", str(os.getpid()), "--log-level", log_level]
    module = "wyoming_piper_hardened.engine"
    return EngineCommand(
        arguments=(sys.executable, "-m", module, *models, *options),
        synthesis_timeout=synthesis_timeout,
        stall_timeout=stall_timeout,
    )
