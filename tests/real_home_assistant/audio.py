"""The audio that a listener would hear: decode a reply with ffmpeg and measure it."""

from __future__ import annotations

import asyncio
import json
import math
from array import array
from dataclasses import dataclass

RATE = 16_000
"""Samples a second that everything is decoded to, in mono and 16 bit."""

FRAME = RATE // 50
"""Samples of one frame, 20 ms."""

FULL_SCALE = 32_768
VOICED_OVER_DBFS = -45.0
SILENCE_DBFS = -120.0


@dataclass(frozen=True, slots=True)
class Audio:
    """Measures of a decoded reply."""

    codec: str
    """ffmpeg's name, such as `mp3` or `pcm_s16le`; empty when it could not be decoded."""
    rate: int
    """Samples a second in the file as it came."""
    channels: int
    seconds: float
    loudness: float
    """Root mean square in dBFS."""
    peak: float
    """In dBFS."""
    voiced: float
    """Share of the 20 ms frames over -45 dBFS, 0 to 1."""
    problem: str
    """What ffmpeg complained of; empty when it did not."""


async def measure(body: bytes) -> Audio:
    """Decode a file of any format that ffmpeg knows; an empty one is silence of no length."""
    if not body:
        return Audio("", 0, 0, 0.0, SILENCE_DBFS, SILENCE_DBFS, 0.0, "")
    codec, rate, channels = await _probe(body)
    arguments = ("-i", "pipe:0", "-f", "s16le", "-ac", "1", "-ar", str(RATE), "pipe:1")
    decoded, problem = await _pipe("ffmpeg", *arguments, stdin=body)
    samples = array("h", decoded[: len(decoded) // 2 * 2])
    frames = [samples[at : at + FRAME] for at in range(0, len(samples) - FRAME + 1, FRAME)]
    voiced = sum(_loudness(frame) > VOICED_OVER_DBFS for frame in frames)
    return Audio(
        codec=codec,
        rate=rate,
        channels=channels,
        seconds=len(samples) / RATE,
        loudness=_loudness(samples),
        peak=_decibels(max(map(abs, samples), default=0)),
        voiced=voiced / len(frames) if frames else 0.0,
        problem=problem,
    )


async def _probe(body: bytes) -> tuple[str, int, int]:
    entries = ("-show_entries", "stream=codec_name,sample_rate,channels", "-of", "json")
    answer, _ = await _pipe("ffprobe", *entries, "pipe:0", stdin=body)
    streams = json.loads(answer or b"{}").get("streams", [])
    if not streams:
        return "", 0, 0
    stream = streams[0]
    return stream["codec_name"], int(stream["sample_rate"]), int(stream["channels"])


async def _pipe(program: str, *arguments: str, stdin: bytes) -> tuple[bytes, str]:
    process = await asyncio.create_subprocess_exec(
        program,
        *("-hide_banner", "-loglevel", "error"),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaint = await process.communicate(stdin)
    return output, complaint.decode(errors="replace").strip()[:300]


def _loudness(samples: array[int]) -> float:
    if not samples:
        return SILENCE_DBFS
    return _decibels(math.sqrt(math.sumprod(samples, samples) / len(samples)))


def _decibels(amplitude: float) -> float:
    return 20 * math.log10(amplitude / FULL_SCALE) if amplitude else SILENCE_DBFS
