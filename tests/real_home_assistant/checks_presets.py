"""Checks of presets: voices with options of their own, in Home Assistant's voice picker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .bench import unique
from .home_assistant import page

if TYPE_CHECKING:
    from .bench import Bench
    from .results import Findings

NAME, LENGTH_SCALE = "Joe, slowly", 1.3
"""The preset that the server of this check has."""
WAV_HEADER = 44


async def slowly(bench: Bench, findings: Findings) -> None:
    """Check that a preset is offered like a voice, and speaks with the options that it has."""
    offered = await bench.client.call(
        "tts/engine/voices", engine_id=bench.engine.entity_id, language=bench.engine.language
    )
    names = {voice["voice_id"]: voice["name"] for voice in offered["voices"]}
    findings.require(names.get(NAME) == NAME, f"the picker offers {names}")
    text = unique("The cooker is still on.")
    spoken = await bench.speak(text, voice=NAME)
    lengths = {}
    async with page() as server:
        for scale in (1.0, LENGTH_SCALE):
            said = {"text": text, "voice": bench.engine.voice, "length_scale": scale}
            async with server.post("api/say", json=said) as answer:
                lengths[scale] = (await answer.read())[WAV_HEADER:]
    findings.require(
        spoken.pcm == lengths[LENGTH_SCALE],
        f"it does not speak as length_scale {LENGTH_SCALE} does: {len(spoken.pcm)} bytes",
    )
    ratio = len(spoken.pcm) / len(lengths[1.0])
    findings.measure("longer by", 100 * (ratio - 1), "%")
    # Sounds last whole frames, rounded up: the shortest, of which there are many, do not grow.
    findings.require(1.1 < ratio <= LENGTH_SCALE, f"it is {ratio:.2f} times as long")
