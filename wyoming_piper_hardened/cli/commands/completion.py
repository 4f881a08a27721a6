"""``completion``: what makes a shell complete this program's commands."""

from __future__ import annotations

import argparse
import sys

from ...config.settings import Settings
from ..codes import OK


async def completion(_: Settings, parsed: argparse.Namespace) -> int:
    """Print a script for a shell."""
    from argcomplete.shell_integration import shellcode  # noqa: PLC0415

    sys.stdout.write(f"{shellcode(['wyoming-piper-hardened'], shell=parsed.shell)}\n")
    return OK
