"""The smoke test of a voice: it is loaded and speaks where a crash hurts nobody."""

from __future__ import annotations

import contextlib

from ..engine.messages import SegmentRequest, VoiceVersion
from ..errors import HardenedError, SynthesisError, VoiceError, VoiceUnusableError
from .answers import Audio, Computed, Rejected
from .command import EngineCommand
from .engine_process import EngineProcess
from .errors import EngineFailedError

_TEXT = "1, 2, 3."  # words in every language


async def check_speech(command: EngineCommand, voice: VoiceVersion) -> None:
    """Load a voice and speak a sentence in a process of its own.

    Raises:
        VoiceUnusableError: it does not load, does not speak, or crashes the process.
        VoiceError: the process took too long, or was killed.
    """
    try:
        async with EngineProcess.running(command) as engine:
            await engine.wait_ready()
            size = await _speak(engine, SegmentRequest(_TEXT, voice))
    except (EngineFailedError, SynthesisError) as err:
        # A library may name the file, in a folder that is gone when somebody reads this.
        said = str(err).replace(f"{voice.model.parent}/", "")
        kind = VoiceUnusableError if _is_lasting(err) else VoiceError
        raise kind(f"{voice.name} does not speak: {said}") from None
    if not size:
        raise VoiceUnusableError(f"{voice.name} does not speak: it makes no audio")


async def _speak(engine: EngineProcess, request: SegmentRequest) -> int:
    """Have a segment spoken, chunk by chunk; return its bytes."""
    segment, size = engine.open(request), 0
    engine.compute(segment)
    async with contextlib.aclosing(engine.answers()) as answers:
        async for answer in answers:
            if isinstance(answer, Audio):
                size += len(answer.pcm)
            elif isinstance(answer, Computed):
                engine.compute(segment)
            elif isinstance(answer, Rejected):
                raise answer.error
            else:
                break
    return size


def _is_lasting(err: HardenedError) -> bool:
    """Return whether the next attempt would fail, too; out of memory or time, it may not."""
    if not isinstance(err, EngineFailedError):
        return True
    signal = err.failure.detail.get("signal")
    return err.permanent or signal not in {None, "SIGKILL"}
