"""Voices in one file: exported here, imported there; and files that only claim to be such."""

from __future__ import annotations

import asyncio
import random
import tarfile
import threading
from pathlib import Path

import pytest

from support.bundles import (
    CONFIG,
    MD5,
    MODEL,
    NAME,
    archive,
    bundle,
    flipped,
    index,
    member,
    record,
    traces,
)
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.errors import HardenedError, NotInstalledError, VoiceError
from wyoming_piper_hardened.store.manifest import read_manifest
from wyoming_piper_hardened.store.origin import Origin, OriginKind
from wyoming_piper_hardened.voices.installation.installer import Installer
from wyoming_piper_hardened.voices.transfer.bundle import open_bundle
from wyoming_piper_hardened.voices.transfer.errors import ExportChangedError, TargetError
from wyoming_piper_hardened.voices.transfer.export import bundle_of, write_bundle

pytestmark = pytest.mark.slow

CARD = b"# Model card\n* License: CC0\n"


def installer_in(data: Path) -> Installer:
    return build_installer(load_settings(flags={"data_dir": data, "offline": True}))


def written(folder: Path, content: bytes) -> Path:
    path = folder / "voice.tar"
    path.write_bytes(content)
    return path


def export(installer: Installer, path: Path) -> None:
    exported = bundle_of(installer.store, NAME, lambda: None)
    write_bundle(exported, path, lambda: None)
    assert path.stat().st_size == exported.size


async def test_voice_is_the_same_on_the_other_side(tmp_path: Path) -> None:
    here, there = installer_in(tmp_path / "here"), installer_in(tmp_path / "there")
    with_card = index(files={n: record(c) for n, c in FILES.items()})
    members = [("voice.json", with_card), *FILES.items()]
    first = await here.install(await open_bundle(written(tmp_path, archive(*members))))
    assert first.prepared
    path = tmp_path / "exported.tar"
    await asyncio.to_thread(export, here, path)
    with tarfile.open(path) as file:
        assert file.getnames() == ["voice.json", *FILES]
    second = await there.install(await open_bundle(path))
    one = await asyncio.to_thread(read_manifest, first.model.parent)
    two = await asyncio.to_thread(read_manifest, second.model.parent)
    assert one.origin == two.origin == Origin(OriginKind.HUB, MD5)
    assert two.files["MODEL_CARD"] == one.files["MODEL_CARD"]
    assert two.files[second.model.name] == one.files[first.model.name]
    assert second.model.read_bytes() == MODEL
    assert await there.verify(NAME) == ()
    again = tmp_path / "again.tar"
    await asyncio.to_thread(export, there, again)
    assert again.read_bytes() == path.read_bytes()
    assert await there.install(await open_bundle(again)) == second


