"""The command line: arguments, exit codes, progress; no logic.

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 could not start.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from wyoming.client import AsyncClient
from wyoming.info import Describe, Info

from . import __version__
from .config import Settings, all_settings, load_settings
from .errors import ConfigError, HardenedError, StartError, VoiceError, VoiceNotFoundError
from .service import build_installer, build_synthesizer, find_source, load_library, running, serve
from .text.cleaner import clean
from .text.segmenter import Segment, segments
from .voices.catalogue import Catalogue, bundled
from .voices.sources import custom_source
from .workers.synthesizer import BYTES_PER_SAMPLE

OK, FAILED, USAGE, NOT_STARTED = 0, 1, 2, 3
_PLAYERS = (("pw-play",), ("paplay",), ("aplay", "-q"))
_VOICE_FIELDS = ("name", "language", "quality", "sample_rate", "number_of_speakers")
_HEALTH_TIMEOUT = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parsed = _parser().parse_args(arguments)
    flags = {setting.name: getattr(parsed, setting.name, None) for setting in all_settings()}
    try:
        settings = load_settings(parsed.config, os.environ, flags)
    except ConfigError as err:
        print(err, file=sys.stderr)
        return USAGE
    _set_up_logging(settings)
    if parsed.command is not _serve:  # which has its own
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        code: int = asyncio.run(parsed.command(settings, parsed))
    except (StartError, VoiceNotFoundError) as err:
        print(f"cannot start: {err}", file=sys.stderr)
        return NOT_STARTED if parsed.command is _serve else FAILED
    except HardenedError as err:
        print(f"{err.code}: {err}", file=sys.stderr)
        return FAILED
    except (KeyboardInterrupt, BrokenPipeError):
        return FAILED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wyoming-piper-hardened", description="Text-to-speech for Wyoming clients."
    )
    parser.add_argument("--version", action="version", version=__version__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, metavar="FILE", help="YAML or JSON settings")
    for setting in all_settings():
        common.add_argument(
            "--" + setting.name.replace("_", "-"),
            dest=setting.name,
            metavar="VALUE",
            help=f"{setting.help} Allowed: {setting.allowed}.".replace("%", "%%"),
        )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("serve", parents=[common], help="serve Wyoming clients")
    command.set_defaults(command=_serve)

    command = commands.add_parser("say", parents=[common], help="speak one text, without a server")
    command.add_argument("text", help="what to say; - reads it from standard input")
    command.add_argument("--output", metavar="FILE.wav", help="a file, or - for standard output")
    command.set_defaults(command=_say)

    command = commands.add_parser(
        "health", parents=[common], help="ask a server to describe itself"
    )
    command.set_defaults(command=_health)

    command = commands.add_parser("voices", help="what is installed")
    actions = command.add_subparsers(required=True, metavar="ACTION")
    action = actions.add_parser("list", parents=[common], help="list the installed voices")
    action.add_argument("--json", action="store_true", help="for programs")
    action.add_argument(
        "--available", action="store_true", help="what the hub has, as far as known"
    )
    action.set_defaults(command=_voices_list)
    for name, command_function, text in (
        ("install", _voices_install, "install voices of the hub, or the embedded one"),
        ("verify", _voices_verify, "read every byte of voices; all of them if none is named"),
        ("repair", _voices_repair, "verify voices, set aside what is bad, and get it again"),
        ("remove", _voices_remove, "remove a voice from the data directory"),
    ):
        action = actions.add_parser(name, parents=[common], help=text)
        nargs = "*" if name == "verify" else "+"
        action.add_argument("names", metavar="NAME", nargs=nargs)
        action.set_defaults(command=command_function)
    action = actions.add_parser("import", parents=[common], help="install a voice of your own")
    action.add_argument("path", type=Path, metavar="PATH.onnx")
    action.set_defaults(command=_voices_import)
    return parser


def _set_up_logging(settings: Settings) -> None:
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )


async def _serve(settings: Settings, _: argparse.Namespace) -> int:
    await serve(settings, _stop_signal())
    return OK


async def _health(settings: Settings, _: argparse.Namespace) -> int:
    uri = _reachable(settings.uri)
    try:
        async with asyncio.timeout(_HEALTH_TIMEOUT), AsyncClient.from_uri(uri) as client:
            await client.write_event(Describe().event())
            while (event := await client.read_event()) is not None:
                if Info.is_type(event.type):
                    voices = [v.name for p in Info.from_event(event).tts for v in p.voices]
                    print(f"{uri} is healthy; voices: {', '.join(voices)}")
                    return OK if voices else FAILED
        print(f"{uri} closed the connection without an answer", file=sys.stderr)
    except TimeoutError:
        print(f"{uri} did not answer within {_HEALTH_TIMEOUT:g} s", file=sys.stderr)
    except (ValueError, KeyError, TypeError, AttributeError):
        print(f"{uri} does not speak the Wyoming protocol", file=sys.stderr)
    except OSError as err:
        print(f"{uri} cannot be reached: {err.strerror or err}", file=sys.stderr)
    return FAILED


async def _voices_available(parsed: argparse.Namespace) -> int:
    catalogue: Catalogue = await asyncio.to_thread(bundled)
    if parsed.json:
        rows = [
            {
                "name": voice.name,
                "language": voice.language.code,
                "quality": voice.quality,
                "number_of_speakers": voice.number_of_speakers,
                "bytes": voice.size,
            }
            for voice in catalogue
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return OK
    table = Table("voice", "language", "quality", "speakers", "MB")
    for voice in catalogue:
        speakers, size = str(voice.number_of_speakers), str(voice.size >> 20)
        table.add_row(voice.name, voice.language.code, voice.quality, speakers, size)
    Console().print(table)
    return OK


async def _voices_list(settings: Settings, parsed: argparse.Namespace) -> int:
    if parsed.available:
        return await _voices_available(parsed)
    library = await load_library(settings)
    if parsed.json:
        rows: list[dict[str, Any]] = []
        for voice in library:
            fields = {name: getattr(voice, name) for name in _VOICE_FIELDS}
            rows.append({**fields, "model": str(voice.model), "speakers": dict(voice.speakers)})
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return OK
    table = Table("voice", "language", "quality", "speakers", "rate")
    table.add_column("place", overflow="fold")
    for voice in library:
        speakers, rate = str(voice.number_of_speakers), str(voice.sample_rate)
        table.add_row(
            voice.name, voice.language, voice.quality, speakers, rate, str(voice.model.parent)
        )
    Console().print(table)
    return OK


async def _voices_install(settings: Settings, parsed: argparse.Namespace) -> int:
    installer = build_installer(settings)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        bars: dict[str, TaskID] = {}

        def show(file: str, done: int, total: int) -> None:
            if file not in bars:
                bars[file] = progress.add_task(file)
            progress.update(bars[file], completed=done, total=total)

        async def install(name: str) -> str:
            source = await asyncio.to_thread(find_source, settings, name, show)
            if source is None:
                await asyncio.to_thread(lambda: bundled().find(name))  # raises, with similar names
            assert source is not None
            return f"installed in {(await installer.install(source)).model.parent}"

        return await _each(parsed.names, install)


async def _voices_import(settings: Settings, parsed: argparse.Namespace) -> int:
    async def install(_: str) -> str:
        source = await asyncio.to_thread(custom_source, parsed.path)
        voice = await build_installer(settings).install(source)
        return f"installed in {voice.model.parent}"

    return await _each([parsed.path.stem], install)


async def _voices_verify(settings: Settings, parsed: argparse.Namespace) -> int:
    installer = build_installer(settings)

    async def verify(name: str) -> str:
        if damage := await installer.verify(name):
            raise VoiceError("; ".join(damage))
        return "is as it was installed"

    names = parsed.names or await asyncio.to_thread(installer.store.names)
    return await _each(names, verify)


async def _voices_repair(settings: Settings, parsed: argparse.Namespace) -> int:
    installer = build_installer(settings)

    async def repair(name: str) -> str:
        return f"speaks from {(await installer.repair(name)).model.parent}"

    return await _each(parsed.names, repair)


async def _voices_remove(settings: Settings, parsed: argparse.Namespace) -> int:
    installer = build_installer(settings)

    async def remove(name: str) -> str:
        await installer.remove(name)
        return "removed"

    return await _each(parsed.names, remove)


async def _each(names: Sequence[str], work: Callable[[str], Awaitable[str]]) -> int:
    """Do the work for each name and say how it ended; OK only if all of it succeeded."""
    code = OK
    for name in names:
        try:
            print(f"{name}: {await work(name)}")
        except HardenedError as err:
            print(f"{name}: {err.code}: {err}", file=sys.stderr)
            code = FAILED
    return code


async def _say(settings: Settings, parsed: argparse.Namespace) -> int:
    text = clean(sys.stdin.read() if parsed.text == "-" else parsed.text)
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
    library = await load_library(settings)
    synthesizer = build_synthesizer(settings, library)
    target = synthesizer.resolve()
    pcm = bytearray()

    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task(f"loading {target.voice.name}")

        async def keep(chunk: bytes) -> None:
            pcm.extend(chunk)
            seconds = len(pcm) / BYTES_PER_SAMPLE / target.voice.sample_rate
            progress.update(task, description=f"{target.voice.name}: {seconds:.1f} s of audio")

        async def all_segments() -> AsyncIterator[Segment]:
            for segment in segments(text, settings.max_segment_chars):
                yield segment

        async with running(synthesizer):
            await synthesizer.speak(target, all_segments(), keep)
    try:
        rate = target.voice.sample_rate
        return await asyncio.to_thread(_deliver, bytes(pcm), rate, output, player)
    except BrokenPipeError:
        return FAILED
    except OSError as err:
        print(f"cannot write {output}: {err.strerror}", file=sys.stderr)
        return FAILED


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


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    return stop


def _reachable(uri: str) -> str:
    """The address to connect to for an address to listen on."""
    for everywhere, here in (("//0.0.0.0:", "//127.0.0.1:"), ("//[::]:", "//[::1]:")):
        uri = uri.replace(everywhere, here)
    return uri
