"""The smoke test of a voice: it is loaded and speaks where a crash hurts nobody."""

from __future__ import annotations

import asyncio

from ..engine.messages import SegmentRequest, VoiceVersion
from ..errors import SynthesisError, VoiceError
from .command import EngineCommand
from .engine_process import EngineProcess
from .errors import EngineFailedError

_TEXT = "1, 2, 3."  # words in every language


async def check_speech(command: EngineCommand, voice: VoiceVersion) -> None:
    """Load a voice and speak a sentence in a process of its own.

    Raises:
        VoiceError: it does not load, does not speak, or ends the process.
    """
    size = 0

    def count(pcm: bytes) -> None:
        nonlocal size
        size += len(pcm)

    try:
        async with EngineProcess.running(command) as engine:
            await engine.wait_ready()
            await engine.speak(SegmentRequest(_TEXT, voice), count, asyncio.Event())
    except (EngineFailedError, SynthesisError) as err:
        # A library may name the file, in a folder that is gone when somebody reads this.
        said = str(err).replace(f"{voice.model.parent}/", "")
        raise VoiceError(f"{voice.name} does not speak: {said}") from None
    if not size:
        raise VoiceError(f"{voice.name} does not speak: it makes no audio")
