"""``say``: speaks one text through the supervised path, without a server."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
import wave
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ..config.settings import Settings
from ..engine.messages import BYTES_PER_SAMPLE
from ..service import speaking
from ..speech.text_stream import TextStream
from .codes import FAILED, OK, USAGE

_PLAYERS = (("pw-play",), ("paplay",), ("aplay", "-q"))


async def say(settings: Settings, parsed: argparse.Namespace) -> int:
    """Speak one text."""
    text = sys.stdin.read() if parsed.words == "-" else parsed.words
    output = parsed.output
    if output not in {None, "-"}:
        try:
            await asyncio.to_thread(_try_writing, Path(output))
        except OSError as err:
            print(f"cannot write {output}: {err.strerror}", file=sys.stderr)
            return FAILED
    player = None if output else _player()
    if output is None and player is None:
        print("no audio player found; give --output FILE.wav", file=sys.stderr)
        return USAGE
    pcm = bytearray()
    async with speaking(settings) as (resolver, synthesizer):
        if (wrong := resolver.speaker_error()) is not None:
            raise wrong  # the caller asked for this one and wants no other
        target = resolver.resolve()
        with _progress() as progress:
            task = progress.add_task(f"loading {target.voice.name}")

            async def keep(chunk: bytes) -> None:
                pcm.extend(chunk)
                seconds = len(pcm) / BYTES_PER_SAMPLE / target.voice.sample_rate
                progress.update(task, description=f"{target.voice.name}: {seconds:.1f} s of audio")

            await synthesizer.speak(target, TextStream.of(text, max_chars=None), keep)
    try:
        rate = target.voice.sample_rate
        return await asyncio.to_thread(_deliver, bytes(pcm), rate, output, player)
    except BrokenPipeError:
        return FAILED
    except OSError as err:
        print(f"cannot write {output}: {err.strerror}", file=sys.stderr)
        return FAILED


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _deliver(pcm: bytes, rate: int, output: str | None, player: tuple[str, ...] | None) -> int:
    if output == "-":
        _write_wav(sys.stdout.buffer, pcm, rate)
    elif output is not None:
        with Path(output).open("wb") as file:
            _write_wav(file, pcm, rate)
    elif player is not None:
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            _write_wav(file, pcm, rate)
            file.flush()
            return (
                OK if subprocess.run([*player, file.name], check=False).returncode == 0 else FAILED
            )
    return OK


def _try_writing(path: Path) -> None:
    with path.open("ab"):
        pass


def _write_wav(file: IO[bytes], pcm: bytes, rate: int) -> None:
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(BYTES_PER_SAMPLE)
        writer.setframerate(rate)
        writer.writeframes(pcm)


def _player() -> tuple[str, ...] | None:
    return next((player for player in _PLAYERS if shutil.which(player[0])), None)
