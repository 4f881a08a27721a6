"""``serve`` and ``app``: the server, by itself or as an app of Home Assistant."""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import MutableMapping
from pathlib import Path

from ..config import Settings
from ..home_assistant.app import App
from ..home_assistant.options import OPTIONS_FILE, AppOptions
from ..home_assistant.standard_input import descriptor
from ..home_assistant.supervisor import SUPERVISOR_URL
from ..service import serve as serve_settings
from .codes import OK


async def serve(settings: Settings, _: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    await serve_settings(settings, _stop_signal())
    return OK


def add_app_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only ``app`` takes. The defaults are right within Home Assistant."""
    parser.add_argument(
        "--options", type=Path, metavar="FILE", default=OPTIONS_FILE, help="the app's options"
    )
    parser.add_argument(
        "--supervisor", metavar="URL", default=SUPERVISOR_URL, help="where the Supervisor is"
    )


def take_token(environment: MutableMapping[str, str]) -> str:
    """What proves to the Supervisor that this is the app; empty without a Supervisor.

    It is taken out of the environment, so that no child process has it.
    """
    tokens = [environment.pop(name, "") for name in ("SUPERVISOR_TOKEN", "HASSIO_TOKEN")]
    return tokens[0].strip()


async def serve_app(options: AppOptions, token: str, parsed: argparse.Namespace) -> int:
    """Serve as an app of Home Assistant until a signal comes."""
    app = App(options, token, parsed.supervisor, descriptor())
    await serve_settings(options.settings, _stop_signal(), faces=[app.face])
    return OK


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    return stop
