"""Segments that an engine speaks in pieces."""

from __future__ import annotations

import pytest

from conftest import Script, Serve
from support.client import connected
from support.scripted_engine import samples


@pytest.mark.parametrize("text", ["PIECES of it.", "PIECES, ONCE LATE CRASH."])
async def test_pieces_are_one_segment_for_the_listener(
    start_server: Serve, script: Script, text: str
) -> None:
    server = await start_server(script())
    assert server.port
    async with connected(server.port) as client:
        spoken = await client.say(text)
    assert spoken.types == ["audio-start", "audio-chunk", "audio-stop"]
    assert spoken.pcm == 3 * samples(text)
    assert server.synthesizer.records[-1].characters == len(text)
