"""A voice of the hub, from its catalogue to speech, through the one transaction."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import Serve
from support import hub_voices
from support.client import connected
from support.hub import FaultyHub, faulty_hub
from support.hub_client import amys_files
from support.hub_faults import Fault
from support.voices import SINGLE, SINGLE_CONFIG
from wyoming_piper_hardened.catalogue.catalogue import bundled
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.errors import VoiceError
from wyoming_piper_hardened.hub.errors import DownloadError, OfflineError
from wyoming_piper_hardened.hub.settings import HubSettings
from wyoming_piper_hardened.store.origin import Origin, OriginKind
from wyoming_piper_hardened.voices.installation.installer import Installer
from wyoming_piper_hardened.voices.installation.progress import Progress, Step
from wyoming_piper_hardened.voices.installation.sources import HubSource, hub_origin

pytestmark = pytest.mark.slow

AMY = "en_US-amy-medium"
AMY_ORIGIN = hub_origin(bundled().find("en_US-joe-medium"))


def installer_in(data: Path) -> Installer:
    return build_installer(load_settings(flags={"data_dir": data}))


def source_of(hub: FaultyHub) -> HubSource:
    return HubSource(HubSettings(endpoint=hub.endpoint), AMY, AMY_ORIGIN, 63_201_294)


async def test_concurrent_installs_fetch_once_and_the_voice_speaks(
    start_server: Serve, tmp_path: Path
) -> None:
    progress: list[Progress] = []
    async with faulty_hub(amys_files()) as hub:
        source = replace(source_of(hub), origin=Origin(OriginKind.HUB, "of-an-older-catalogue"))
        installer = installer_in(tmp_path)
        one, two = await asyncio.gather(
            *(installer.install(source, progress.append) for _ in range(2))
        )
        assert one == two
        assert one.prepared
        assert hub.sent < 1.5 * 63_201_294
    assert Progress(Step.FETCHING, f"{AMY}.onnx", 63_201_294, 63_201_294) in progress
    assert [report.step for report in progress][-3:] == [
        Step.PREPARING,
        Step.TESTING,
        Step.COMMITTING,
    ]
    assert await installer.verify(AMY) == ()
    server = await start_server(data_dir=tmp_path)
    assert server.port
    async with connected(server.port) as client:
        spoken = await client.say("Hello there.", voice={"name": AMY})
    assert len(spoken.pcm) > 10_000


@pytest.mark.parametrize("fault", [Fault.FLIP, Fault.HTML, Fault.LFS_POINTER, Fault.NOT_FOUND])
async def test_failed_install_changes_nothing(tmp_path: Path, fault: Fault) -> None:
    async with faulty_hub(amys_files()) as hub:
        hub.fault(fault)
        with pytest.raises((DownloadError, VoiceError)):
            await installer_in(tmp_path).install(source_of(hub))
    assert not (tmp_path / "voices").exists()
    assert not list((tmp_path / "staging").iterdir())


async def test_offline_install_fails_at_once(tmp_path: Path) -> None:
    source = HubSource(HubSettings(offline=True), AMY, AMY_ORIGIN, 1)
    with pytest.raises(OfflineError):
        await installer_in(tmp_path).install(source)


async def command(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wyoming_piper_hardened", "voices", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await process.communicate()
    assert process.returncode is not None
    return process.returncode, stdout.decode(), stderr.decode()


async def test_commands(tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path))
    async with faulty_hub(hub_voices.amys_files()) as hub:
        code, stdout, _ = await command("install", AMY, *data, "--hub-endpoint", hub.endpoint)
        assert (code, "installed in" in stdout) == (0, True)
        code, _, stderr = await command("install", "en_US-ami-medium", *data)
        assert code == 1
        assert AMY in stderr  # similar names
        code, stdout, _ = await command("verify", *data)
        assert (code, AMY in stdout) == (0, True)
        (model,) = tmp_path.glob(f"voices/{AMY}/*-*/{AMY}.onnx")
        model.write_bytes(model.read_bytes()[:-1] + b"x")
        code, _, stderr = await command("verify", AMY, *data)
        assert (code, "has changed" in stderr) == (1, True)
        code, stdout, stderr = await command("repair", AMY, *data, "--hub-endpoint", hub.endpoint)
        assert code == 0, stderr
    assert (await command("verify", AMY, *data))[0] == 0
    code, stdout, _ = await command("list", "--json", *data)
    assert {voice["name"] for voice in json.loads(stdout)} == {AMY, "en_US-joe-medium"}
    assert (await command("remove", AMY, *data))[0] == 0
    assert (await command("remove", AMY, *data))[0] == 1
    code, stdout, _ = await command("list", "--available")
    assert (code, AMY in stdout) == (0, True)


async def test_import_of_own_files(tmp_path: Path) -> None:
    own = tmp_path / "my-voice.onnx"
    own.write_bytes(SINGLE.read_bytes())
    Path(f"{own}.json").write_bytes(SINGLE_CONFIG.read_bytes())
    code, stdout, _ = await command("import", str(own), "--data-dir", str(tmp_path / "data"))
    assert (code, "installed as my-voice" in stdout) == (0, True)
    code, _, stderr = await command("import", str(tmp_path / "none.onnx"))
    assert (code, "cannot be read" in stderr) == (1, True)
