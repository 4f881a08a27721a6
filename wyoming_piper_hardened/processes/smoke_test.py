"""A voice's last proof: it is loaded and speaks, where a crash hurts nobody."""

from __future__ import annotations

import asyncio

from ..engine.messages import SegmentRequest
from ..errors import EngineFailedError, SynthesisError, VoiceError
from .command import EngineCommand
from .engine_process import EngineProcess

_TRIAL = "1, 2, 3."  # words in every language


async def speaks(command: EngineCommand, model: str) -> None:
    """Have a model loaded and a sentence spoken in a process of its own.

    Raises:
        VoiceError: it does not load, does not speak, or ends the process.
    """
    samples = 0

    def count(pcm: bytes) -> None:
        nonlocal samples
        samples += len(pcm)

    try:
        async with EngineProcess.running(command) as engine:
            await engine.wait_ready()
            await engine.speak(SegmentRequest(_TRIAL, model), count, asyncio.Event())
    except (EngineFailedError, SynthesisError) as err:
        raise VoiceError(f"{model} does not speak: {err}") from None
    if not samples:
        raise VoiceError(f"{model} does not speak: it makes no audio")
