"""Preparing and committing voices."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from conftest import Serve
from support.client import connected
from support.waiting import eventually
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.errors import NoSpaceError, StoreError, VoiceError
from wyoming_piper_hardened.reporting.issues import Damage, DamageKind
from wyoming_piper_hardened.store.manifest import FileRecord, Manifest, find_damage, read_manifest
from wyoming_piper_hardened.store.origin import Origin, OriginKind
from wyoming_piper_hardened.store.store import SpacePolicy, Store
from wyoming_piper_hardened.store.voice import read_voice
from wyoming_piper_hardened.voices.installation.installer import Installer
from wyoming_piper_hardened.voices.installation.sources import custom_source, package_source
from wyoming_piper_hardened.voices.library import Library, find_voices


async def test_embedded_voice_is_prepared_at_the_first_start(
    start_server: Serve, tmp_path: Path, prepared_data: Path
) -> None:
    data = tmp_path / "data"
    server = await start_server(data_dir=data)
    assert server.port
    library = server.library
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


@pytest.mark.long
@pytest.mark.parametrize("damage", ["decoder.onnx", "parts.json", "*medium.onnx"])
@pytest.mark.parametrize("how", ["cut", "flipped"])
async def test_damaged_version_speaks_and_is_repaired(
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
    library = server.library
    assert server.port
    async with connected(server.port) as client:
        assert len((await client.say("It speaks all the same.")).pcm) > 20_000

    def is_repaired() -> bool:  # until then the embedded voice may stand in
        model = library.default.model
        return model.is_relative_to(data) and model.parent != file.parent

    await eventually(is_repaired, 60)
    assert library.default.prepared
    version = library.default.model.parent
    assert version == await asyncio.to_thread(Store(data).current, "en_US-joe-medium")
    assert await asyncio.to_thread(find_damage, version, digests=True) == ()


async def test_unloadable_parts_are_rebuilt_without_a_request(
    start_server: Serve, prepared_data: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(prepared_data, data, symlinks=True)
    (decoder,) = data.glob("voices/*/*-*/decoder.onnx")
    decoder.write_bytes(b"x" * decoder.stat().st_size)  # the same size: only loading shows it
    server = await start_server(data_dir=data)
    library = server.library
    await eventually(lambda: library.default.model.parent != decoder.parent, 60)
    assert library.default.prepared


def installer_in(data: Path) -> Installer:
    return build_installer(load_settings(flags={"data_dir": data}))


@pytest.mark.parametrize(
    "content",
    [b"<html>", b"version https://git-lfs.github.com/spec/v1\n", b"not a model" * 1000],
)
async def test_bad_model_is_not_committed(tmp_path: Path, model: Path, content: bytes) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(content)
    shutil.copy(f"{model}.json", f"{bad}.json")
    data = tmp_path / "data"
    with pytest.raises(VoiceError, match="bad"):
        await installer_in(data).install(await asyncio.to_thread(custom_source, bad))
    assert not (data / "voices").exists()
    assert not list(data.glob("staging/*"))


async def test_voice_that_would_not_fit_is_refused(tmp_path: Path) -> None:
    source = await asyncio.to_thread(package_source)
    assert source
    store = Store(tmp_path, SpacePolicy(free=lambda _: source.model_bytes))
    installer = build_installer(load_settings(flags={"data_dir": tmp_path}), store)
    with pytest.raises(NoSpaceError):
        await installer.install(source)
    assert not list((tmp_path / "staging").iterdir())


async def test_unwritable_folder_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    source = await asyncio.to_thread(package_source)
    assert source
    with pytest.raises(StoreError, match="refuses"):
        await installer_in(tmp_path / "file").install(source)


def test_recovery_removes_remains_in_staging(tmp_path: Path) -> None:
    (tmp_path / "staging" / "abc").mkdir(parents=True)
    assert Store(tmp_path).recover() == 0
    assert not list((tmp_path / "staging").iterdir())
    Store(tmp_path).recover()


def test_recovery_leaves_transactions_under_way(tmp_path: Path) -> None:
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


def test_link_out_of_the_folder_is_not_followed(
    prepared_data: Path, tmp_path: Path, model: Path
) -> None:
    folder = tmp_path / "voices" / "en_US-joe-medium"
    folder.mkdir(parents=True)
    (version,) = prepared_data.glob("voices/*/*-*")
    (folder / "current").symlink_to(version)
    (embedded,) = find_voices(Store(tmp_path))
    assert embedded.model == model


def test_library_finds_by_name_language_and_family(model: Path) -> None:
    library = Library([read_voice(model.stem, model)], "en_US-joe-medium")
    for language in ("en_US", "en-us", "en", "en_GB"):
        assert library.find(language=language) is library.default
    assert library.find("en_US-joe-medium", "xx") is library.default


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("hub:0123", Origin(OriginKind.HUB, "0123")),
        ("custom:1.2.3.4", Origin(OriginKind.CUSTOM, "1.2.3.4")),
        ("package:63201294", Origin(OriginKind.EMBEDDED, "63201294")),
    ],
)
def test_origin_is_kept_in_the_manifest(tmp_path: Path, text: str, origin: Origin) -> None:
    files = dict.fromkeys(("x.onnx", "x.onnx.json"), FileRecord(1, "0" * 64))
    Manifest("x", origin, files).write(tmp_path)
    data = json.loads((tmp_path / "manifest.json").read_bytes())
    assert data["source"] == text
    assert read_manifest(tmp_path).origin == origin


@pytest.mark.parametrize("text", ["", "elsewhere", "elsewhere:1"])
def test_unknown_origin_is_read_as_one_of_the_hub(text: str) -> None:
    assert Origin.parse(text).kind is OriginKind.HUB


def test_quarantined_version_keeps_its_damage_as_data(prepared_data: Path, tmp_path: Path) -> None:
    shutil.copytree(prepared_data, tmp_path / "data", symlinks=True)
    store = Store(tmp_path / "data")
    version = store.serving("en_US-joe-medium")
    assert version
    (version / "decoder.onnx").write_bytes(b"x")
    damage = find_damage(version, digests=False)
    assert [(one.file, one.kind) for one in damage] == [("decoder.onnx", DamageKind.SIZE)]
    store.quarantine_version(version, damage)
    (quarantined,) = store.quarantined()
    reason = json.loads((quarantined / "reason.json").read_bytes())
    (kept,) = reason["damage"]
    assert Damage(kept["file"], DamageKind(kept["kind"]), kept["detail"]) == damage[0]
    assert reason["reason"] == str(damage[0])
