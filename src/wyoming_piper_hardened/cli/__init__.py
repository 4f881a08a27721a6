"""The command line: arguments, exit codes, progress; no logic.

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 could not start.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from ..config import Settings, all_settings, load_settings
from ..errors import ConfigError, HardenedError, StartError
from ..home_assistant.options import read_options
from . import voices
from .codes import FAILED, NOT_STARTED, USAGE
from .health import health
from .say import say
from .serve import add_app_arguments, serve, serve_app, take_token


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parsed = _parser().parse_args(arguments)
    flags = {setting.name: getattr(parsed, setting.name, None) for setting in all_settings()}
    try:
        settings, command = _prepare(parsed, flags)
        _set_up_logging(settings)
        if parsed.command not in {serve, serve_app}:  # which have their own
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        code = asyncio.run(command(parsed))
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


def _prepare(
    parsed: argparse.Namespace, flags: dict[str, object]
) -> tuple[Settings, Callable[[argparse.Namespace], Coroutine[Any, Any, int]]]:
    """The settings, and the command that they are bound to."""
    if parsed.command is serve_app:
        token = take_token(os.environ)
        options = read_options(parsed.options, os.environ, flags, supervised=bool(token))
        return options.settings, functools.partial(serve_app, options, token)
    settings = load_settings(parsed.config, os.environ, flags)
    return settings, functools.partial(parsed.command, settings)


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
    command.set_defaults(command=serve)

    command = commands.add_parser("app", parents=[flags], help="serve as an app of Home Assistant")
    add_app_arguments(command)
    command.set_defaults(command=serve_app)

    command = commands.add_parser("say", parents=[common], help="speak one text, without a server")
    command.add_argument("text", help="what to say; - reads it from standard input")
    command.add_argument("--output", metavar="FILE.wav", help="a file, or - for standard output")
    command.set_defaults(command=say)

    command = commands.add_parser(
        "health", parents=[common], help="ask a server to describe itself"
    )
    command.set_defaults(command=health)

    command = commands.add_parser("voices", help="what is installed")
    voices.add_actions(command.add_subparsers(required=True, metavar="ACTION"), common)
    return parser


def _set_up_logging(settings: Settings) -> None:
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
