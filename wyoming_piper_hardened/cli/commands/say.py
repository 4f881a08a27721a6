"""``say``: speaks one text through the supervised path, without a server."""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import subprocess
import sys
import tempfile
import wave
from dataclasses import replace
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ... import workers
from ...composition import build_installer, load_library
from ...config.settings import LogLevel, Settings
from ...engine.messages import BYTES_PER_SAMPLE
from ...service import speaking
from ...speech.text_stream import TextStream
from ...store.origin import OriginKind
from ...voices.offer.absence import OfferPolicy, not_offered
from ..codes import FAILED, OK, USAGE
from ..progress import is_drawable, shown_progress
from ..streams import given_text, note, printable

_PLAYERS = (("pw-play",), ("paplay",), ("aplay", "-q"))


async def say(settings: Settings, parsed: argparse.Namespace) -> int:
    """Speak one text."""
    if settings.log_level is LogLevel.INFO:  # what happens to workers shows in how this ends
        logging.getLogger(workers.__name__).setLevel(logging.CRITICAL)
    text = given_text(parsed.words)
    output = parsed.output
    if output not in {None, "-"}:
        try:
            await asyncio.to_thread(_try_writing, Path(output))
        except OSError as err:
            note(f"cannot write {output}: {err.strerror}")
            return FAILED
    player = None if output else _player()
    if output is None and player is None:
        note("no audio player found; give --output FILE.wav")
        return USAGE
    presets = {preset.name: preset for preset in settings.presets}
    preset = presets.get(settings.voice)
    voice = await _obtained(replace(settings, voice=preset.voice) if preset else settings)
    # The caller asked for this one and wants no other.
    settings = replace(settings, voice=voice, fallback_voice=None)
    pcm = bytearray()
    async with speaking(settings) as (resolver, synthesizer):
        if (wrong := resolver.speaker_error()) is not None:
            raise wrong
        target = resolver.resolve(preset.name if preset else voice)
        with _progress() as progress:
            task = progress.add_task(printable(f"loading {target.voice.name}"))

            async def keep(chunk: bytes) -> None:
                pcm.extend(chunk)
                seconds = len(pcm) / BYTES_PER_SAMPLE / target.voice.sample_rate
                shown = printable(f"{target.voice.name}: {seconds:.1f} s of audio")
                progress.update(task, description=shown)

            await synthesizer.speak(target, TextStream.of(text, max_chars=None), keep)
    try:
        rate = target.voice.sample_rate
        return await asyncio.to_thread(_deliver, bytes(pcm), rate, output, player)
    except BrokenPipeError:
        return FAILED
    except OSError as err:
        note(f"cannot write {output}: {err.strerror}")
        return FAILED


async def _obtained(settings: Settings) -> str:
    """Return the name of the voice of the settings, installed now if it was not.

    Raises:
        HardenedError: it is not there and cannot be had.
    """
    installer = build_installer(settings)
    sources = installer.sources
    library = await load_library(settings, await asyncio.to_thread(sources.catalogue.read))
    if library.wanted not in library:
        source = await sources.search(library.wanted)
        policy = OfferPolicy(settings.auto_install, sources.catalogue.hub.offline)
        if source.origin.kind is OriginKind.HUB and not policy.allows:
            installed = (voice.name for voice in library)
            raise not_offered(source.voice, sources.catalogue.read(), installed, policy)
        with shown_progress(source.voice) as report:
            return (await installer.install(source, report)).name
    return library.wanted


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not is_drawable(),
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
