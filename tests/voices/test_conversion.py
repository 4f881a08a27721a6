"""Data directories of earlier versions: they serve as they are, and are converted meanwhile."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from conftest import Serve
from support.client import connected
from support.voices import PARTS, SINGLE, to_format_1
from support.waiting import eventually
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.engine.report import FORMAT, SplitReport
from wyoming_piper_hardened.store.manifest import find_damage, make_manifest, read_manifest
from wyoming_piper_hardened.store.store import Store
from wyoming_piper_hardened.voices.installation.installer import Installer
from wyoming_piper_hardened.voices.installation.sources import custom_source, own_source
from wyoming_piper_hardened.voices.maintenance_policy import MaintenanceTimings

NAME = SINGLE.stem


def installer_in(data: Path) -> Installer:
    return build_installer(load_settings(flags={"data_dir": data}))


@pytest.fixture
def old_data(tmp_path: Path) -> Path:
    """Return a data directory with a voice whose parts hold their weights themselves."""
    data = tmp_path / "data"
    voice = asyncio.run(installer_in(data).install(custom_source(SINGLE)))
    version = voice.model.parent
    origin = read_manifest(version).origin
    to_format_1(version)
    make_manifest(NAME, origin, version).write(version)
    assert find_damage(version, digests=True) == ()
    return data


def served(data: Path) -> Path:
    version = Store(data).serving(NAME)
    assert version is not None
    return version


async def test_an_old_voice_speaks_and_is_converted_once(
    start_server: Serve, old_data: Path
) -> None:
    old = await asyncio.to_thread(served, old_data)
    before = await asyncio.to_thread(read_manifest, old)
    keeping = MaintenanceTimings(first_check=3600.0)
    server = await start_server(data_dir=old_data, voice=NAME, maintenance=keeping)
    library = server.library
    assert server.port
    async with connected(server.port) as client:
        first = (await client.say("It speaks meanwhile.")).pcm
        assert len(first) > 1000
        await eventually(lambda: library.default.model.parent != old, 60)
        assert (await client.say("It speaks meanwhile.")).pcm == first
    new = await asyncio.to_thread(served, old_data)
    after = await asyncio.to_thread(read_manifest, new)
    assert (await asyncio.to_thread(SplitReport.read, new)).format == FORMAT
    assert (after.voice, after.origin) == (before.voice, before.origin)
    assert after.files[f"{NAME}.onnx"] == before.files[f"{NAME}.onnx"]
    assert sum(after.files[name].size for name in PARTS) < 1 << 20
    assert await asyncio.to_thread(find_damage, new, digests=True) == ()
    store, installer = Store(old_data), installer_in(old_data)
    assert set(await asyncio.to_thread(store.versions, NAME)) == {old, new}  # requests may have it
    await installer.remove_outdated(NAME)
    assert await asyncio.to_thread(store.versions, NAME) == [new]
    own = await asyncio.to_thread(own_source, NAME, new)
    assert own
    assert (await installer.install(own)).model.parent == new  # and nothing is made again


async def test_a_failed_conversion_changes_nothing(old_data: Path) -> None:
    old = await asyncio.to_thread(served, old_data)
    files = {path.name: path.read_bytes() for path in old.iterdir()}
    own = await asyncio.to_thread(own_source, NAME, old)
    assert own
    await asyncio.to_thread(shutil.rmtree, old_data / "staging")
    (old_data / "staging").write_text("", encoding="ascii")  # the disk refuses
    with pytest.raises(Exception, match="refuses"):
        await installer_in(old_data).install(own)
    assert await asyncio.to_thread(served, old_data) == old
    assert {path.name: path.read_bytes() for path in old.iterdir()} == files
