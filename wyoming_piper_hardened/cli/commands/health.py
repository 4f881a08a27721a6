"""``health``: asks a server to describe itself."""

from __future__ import annotations

import argparse
import asyncio

from wyoming.client import AsyncClient
from wyoming.info import Describe, Info

from ...config.settings import Settings
from ..codes import FAILED, OK
from ..streams import answer, note

_HEALTH_TIMEOUT = 5.0


async def health(settings: Settings, _: argparse.Namespace) -> int:
    """Ask a server to describe itself."""
    uri = reachable_uri(settings.uri)
    try:
        async with asyncio.timeout(_HEALTH_TIMEOUT), AsyncClient.from_uri(uri) as client:
            await client.write_event(Describe().event())
            while (event := await client.read_event()) is not None:
                if Info.is_type(event.type):
                    Info.from_event(event)  # raises for what is no Wyoming server
                    voices = [voice for one in event.data["tts"] for voice in one["voices"]]
                    offered = sum(bool(voice.get("on_demand")) for voice in voices)
                    state = f"{len(voices) - offered} installed, {offered} offered"
                    answer(f"{uri}: {'healthy' if voices else 'no voice'}, {state}")
                    return OK if voices else FAILED
        note(f"{uri} closed the connection without an answer")
    except TimeoutError:
        note(f"{uri} did not answer within {_HEALTH_TIMEOUT:g} s")
    except (ValueError, KeyError, TypeError, AttributeError):
        note(f"{uri} does not speak the Wyoming protocol")
    except OSError as err:
        note(f"{uri} cannot be reached: {err.strerror or err}")
    return FAILED


def reachable_uri(uri: str) -> str:
    """Return the address to connect to for an address to listen on."""
    for everywhere in ("//0.0.0.0:", "//[::]:", "//:"):
        uri = uri.replace(everywhere, "//127.0.0.1:")
    return uri
