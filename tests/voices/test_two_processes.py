"""Processes that share a data directory: they exclude each other, and none repeats the other."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from conftest import Serve
from support.client import Client, connected
from support.hub import faulty_hub
from support.hub_faults import voices_json
from support.killed_installs import AMY, amys_files
from support.voices import SINGLE, SINGLE_CONFIG
from support.waiting import eventually
from wyoming_piper_hardened.hub.files import CATALOGUE_PATH
from wyoming_piper_hardened.store.manifest import find_damage
from wyoming_piper_hardened.store.store import Store
from wyoming_piper_hardened.voices.maintenance_policy import MaintenanceTimings

pytestmark = pytest.mark.long

HUB_FILE = f"en/en_US/amy/medium/{AMY}.onnx"


async def install(data: Path, endpoint: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wyoming_piper_hardened", "voices", "install", AMY),
        *("--data-dir", str(data), "--hub-endpoint", endpoint),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await process.communicate()
    assert process.returncode is not None
    return process.returncode, stdout.decode(), stderr.decode()


async def test_concurrent_installs_are_one_download(tmp_path: Path) -> None:
    async with faulty_hub(amys_files()) as hub:
        one, two = await asyncio.gather(*(install(tmp_path, hub.endpoint) for _ in range(2)))
        models = [s for s in hub.bodies() if s.method == "GET" and f"{AMY}.onnx" in s.path]
    assert (one[0], two[0]) == (0, 0), one[2] + two[2]
    assert len(models) == 1
    version = await asyncio.to_thread(Store(tmp_path).current, AMY)
    assert version
    assert str(version) in one[1]
    assert str(version) in two[1]
    assert await asyncio.to_thread(Store(tmp_path).versions, AMY) == [version]
    assert await asyncio.to_thread(find_damage, version, digests=True) == ()
    assert not list((tmp_path / "staging").glob("*"))


async def offered(client: Client) -> set[str]:
    await client.send("describe")
    (info,) = (await client.until("info")).events
    return {voice["name"] for voice in info.data["tts"][0]["voices"]}


async def test_install_beside_a_server_that_prepares_its_voice(
    start_server: Serve, tmp_path: Path
) -> None:
    """The server speaks all the time, and then with the new voice, too."""
    files = {HUB_FILE: SINGLE.read_bytes(), f"{HUB_FILE}.json": SINGLE_CONFIG.read_bytes()}
    files[CATALOGUE_PATH] = json.dumps(voices_json(files)).encode()
    server = await start_server(
        data_dir=tmp_path, maintenance=MaintenanceTimings(follow_interval=0.1)
    )
    library = server.library
    assert server.port
    async with faulty_hub(files) as hub, connected(server.port) as client:
        installing = asyncio.create_task(install(tmp_path, hub.endpoint))
        while not (installing.done() and library.default.prepared):
            assert "en_US-joe-medium" in await offered(client)
            assert len((await client.say("It goes on.")).pcm) > 10_000
            await asyncio.wait({installing}, timeout=0.1)
        code, _, stderr = await installing
        assert code == 0, stderr
        await eventually(lambda: AMY in library)
        assert (await client.say("Hello.", voice={"name": AMY})).types[-1] == "audio-stop"
    await eventually(lambda: not list((tmp_path / "staging").glob("*")))
