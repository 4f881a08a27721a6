"""``health``: asks a server to describe itself."""

from __future__ import annotations

import argparse
import asyncio
import sys

from wyoming.client import AsyncClient
from wyoming.info import Describe, Info

from ..config.settings import Settings
from .codes import FAILED, OK

_HEALTH_TIMEOUT = 5.0


async def health(settings: Settings, _: argparse.Namespace) -> int:
    """Ask a server to describe itself."""
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


def _reachable(uri: str) -> str:
    """Return the address to connect to for an address to listen on."""
    for everywhere, here in (("//0.0.0.0:", "//127.0.0.1:"), ("//[::]:", "//[::1]:")):
        uri = uri.replace(everywhere, here)
    return uri
