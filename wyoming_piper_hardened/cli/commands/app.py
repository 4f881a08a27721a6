"""``app``: the server as an app of Home Assistant, and what containers start."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, MutableMapping

from ...home_assistant.app import App
from ...home_assistant.options import OPTIONS_FILE, AppOptions, read_options
from ...home_assistant.standard_input import descriptor
from ...home_assistant.supervisor import SUPERVISOR_URL
from ...service import serve as serve_settings
from ...system.privileges import drop_privileges
from ..codes import OK
from .serve import freeze_heap, stop_signals

_USER = "piper"  # the image has that account


def prepare(parsed: argparse.Namespace, flags: Mapping[str, object]) -> tuple[AppOptions, str]:
    """Return the options and the Supervisor's token for this app.

    Raises:
        ConfigError: a flag is wrong.
    """
    token = take_token(os.environ)
    file = parsed.options or OPTIONS_FILE
    return read_options(file, os.environ, flags, supervised=bool(token)), token


def give_up_root(options: AppOptions) -> None:
    """Give up root, which only had to read the options and own the folder of data."""
    settings = options.settings
    drop_privileges(_USER, [settings.data_dir], readable=settings.custom_voice_dirs)


def take_token(environment: MutableMapping[str, str]) -> str:
    """Return the Supervisor's token; empty without a Supervisor.

    It is removed from the environment, so that no child process has it.
    """
    tokens = [environment.pop(name, "") for name in ("SUPERVISOR_TOKEN", "HASSIO_TOKEN")]
    return tokens[0].strip()


async def serve(options: AppOptions, token: str, parsed: argparse.Namespace) -> int:
    """Serve until a signal comes, finish what has begun, and stop."""
    app = App(options, token, parsed.supervisor or SUPERVISOR_URL, descriptor())
    with stop_signals() as stop:
        async with serve_settings(options.settings, app=True) as server, server.beside(app):
            freeze_heap()
            await stop.first.wait()
            await server.drain.run(stop.second)
    return OK
