"""Voices of the user's own are never lost: a damaged one stays, and no other takes its place."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import aiohttp
import pytest
import yaml

from conftest import Serve
from support.both_servers import Site, opened
from support.client import connected
from support.hub import faulty_hub
from support.hub_faults import voices_json
from support.voices import SINGLE, SINGLE_CONFIG
from support.waiting import eventually
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.hub.files import CATALOGUE_PATH
from wyoming_piper_hardened.store.store import Store

pytestmark = pytest.mark.slow

NAME = "kitchen-robot"
AMY = "en_US-amy-medium"
CONFIG = Path(__file__).parents[2] / "config.yaml"


async def upload(site: Site, name: str = NAME) -> None:
    form = aiohttp.FormData()
    form.add_field("model", SINGLE.read_bytes(), filename=f"{name}.onnx")
    form.add_field("config", SINGLE_CONFIG.read_bytes(), filename=f"{name}.onnx.json")
    async with site.client.post("/api/voices", data=form) as answer:
        assert answer.status == 200, await answer.text()


def flip(data: Path, name: str = NAME) -> bytes:
    """Flip a byte of the model; return what is left."""
    (model,) = data.glob(f"voices/{name}/*-*/{name}.onnx")
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    return bytes(content)


async def row(site: Site, name: str = NAME) -> dict[str, object]:
    _, body = await site.get("/api/voices")
    (found,) = (voice for voice in body["voices"] if voice["name"] == name)
    assert isinstance(found, dict)
    return found


async def issue_ids(site: Site) -> list[str]:
    _, body = await site.get("/api/status")
    return [issue["id"] for issue in body["issues"]]


ISSUE = f"damaged:{NAME}"


async def test_damaged_own_voice_stays_until_it_is_uploaded_again(
    start_server: Serve, own_data: Path
) -> None:
    async with opened(start_server, data_dir=own_data, offline=True) as site:
        await upload(site)
        assert (await row(site))["state"] == "custom"
        left = await asyncio.to_thread(flip, own_data)
        code, body = await site.post(f"/api/voices/{NAME}/repair?wait=true")
        assert (code, body["error"]["code"]) == (409, "no-copy")
        assert (await row(site))["state"] == "damaged"
    for _ in range(2):  # restarts
        async with opened(start_server, data_dir=own_data, offline=True) as site:
            await eventually_async(site, ISSUE)
            _, status = await site.get("/api/status")
            (issue,) = status["issues"]
            assert (issue["code"], issue["suggestion"]) == ("no-copy", "upload")
            assert issue["dismissible"]
            assert (await row(site))["state"] == "damaged"
            assert (await row(site))["language"] == "en_US"
            _, body = await site.get(f"/api/voices/{NAME}/files")
            names = [f"{NAME}.onnx", f"{NAME}.onnx.json"]
            assert [one["file"] for one in body["files"]] == names
            async with site.client.get(f"/api/voices/{NAME}/files/{NAME}.onnx") as answer:
                assert await answer.read() == left
                assert answer.headers["Content-Disposition"].startswith("attachment;")
            assert (await site.post("/api/issues/" + ISSUE + "/apply"))[0] == 409
    async with opened(start_server, data_dir=own_data, offline=True) as site:
        await eventually_async(site, ISSUE)
        await upload(site)
        assert await issue_ids(site) == []
        assert (await row(site))["state"] == "custom"
        assert await asyncio.to_thread(lambda: len(Store(own_data).versions(NAME))) == 1


async def eventually_async(site: Site, issue: str) -> None:
    await eventually(lambda: issue in {one.id for one in site.server.jobs.issues})


async def test_dismissed_issue_stays_dismissed_and_the_row_stays(
    start_server: Serve, own_data: Path
) -> None:
    async with opened(start_server, data_dir=own_data, offline=True) as site:
        await upload(site)
        await asyncio.to_thread(flip, own_data)
        await site.post(f"/api/voices/{NAME}/repair?wait=true")
        assert (await site.ask("DELETE", f"/api/issues/{ISSUE}"))[0] == 200
        assert await issue_ids(site) == []
    async with opened(start_server, data_dir=own_data, offline=True) as site:
        await site.server.pool.until_ready()
        assert (await row(site))["state"] == "damaged"
        assert await issue_ids(site) == []
        assert (await site.ask("DELETE", f"/api/voices/{NAME}"))[0] == 200
        _, body = await site.get("/api/voices")
        assert NAME not in {voice["name"] for voice in body["voices"]}


async def test_no_other_voice_takes_the_name_of_a_damaged_one(
    start_server: Serve, own_data: Path
) -> None:
    """Although the repository has one of that name, and a request asks for it."""
    path = f"en/en_US/amy/medium/{AMY}.onnx"
    files = {path: SINGLE.read_bytes() + b"\0", f"{path}.json": SINGLE_CONFIG.read_bytes()}
    files[CATALOGUE_PATH] = json.dumps(voices_json(files)).encode()
    async with faulty_hub(files) as hub:
        settings = {"data_dir": own_data, "hub_endpoint": hub.endpoint, "voices": [AMY]}
        async with opened(start_server, data_dir=own_data, offline=True) as site:
            await upload(site, AMY)
            left = await asyncio.to_thread(flip, own_data, AMY)
        async with opened(start_server, **settings) as site:
            code, body = await site.post(f"/api/voices/{AMY}/repair?wait=true")
            assert (code, body["error"]["code"]) == (409, "no-copy")
            code, body = await site.post(f"/api/voices/{AMY}/install?wait=true")
            assert (code, body["error"]["code"]) == (409, "no-copy")
        async with opened(start_server, **settings) as site:
            await eventually_async(site, f"damaged:{AMY}")
            assert site.server.port
            async with connected(site.server.port) as client:
                assert (await client.say("Hello.", voice={"name": AMY})).types[-1] == "error"
            assert (await row(site, AMY))["state"] == "damaged"
        installer = build_installer(load_settings(flags={"data_dir": own_data}))
        await installer.collect_garbage()
        (model,) = own_data.glob(f"voices/{AMY}/*-*/{AMY}.onnx")
        assert await asyncio.to_thread(model.read_bytes) == left


async def test_own_voice_that_turns_out_to_be_whole_serves_again(
    start_server: Serve, own_data: Path
) -> None:
    async with opened(start_server, data_dir=own_data, offline=True) as site:
        await upload(site)
        await asyncio.to_thread(flip, own_data)
        await site.post(f"/api/voices/{NAME}/repair?wait=true")
        assert (await row(site))["state"] == "damaged"
        await asyncio.to_thread(flip, own_data)  # the bad block has been read right once more
        assert (await site.post(f"/api/voices/{NAME}/repair?wait=true"))[0] == 200
        assert (await row(site))["state"] == "custom"
        assert await issue_ids(site) == []


async def test_files_of_others_are_not_downloaded(
    start_server: Serve, prepared_data: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    await asyncio.to_thread(shutil.copytree, prepared_data, data, symlinks=True)
    async with opened(start_server, data_dir=data, offline=True) as site:
        await upload(site)
        for path in (
            "/api/voices/en_US-joe-medium/files",
            "/api/voices/nobody/files",
            f"/api/voices/{NAME}/files/manifest.json",
            f"/api/voices/{NAME}/files/..%2fcurrent",
        ):
            assert (await site.get(path))[0] == 404, path
        assert (await site.get(f"/api/voices/..%2f{NAME}/files"))[0] in {400, 404}


async def test_restored_backup_of_the_app_speaks_with_the_own_voice(
    start_server: Serve, prepared_data: Path, tmp_path: Path
) -> None:
    """As the Supervisor leaves out files: each pattern matches the end of a path."""
    data, restored = tmp_path / "data", tmp_path / "restored"
    await asyncio.to_thread(shutil.copytree, prepared_data, data, symlinks=True)
    async with opened(start_server, data_dir=data, offline=True) as site:
        await upload(site)
    patterns = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["backup_exclude"]

    def left_out(folder: str, names: list[str]) -> set[str]:
        paths = {name: Path(folder, name) for name in names}
        return {n for n, path in paths.items() if any(path.match(one) for one in patterns)}

    await asyncio.to_thread(shutil.copytree, data, restored, symlinks=True, ignore=left_out)
    models = {path.name for path in restored.glob("voices/*/*/*.onnx")}
    assert "en_US-joe-medium.onnx" not in models
    assert f"{NAME}.onnx" in models
    async with opened(start_server, data_dir=restored, offline=True) as site:
        pcm = await site.hear(text="Hello, it is me.", voice=NAME)
        assert len(pcm) > 1000
        assert (await row(site))["state"] == "custom"
