"""``voices mirror``: a folder that a plain web server serves as the voice repository."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cli.test_cli import run
from support.hub import FaultyHub, faulty_hub
from support.hub_client import NEWEST, tiny_files
from support.hub_faults import voices_json
from support.hub_voices import AMY, amys_files, sample_path, with_speakers
from support.ports import free_port
from support.voices import SINGLE, SINGLE_CONFIG
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.hub.files import CATALOGUE_PATH
from wyoming_piper_hardened.voices.offer.samples import Samples
from wyoming_piper_hardened.voices.offer.small_files import SmallFiles

pytestmark = pytest.mark.slow

JOE = "en_US-joe-medium"
OTHER = "en_US-other-medium"
ROOT = "rhasspy/piper-voices/resolve/main"


def hub_files() -> dict[str, bytes]:
    """Two tiny voices, one with a model card."""
    files: dict[str, bytes] = {}
    for dataset in ("newest", "other"):
        files |= tiny_files(dataset)
    files["en/en_US/newest/medium/MODEL_CARD"] = b"<b>License</b>: CC0"
    del files[CATALOGUE_PATH]
    catalogue: dict[str, object] = {}
    for dataset in ("newest", "other"):
        own = {path: data for path, data in files.items() if f"/{dataset}/" in path}
        catalogue |= voices_json(own)
    return {**files, CATALOGUE_PATH: json.dumps(catalogue).encode()}


@contextlib.asynccontextmanager
async def plain_server(folder: Path) -> AsyncIterator[str]:
    """Serve a folder as ``python -m http.server`` does; yields its address."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"),
        *("--directory", str(folder)),
        stderr=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the files of a folder, each with what changes when it is written again."""
    found = ((path, path.stat()) for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (at.st_ino, at.st_mtime_ns) for path, at in found}


async def mirrored(hub: FaultyHub, folder: Path, data: Path, *names: str) -> tuple[int, str, str]:
    flags = ("--data-dir", str(data), "--hub-endpoint", hub.endpoint)
    code, stdout, stderr = await run("voices", "mirror", str(folder), *names, *flags)
    return code, stdout.decode(), stderr


async def test_plain_web_server_of_a_mirror_installs_a_voice(tmp_path: Path) -> None:
    folder, here, there = (tmp_path / name for name in ("mirror", "here", "there"))
    async with faulty_hub(hub_files()) as hub:
        assert (await mirrored(hub, folder, here, NEWEST))[0] == 0
        first, seen = await asyncio.to_thread(state, folder), len(hub.bodies())
        assert (await mirrored(hub, folder, here, NEWEST))[0] == 0  # nothing is fetched again
        assert (await asyncio.to_thread(state, folder), len(hub.bodies())) == (first, seen)
        assert (await mirrored(hub, folder, here, OTHER))[0] == 0
    assert set(await asyncio.to_thread(state, folder)) == {
        f"{ROOT}/{path}" for path in (*hub_files(), "mirror.json")
    }
    async with plain_server(folder) as endpoint:
        flags = ("--data-dir", str(there), "--hub-endpoint", endpoint)
        code, stdout, stderr = await run("voices", "install", NEWEST, *flags)
        assert (code, f"{NEWEST}: installed in" in stdout.decode()) == (0, True), stderr
        code, stdout, _ = await run("voices", "list", "--available", "--refresh", *flags)
        assert [line.split()[0] for line in stdout.decode().splitlines()] == [NEWEST, OTHER]
        assert (await run("voices", "install", OTHER, *flags))[0] == 0
    code, stdout, _ = await run("voices", "verify", NEWEST, OTHER, "--data-dir", str(there))
    assert code == 0


async def test_samples_are_mirrored_as_far_as_there_are_some(tmp_path: Path) -> None:
    folder, data = tmp_path / "mirror", tmp_path / "data"
    files = with_speakers(amys_files(), 4)
    del files[sample_path(2)]
    async with faulty_hub(files) as hub:
        assert (await mirrored(hub, folder, data, AMY))[0] == 0
        asked = len(hub.seen)
        assert (await mirrored(hub, folder, data, AMY))[0] == 0
        again = [one.path for one in hub.seen[asked:] if one.path.endswith(".mp3")]
        assert [path.rpartition("/")[2] for path in again] == ["speaker_2.mp3"]
    samples = {path.name: path.read_bytes() for path in (folder / ROOT).rglob("*.mp3")}
    assert samples == {f"speaker_{number}.mp3": files[sample_path(number)] for number in (0, 1)}
    async with plain_server(folder) as endpoint:
        settings = load_settings(flags={"data_dir": tmp_path / "there", "hub_endpoint": endpoint})
        catalogue = build_installer(settings).sources.catalogue
        await catalogue.refresh()
        heard = await Samples(catalogue, SmallFiles(catalogue)).find(AMY, "p1")
    assert heard == files[sample_path(1)]


async def test_sample_that_is_no_audio_is_left_out(tmp_path: Path) -> None:
    files = with_speakers(amys_files(), 1) | {sample_path(0): b"no audio"}
    async with faulty_hub(files) as hub:
        assert (await mirrored(hub, tmp_path / "mirror", tmp_path / "data", AMY))[0] == 0
    assert not list((tmp_path / "mirror").rglob("*.mp3"))


async def test_voice_that_is_added_is_seen_by_clients(tmp_path: Path) -> None:
    folder, here, there = (tmp_path / name for name in ("mirror", "here", "there"))
    async with faulty_hub(hub_files()) as hub, plain_server(folder) as endpoint:
        flags = ("--data-dir", str(there), "--hub-endpoint", endpoint)
        assert (await mirrored(hub, folder, here, NEWEST))[0] == 0
        assert (await run("voices", "install", NEWEST, *flags))[0] == 0
        code, _, stderr = await run("voices", "install", OTHER, *flags)
        assert (code, f"{OTHER}: voice-not-found" in stderr) == (1, True)
        assert (await mirrored(hub, folder, here, OTHER))[0] == 0
        assert (await run("voices", "install", OTHER, *flags))[0] == 0


async def test_installed_voice_is_mirrored_without_a_network(tmp_path: Path) -> None:
    folder, here, there = (tmp_path / name for name in ("mirror", "here", "there"))
    async with faulty_hub(hub_files()) as hub:
        flags = ("--data-dir", str(here), "--hub-endpoint", hub.endpoint)
        assert (await run("voices", "install", NEWEST, *flags))[0] == 0
        seen = len(hub.seen)
        offline = ("voices", "mirror", str(folder), NEWEST, OTHER, *flags, "--offline")
        code, stdout, stderr = await run(*offline)
        assert (code, f"{NEWEST}: " in stdout.decode()) == (1, True)
        assert f"{OTHER}: offline: " in stderr
        assert len(hub.seen) == seen
    async with plain_server(folder) as endpoint:
        flags = ("--data-dir", str(there), "--hub-endpoint", endpoint)
        assert (await run("voices", "install", NEWEST, *flags))[0] == 0


async def test_embedded_voice_is_mirrored_from_its_package(tmp_path: Path) -> None:
    flags = ("--data-dir", str(tmp_path / "data"), "--offline")
    code, _, stderr = await run("voices", "mirror", str(tmp_path / "mirror"), JOE, *flags)
    assert code == 0, stderr
    catalogue = json.loads((tmp_path / "mirror" / ROOT / "voices.json").read_bytes())
    assert list(catalogue) == [JOE]


async def test_damaged_file_of_a_mirror_is_fetched_again(tmp_path: Path) -> None:
    folder, here = tmp_path / "mirror", tmp_path / "here"
    model = folder / ROOT / f"en/en_US/newest/medium/{NEWEST}.onnx"
    async with faulty_hub(hub_files()) as hub:
        assert (await mirrored(hub, folder, here, NEWEST))[0] == 0
        whole = model.read_bytes()
        assert whole == SINGLE.read_bytes()
        model.write_bytes(whole[:-1] + b"!")
        assert (await mirrored(hub, folder, here, NEWEST))[0] == 0
    assert model.read_bytes() == whole
    assert (model.parent / f"{model.name}.json").read_bytes() == SINGLE_CONFIG.read_bytes()


async def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    async with faulty_hub(hub_files()) as hub:
        code, _, stderr = await mirrored(hub, tmp_path / "file", tmp_path / "data", NEWEST)
        assert (code, f"{NEWEST}: target-unusable: " in stderr) == (1, True)
        code, _, stderr = await mirrored(hub, tmp_path / "mirror", tmp_path / "data", "nobody")
        assert (code, "nobody: voice-not-found: " in stderr) == (1, True)
        assert not (tmp_path / "mirror").exists()
