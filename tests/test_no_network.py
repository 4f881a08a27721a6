"""Without any network, and with names that nobody resolves, the server speaks and ends in time."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.no_network import NoNetwork, no_network

pytestmark = pytest.mark.slow

AMY = "en_US-amy-medium"
COMMAND = (sys.executable, "-m", "wyoming_piper_hardened")
HUB = "voices.example"
PORT = 10200
STOP = 10  # seconds that Home Assistant's Supervisor allows


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[NoNetwork]:
    async with no_network(tmp_path) as network:
        yield network


@contextlib.asynccontextmanager
async def server(
    network: NoNetwork, data: Path, *arguments: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a server that listens on every address, as it does by default."""
    process = await network.start(
        *(*COMMAND, "serve", "--uri", f"tcp://0.0.0.0:{PORT}", "--data-dir", str(data)),
        *("--hub-endpoint", f"http://{HUB}"),
        *arguments,
    )
    assert process.stderr
    try:
        while b"listening on" not in (line := await process.stderr.readline()):
            assert line, "the server ended"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def describes_itself(network: NoNetwork) -> None:
    async with asyncio.timeout(2), network.connected(PORT) as client:
        await client.send("describe")
        (info,) = (await client.until("info")).events
    assert "en_US-joe-medium" in {voice["name"] for voice in info.data["tts"][0]["voices"]}


async def speaks(network: NoNetwork) -> None:
    async with network.connected(PORT) as client:
        assert len((await client.say("It speaks all the same.")).pcm) > 20_000


async def ends(process: asyncio.subprocess.Process, sign: signal.Signals, seconds: int) -> int:
    process.send_signal(sign)
    async with asyncio.timeout(seconds):
        _, stderr = await process.communicate()
    assert b"Traceback" not in stderr
    assert process.returncode is not None
    return process.returncode


async def test_a_server_speaks_and_ends_while_downloads_hang(
    network: NoNetwork, tmp_path: Path
) -> None:
    async with server(network, tmp_path / "data", "--zeroconf", "Piper") as process:
        await describes_itself(network)
        await speaks(network)
        install = (*COMMAND, "voices", "install", AMY)
        hanging = []
        for name in ("one", "two"):
            place = ("--data-dir", str(tmp_path / name), "--hub-endpoint", f"http://{name}.example")
            hanging.append(await network.start(*install, *place))
            await network.asked(f"{name}.example")
        await describes_itself(network)
        await speaks(network)
        assert await ends(process, signal.SIGTERM, STOP) == 0
    assert await ends(hanging[0], signal.SIGINT, STOP) == 1
    assert not list((tmp_path / "one" / "staging").iterdir())
    assert await ends(hanging[1], signal.SIGTERM, STOP) == -signal.SIGTERM


async def test_a_server_that_itself_waits_for_a_name_speaks_and_ends(
    network: NoNetwork, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    async with server(network, data, "--repair-on-start", AMY) as process:
        await network.asked(HUB)
        await describes_itself(network)
        await speaks(network)
        assert await ends(process, signal.SIGTERM, STOP) == 0
    assert not list((data / "staging").iterdir())
