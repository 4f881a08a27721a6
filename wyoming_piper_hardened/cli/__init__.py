"""The command line: arguments, exit codes, progress; no logic.

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 could not start. A command's module is
imported when it runs: a container asks for its health every minute.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import importlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from ..config.settings import Settings, all_settings, load_settings
from ..errors import ConfigError, HardenedError, StartError
from ..system.log_format import LineFormatter
from .codes import FAILED, NOT_STARTED, USAGE

_SERVERS = {"serve:serve", "app:serve"}  # which have their own signal handlers

Command = Callable[[argparse.Namespace], Coroutine[Any, Any, int]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parsed = _parser().parse_args(arguments)
    flags = {setting.name: getattr(parsed, setting.name, None) for setting in all_settings()}
    try:
        command = _prepared(parsed, flags)
        if parsed.command not in _SERVERS:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        code: int = asyncio.run(command(parsed))
    except ConfigError as err:
        print(err, file=sys.stderr)
        return USAGE
    except StartError as err:
        print(f"cannot start: {err}", file=sys.stderr)
        return NOT_STARTED
    except HardenedError as err:
        print(f"{err.code}: {err}", file=sys.stderr)
        return FAILED
    except (KeyboardInterrupt, BrokenPipeError):
        return FAILED
    return code


def _prepared(parsed: argparse.Namespace, flags: dict[str, object]) -> Command:
    """Return the command, bound to its settings."""
    module, _, name = parsed.command.partition(":")
    if parsed.command == "app:serve":
        from . import app  # noqa: PLC0415 - see above

        options, token = app.prepare(parsed, flags)
        _set_up_logging(options.settings)
        app.give_up_root(options)
        return functools.partial(app.serve, options, token)
    settings = load_settings(parsed.config, os.environ, flags)
    _set_up_logging(settings)
    return functools.partial(
        getattr(importlib.import_module(f".{module}", __name__), name), settings
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wyoming-piper-hardened", description="Text-to-speech for Wyoming clients."
    )
    parser.add_argument("--version", action="version", version=__version__)
    flags = argparse.ArgumentParser(add_help=False)
    for setting in all_settings():
        flags.add_argument(
            "--" + setting.name.replace("_", "-"),
            dest=setting.name,
            metavar="VALUE",
            help=f"{setting.help} Allowed: {setting.allowed}.".replace("%", "%%"),
        )
    common = argparse.ArgumentParser(add_help=False, parents=[flags])
    common.add_argument("--config", type=Path, metavar="FILE", help="YAML or JSON settings")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("serve", parents=[common], help="serve Wyoming clients")
    command.set_defaults(command="serve:serve")

    command = commands.add_parser("app", parents=[flags], help="serve as an app of Home Assistant")
    command.add_argument("--options", type=Path, metavar="FILE", help="the app's options")
    command.add_argument("--supervisor", metavar="URL", help="where the Supervisor is")
    command.set_defaults(command="app:serve")

    command = commands.add_parser("say", parents=[common], help="speak one text, without a server")
    command.add_argument(
        "words", metavar="TEXT", help="what to say; - reads it from standard input"
    )
    command.add_argument("--output", metavar="FILE.wav", help="a file, or - for standard output")
    command.set_defaults(command="say:say")

    command = commands.add_parser(
        "text", parents=[common], help="show how a text will be spoken, without speaking it"
    )
    command.add_argument("words", metavar="TEXT", help="the text; - reads it from standard input")
    command.add_argument("--language", metavar="CODE", help="such as de; else that of the voice")
    command.add_argument("--ssml", action="store_true", help="the text is SSML")
    command.add_argument("--json", action="store_true", help="for programs")
    command.set_defaults(command="text:text")

    command = commands.add_parser(
        "health", parents=[common], help="ask a server to describe itself"
    )
    command.set_defaults(command="health:health")

    command = commands.add_parser("voices", help="what is installed")
    _add_voices(command.add_subparsers(required=True, metavar="ACTION"), common)
    return parser


def _add_voices(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    common: argparse.ArgumentParser,
) -> None:
    action = actions.add_parser("list", parents=[common], help="list the installed voices")
    action.add_argument("--json", action="store_true", help="for programs")
    action.add_argument(
        "--available", action="store_true", help="list the repository's voices, as far as known"
    )
    action.set_defaults(command="voices:show")
    for name, nargs, text in (
        ("install", "+", "install voices of the repository, or the embedded one"),
        ("verify", "*", "read every byte of voices; all of them if none is named"),
        ("repair", "+", "verify voices, quarantine what is damaged, and get it again"),
        ("remove", "+", "remove a voice from the data directory"),
    ):
        action = actions.add_parser(name, parents=[common], help=text)
        action.add_argument("names", metavar="NAME", nargs=nargs)
        action.set_defaults(command=f"voices:{name}")
    action = actions.add_parser("import", parents=[common], help="install voices of your own")
    action.add_argument("paths", type=Path, metavar="PATH.onnx", nargs="+")
    action.set_defaults(command="voices:import_own")
    action = actions.add_parser(
        "gc", parents=[common], help="remove versions that do not serve, and what is in quarantine"
    )
    action.set_defaults(command="voices:collect_garbage")


def _set_up_logging(settings: Settings) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