FILES = {"model.onnx.json": CONFIG, "MODEL_CARD": CARD, "model.onnx": MODEL}
LISTED = {"model.onnx.json": record(CONFIG), "model.onnx": record(MODEL)}
WHOLE = bundle()
HOSTILE = {
    "empty": (b"", "source-unusable"),
    "a model": (MODEL, "bundle-invalid"),
    "a page": (b"<html>" * 200, "bundle-invalid"),
    "another archive": (archive(("notes.txt", b"hello")), "bundle-invalid"),
    "no index": (archive(("model.onnx", MODEL)), "bundle-invalid"),
    "newer": (bundle(index(format=2)), "bundle-newer"),
    "no number": (bundle(index(format="1")), "bundle-invalid"),
    "other machine": (bundle(index(architecture="z80")), "bundle-other-architecture"),
    "nested": (bundle(b"[" * 30_000), "bundle-invalid"),
    "large index": (bundle(index(more="x" * 70_000)), "bundle-invalid"),
    "no JSON": (bundle(b"voice: x"), "bundle-invalid"),
    "voice is a path": (bundle(index(voice="../../x")), "bundle-unsafe"),
    "voice is a part": (bundle(index(voice="encoder")), "bundle-invalid"),
    "lists a path": (bundle(index(files={"../model.onnx": LISTED["model.onnx"]})), "bundle-unsafe"),
    "lists more": (bundle(index(files=LISTED | {"x.py": record(b"x")})), "bundle-invalid"),
    "lists less": (bundle(index(files={"model.onnx": LISTED["model.onnx"]})), "bundle-invalid"),
    "lists gigabytes": (
        bundle(index(files=LISTED | {"model.onnx": {"size": 1 << 40, "sha256": "0" * 64}})),
        "bundle-invalid",
    ),
    "below zero": (
        bundle(index(files=LISTED | {"model.onnx": {"size": -1, "sha256": "0" * 64}})),
        "bundle-invalid",
    ),
    "origin": (bundle(index(source="hub:../x")), "bundle-invalid"),
    "foreign origin": (bundle(index(source=f"hub:{'0' * 32}")), "bundle-changed"),
    "foreign package": (bundle(index(source="package:1")), "bundle-changed"),
    "path": (archive(("voice.json", index()), ("../model.onnx.json", CONFIG)), "bundle-unsafe"),
    "absolute": (archive(("voice.json", index()), ("/etc/passwd", CONFIG)), "bundle-unsafe"),
    "index in a folder": (archive(("./voice.json", index())), "bundle-unsafe"),
    "link": (
        archive(
            ("voice.json", index()), (member("model.onnx.json", tarfile.SYMTYPE, "/etc/hosts"), b"")
        ),
        "bundle-unsafe",
    ),
    "hard link": (
        archive(
            ("voice.json", index()), (member("model.onnx.json", tarfile.LNKTYPE, "voice.json"), b"")
        ),
        "bundle-unsafe",
    ),
    "device": (archive((member("voice.json", tarfile.CHRTYPE), b"")), "bundle-unsafe"),
    "long name": (archive(("v" * 300, index())), "bundle-unsafe"),
    "twice": (bundle(more=[("model.onnx", MODEL)]), "bundle-changed"),
    "other order": (
        archive(("voice.json", index()), ("model.onnx", MODEL), ("model.onnx.json", CONFIG)),
        "bundle-invalid",
    ),
    "file missing": (archive(("voice.json", index()), ("model.onnx.json", CONFIG)), "bundle-cut"),
    "other size": (
        archive(("voice.json", index()), ("model.onnx.json", CONFIG + b" ")),
        "bundle-changed",
    ),
    "bytes behind it": (WHOLE + b"more", "bundle-changed"),
    "cut in the model": (WHOLE[: len(WHOLE) // 2], "bundle-cut"),
    "cut at the end": (WHOLE[: len(WHOLE) // 10240 * 10240 - 9000], "bundle-cut"),
    "cut at once": (WHOLE[:300], "bundle-cut"),
    "no voice": (
        archive(
            ("voice.json", index(files=LISTED | {"model.onnx.json": record(b"{}")})),
            ("model.onnx.json", b"{}"),
            ("model.onnx", MODEL),
        ),
        "voice-config-invalid",
    ),
}


@pytest.mark.parametrize(("content", "code"), HOSTILE.values(), ids=HOSTILE)
async def test_what_is_no_sound_bundle_is_named_and_changes_nothing(
    tmp_path: Path, content: bytes, code: str
) -> None:
    installer = installer_in(tmp_path / "data")
    with pytest.raises(HardenedError) as refused:
        await installer.install(await open_bundle(written(tmp_path, content)))
    assert refused.value.code == code
    assert traces(tmp_path / "data") == []
    assert {path.name for path in tmp_path.iterdir()} <= {"voice.tar", "data"}


async def test_no_byte_may_change_and_none_be_missing(tmp_path: Path) -> None:
    chance = random.Random(20)
    ends = len(WHOLE) - 2000  # the rest is filling
    for _ in range(50):
        at = chance.randrange(len(WHOLE))
        with pytest.raises(VoiceError):
            await open_bundle(written(tmp_path, flipped(WHOLE, at)))
        with pytest.raises(VoiceError):
            await open_bundle(written(tmp_path, WHOLE[: chance.randrange(ends)]))
    await open_bundle(written(tmp_path, WHOLE))


async def test_bundle_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    installer = installer_in(tmp_path / "data")
    source = await open_bundle(written(tmp_path, WHOLE))
    written(tmp_path, bundle(index(voice="en_US-other-medium")))
    with pytest.raises(VoiceError) as refused:
        await installer.install(source)
    assert refused.value.code == "bundle-changed"
    assert traces(tmp_path / "data") == []


async def test_import_that_is_cancelled_ends_in_the_middle(tmp_path: Path) -> None:
    model = MODEL + bytes(4 << 20)
    files = {"model.onnx.json": CONFIG, "model.onnx": model}
    listed = index(source="custom:1", files={n: record(c) for n, c in files.items()})
    content = archive(("voice.json", listed), *files.items())
    source = await open_bundle(written(tmp_path, content))
    copying, goes_on = threading.Event(), threading.Event()
    stage = tmp_path / "stage"
    stage.mkdir()

    def check_room() -> None:
        copying.set()
        goes_on.wait(60)

    task = asyncio.create_task(source.fetch(stage, lambda _: None, check_room))
    assert await asyncio.to_thread(copying.wait, 60)
    task.cancel()
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    copied = stage / f"{NAME}.onnx"
    assert not copied.exists() or copied.stat().st_size < len(model)


async def test_voice_that_changes_while_it_is_exported_leaves_no_file(tmp_path: Path) -> None:
    installer, target = installer_in(tmp_path / "data"), tmp_path / "x.tar"
    voice = await installer.install(await open_bundle(written(tmp_path, WHOLE)))
    exported = await asyncio.to_thread(bundle_of, installer.store, NAME, lambda: None)
    voice.model.write_bytes(flipped(MODEL, len(MODEL) // 2))
    with pytest.raises(ExportChangedError):
        await asyncio.to_thread(write_bundle, exported, target, lambda: None)
    assert not target.exists()


async def test_export_of_what_is_not_there_or_damaged_is_refused(tmp_path: Path) -> None:
    installer = installer_in(tmp_path / "data")
    target, blocked = tmp_path / "x.tar", tmp_path / "file" / "x.tar"
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(NotInstalledError):
        await asyncio.to_thread(export, installer, target)
    voice = await installer.install(await open_bundle(written(tmp_path, WHOLE)))
    with pytest.raises(TargetError):
        await asyncio.to_thread(export, installer, blocked)
    voice.model.write_bytes(flipped(MODEL, len(MODEL) // 2))
    with pytest.raises(ExportChangedError):
        await asyncio.to_thread(export, installer, target)
    assert {path.name for path in tmp_path.iterdir()} == {"data", "file", "voice.tar"}
