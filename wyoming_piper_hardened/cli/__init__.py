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
import traceback
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any

from ..config.settings import LogFormat, Settings, all_settings
from ..config.sources import load_settings
from ..errors import ConfigError, HardenedError, StartError
from ..system.event_loop import RunningLoop
from ..system.log_format import LineFormatter
from .codes import FAILED, NOT_STARTED, USAGE
from .completion import complete
from .flags import join_switch_values
from .parser import build_parser
from .streams import discard_output, note, prepare_streams

_SERVERS = {"serve:serve", "app:serve"}  # which have their own signal handlers

Command = Callable[[argparse.Namespace], Coroutine[Any, Any, int]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    prepare_streams()
    parser = build_parser()
    complete(parser)
    given = join_switch_values(sys.argv[1:] if arguments is None else arguments)
    parsed, unknown = parser.parse_known_args(given)
    if unknown:
        parsed.parser.refuse(unknown)
    flags = {setting.name: getattr(parsed, setting.name, None) for setting in all_settings()}
    try:
        command = _prepared(parsed, flags)
        if parsed.command not in _SERVERS:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with asyncio.Runner(loop_factory=RunningLoop) as runner:
            code = runner.run(command(parsed))
        sys.stdout.flush()
    except ConfigError as err:
        note(err)
        return USAGE
    except StartError as err:
        note(f"cannot start: {err}")
        return NOT_STARTED
    except HardenedError as err:
        note(f"{err.code}: {err}")
        return FAILED
    except KeyboardInterrupt:
        return FAILED
    except BrokenPipeError:
        discard_output()
        return FAILED
    return code


def _prepared(parsed: argparse.Namespace, flags: dict[str, object]) -> Command:
    """Return the command, bound to its settings."""
    module, _, name = parsed.command.partition(":")
    if parsed.command == "app:serve":
        from .commands import app  # noqa: PLC0415 - see above

        options, token = app.prepare(parsed, flags)
        _set_up_logging(options.settings)
        app.give_up_root(options)
        return functools.partial(app.serve, options, token)
    settings = load_settings(parsed.config, os.environ, flags)
    _set_up_logging(settings)
    return functools.partial(
        getattr(importlib.import_module(f".commands.{module}", __name__), name), settings
    )


def print_exception(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print an unexpected error as the interpreter does, but nothing that steers a terminal."""
    note("".join(traceback.format_exception(kind, error, trace)).rstrip())


def _set_up_logging(settings: Settings) -> None:
    handler = logging.StreamHandler(sys.stderr)
    if settings.log_format is LogFormat.JSON:
        from ..reporting.json_log import JsonFormatter  # noqa: PLC0415 - see above

        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
