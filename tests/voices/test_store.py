"""Preparing and committing voices."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from conftest import Serve
from support.client import connected
from support.waiting import eventually
from wyoming_piper_hardened.config import load_settings
from wyoming_piper_hardened.errors import NoSpaceError, StoreError, VoiceError
from wyoming_piper_hardened.service import build_installer
from wyoming_piper_hardened.voices import store as store_module
from wyoming_piper_hardened.voices.installer import Installer
from wyoming_piper_hardened.voices.library import Library, find_voices
from wyoming_piper_hardened.voices.manifest import find_damage
from wyoming_piper_hardened.voices.sources import custom_source, package_source
from wyoming_piper_hardened.voices.store import Store
from wyoming_piper_hardened.voices.voice import read_voice


async def test_the_embedded_voice_is_prepared_at_the_first_start(
    start_server: Serve, tmp_path: Path, prepared_data: Path
) -> None:
    data = tmp_path / "data"
    server = await start_server(data_dir=data)
    assert server.port
    library = server._synthesizer.library
    assert library.default.prepared
    async with connected(server.port) as client:
        first = (await client.say("The first request of all.")).pcm
        assert len(first) > 20_000
        assert (await client.say("The first request of all.")).pcm == first
    assert not list(data.glob("voices/*"))  # nothing was copied, nothing is made
    assert not list(data.glob("staging/*"))
    (found,) = await asyncio.to_thread(find_voices, Store(data))
    assert found == library.default
    installed = await start_server(data_dir=prepared_data)
    assert installed.port
    async with connected(installed.port) as client:
        assert (await client.say("The first request of all.")).pcm == first


async def test_equal_bytes_across_restarts_threads_and_workers(start_server: Serve) -> None:
    text = "The same request gives the same bytes. Always, wherever it is spoken."
    spoken = []
    for settings in ({}, {"threads_per_worker": 1}, {"workers": 2, "threads_per_worker": 2}):
        server = await start_server(**settings)
        assert server.port
        async with connected(server.port) as client:
            spoken.append((await client.say(text)).pcm)
    assert spoken[0] == spoken[1] == spoken[2]
    for change in ({"length_scale": 1.1}, {"noise_scale": 0.5}, {"noise_w_scale": 0.5}):
        server = await start_server(**change)
        assert server.port
        async with connected(server.port) as client:
            assert (await client.say(text)).pcm != spoken[0]


@pytest.mark.parametrize("damage", ["decoder.onnx", "parts.json", "*medium.onnx"])
@pytest.mark.parametrize("how", ["cut", "flipped"])
async def test_a_damaged_version_speaks_and_is_mended_by_itself(
    start_server: Serve, prepared_data: Path, tmp_path: Path, damage: str, how: str
) -> None:
    data = tmp_path / "data"
    shutil.copytree(prepared_data, data, symlinks=True)
    (file,) = data.glob(f"voices/*/*-*/{damage}")
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle] ^= 0xFF
    file.write_bytes(content[:middle] if how == "cut" else content)
    server = await start_server(data_dir=data, repair_on_start=["all"])
    library = server._synthesizer.library
    assert server.port
    async with connected(server.port) as client:
        assert len((await client.say("It speaks all the same.")).pcm) > 20_000

    def is_mended() -> bool:  # until then the embedded voice may stand in
        model = library.default.model
        return model.is_relative_to(data) and model.parent != file.parent

    await eventually(is_mended, 60)
    assert library.default.prepared
    version = library.default.model.parent
    assert version == await asyncio.to_thread(Store(data).current, "en_US-joe-medium")
    assert await asyncio.to_thread(find_damage, version, digests=True) == []


async def test_parts_that_do_not_load_are_made_again_without_being_asked(
    start_server: Serve, prepared_data: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(prepared_data, data, symlinks=True)
    (decoder,) = data.glob("voices/*/*-*/decoder.onnx")
    decoder.write_bytes(b"x" * decoder.stat().st_size)  # the same size: only loading tells
    server = await start_server(data_dir=data)
    library = server._synthesizer.library
    await eventually(lambda: library.default.model.parent != decoder.parent, 60)
    assert library.default.prepared


def installer_in(data: Path) -> Installer:
    return build_installer(load_settings(flags={"data_dir": data}))


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"version https://git-lfs.github.com/spec/v1\n", b"not a model" * 1000],
)
async def test_a_bad_model_is_not_committed(tmp_path: Path, model: Path, content: bytes) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(content)
    shutil.copy(f"{model}.json", f"{bad}.json")
    data = tmp_path / "data"
    source = await asyncio.to_thread(custom_source, bad)
    with pytest.raises(VoiceError, match="bad"):
        await installer_in(data).install(source)
    assert not (data / "voices").exists()
    assert not list((data / "staging").iterdir())


async def test_no_space_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_SPACE_MARGIN", 10**18)
    source = await asyncio.to_thread(package_source)
    assert source
    with pytest.raises(NoSpaceError, match="MB are needed"):
        await installer_in(tmp_path).install(source)
    assert not list((tmp_path / "staging").iterdir())


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    source = await asyncio.to_thread(package_source)
    assert source
    with pytest.raises(StoreError, match="refuses"):
        await installer_in(tmp_path / "file").install(source)


def test_recovery_throws_staging_away(tmp_path: Path) -> None:
    (tmp_path / "staging" / "abc").mkdir(parents=True)
    assert Store(tmp_path).recover() == 0
    assert not list((tmp_path / "staging").iterdir())
    Store(tmp_path).recover()


def test_recovery_leaves_another_process_alone(tmp_path: Path) -> None:
    busy = Store(tmp_path)
    stage = busy.begin(1)
    (stage / "model").write_bytes(b"1234")
    assert Store(tmp_path).recover() == 0
    assert stage.exists()
    busy.abandon(stage)
    assert not stage.exists()


def test_voices_are_locked_one_by_one(tmp_path: Path) -> None:
    with Store(tmp_path).try_lock("x") as free, Store(tmp_path).try_lock("y") as other_free:
        assert free
        assert other_free
        with Store(tmp_path).try_lock("x") as again:
            assert not again
    with Store(tmp_path).try_lock("x") as free:
        assert free


def test_a_link_out_of_the_folder_is_not_followed(
    prepared_data: Path, tmp_path: Path, model: Path
) -> None:
    folder = tmp_path / "voices" / "en_US-joe-medium"
    folder.mkdir(parents=True)
    (version,) = prepared_data.glob("voices/*/*-*")
    (folder / "current").symlink_to(version)
    (embedded,) = find_voices(Store(tmp_path))
    assert embedded.model == model


def test_the_library_finds_by_name_language_and_family(model: Path) -> None:
    library = Library([read_voice(model.stem, model)], "en_US-joe-medium")
    for language in ("en_US", "en-us", "en", "en_GB"):
        assert library.find(language=language) is library.default
    assert library.find("en_US-joe-medium", "xx") is library.default
