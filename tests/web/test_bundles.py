"""Voices in one file over HTTP: from one server to another."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from conftest import Disk, Script
from support.both_servers import Open, Site
from support.bundles import MD5, MODEL, NAME, bundle, flipped, index, traces
from wyoming_piper_hardened.store.manifest import read_manifest
from wyoming_piper_hardened.store.store import Store
from wyoming_piper_hardened.web.limits import WebLimits

JOE = "en_US-joe-medium"
TAR = {"Content-Type": "application/x-tar"}


async def send(site: Site, content: Any, **headers: str) -> tuple[int, Any]:
    return await site.post("/api/voices/import", data=content, headers=TAR | headers)


async def exported(site: Site, name: str) -> bytes:
    async with site.client.get(f"/api/voices/{name}/export") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/x-tar"
        assert answer.headers["Content-Disposition"] == (f"attachment; filename*=UTF-8''{name}.tar")
        content = await answer.read()
        assert answer.headers["Content-Length"] == str(len(content))
        return content


def origin_of(data: Path, name: str) -> str:
    version = Store(data).serving(name)
    assert version is not None
    return str(read_manifest(version).origin)


async def test_voice_moves_from_one_server_to_another(open_site: Open, tmp_path: Path) -> None:
    here = await open_site(data_dir=tmp_path / "here", offline=True)
    there = await open_site(data_dir=tmp_path / "there", offline=True)
    assert await send(here, bundle()) == (200, {"voice": NAME, "prepared": True})
    file = await exported(here, NAME)
    assert await send(there, file) == (200, {"voice": NAME, "prepared": True})
    assert len(await there.hear(text="I have moved.", voice=NAME)) > 1000
    assert await exported(there, NAME) == file
    assert await asyncio.to_thread(origin_of, tmp_path / "there", NAME) == f"hub:{MD5}"
    _, body = await there.get("/api/voices?installed=true")
    states = {voice["name"]: voice["state"] for voice in body["voices"]}
    assert states == {JOE: "embedded", NAME: "installed"}
    assert not list((tmp_path / "there" / "staging").iterdir())


async def test_embedded_voice_is_exported(open_site: Open, own_data: Path) -> None:
    site = await open_site(data_dir=own_data)
    async with site.client.head(f"/api/voices/{JOE}/export") as answer:
        length = int(answer.headers["Content-Length"])
    assert length == len(await exported(site, JOE)) > 60_000_000


async def test_voice_that_is_not_here_is_not_exported(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    site = await open_site(script(), data_dir=tmp_path)
    for name in ("en_GB-alba-medium", "nobody"):
        status, body = await site.get(f"/api/voices/{name}/export")
        assert (status, body["error"]["code"]) == (404, "voice-not-installed")
    assert (await site.get("/api/voices/..%2f..%2fetc/export"))[0] == 400


async def test_voice_that_has_changed_is_refused_before_the_first_byte(
    open_site: Open, tmp_path: Path
) -> None:
    site = await open_site(data_dir=tmp_path, offline=True)
    assert (await send(site, bundle()))[0] == 200
    version = await asyncio.to_thread(Store(tmp_path).serving, NAME)
    assert version is not None
    (version / f"{NAME}.onnx").write_bytes(flipped(MODEL, len(MODEL) // 2))
    status, body = await site.get(f"/api/voices/{NAME}/export")
    assert (status, body["error"]["code"]) == (422, "voice-changed")
    async with site.client.head(f"/api/voices/{NAME}/export") as answer:
        assert answer.status == 422


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (bundle()[:500_000], "bundle-cut"),
        (flipped(bundle(), 500_000), "bundle-changed"),
        (bundle(index(voice="../../etc/x")), "bundle-unsafe"),
        (bundle(index(architecture="z80")), "bundle-other-architecture"),
        (bundle(index(format=99)), "bundle-newer"),
        (MODEL, "bundle-invalid"),
    ],
)
async def test_bundle_that_is_not_sound_changes_nothing(
    open_site: Open, script: Script, tmp_path: Path, content: bytes, code: str
) -> None:
    site = await open_site(script(), data_dir=tmp_path, offline=True)
    before = await asyncio.to_thread(traces, tmp_path)
    status, body = await send(site, content)
    assert (status, body["error"]["code"]) == (422, code)
    assert await asyncio.to_thread(traces, tmp_path) == before
    _, state = await site.get("/api/status")
    assert (state["issues"], state["jobs"]) == ([], [])


async def test_what_cannot_be_a_bundle_is_refused_beforehand(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    site = await open_site(script(), data_dir=tmp_path)
    status, body = await site.post("/api/voices/import", data=b"x")
    assert (status, body["error"]["code"]) == (400, "bad-request")
    length = WebLimits().model_size + (10 << 20)
    answer = await site.raw(
        b"POST /api/voices/import HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/x-tar\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        % length
    )
    assert answer.startswith(b"HTTP/1.1 413")
    assert await asyncio.to_thread(traces, tmp_path) == []


async def test_import_of_unknown_length_stops_at_a_full_disk(
    open_site: Open, script: Script, disk: Disk
) -> None:
    data = (await asyncio.to_thread(disk, "100m")) / "data"
    site = await open_site(script(), data_dir=data)

    async def endless() -> Any:
        while True:
            yield bytes(1 << 20)

    status, body = await send(site, endless())
    assert (status, body["error"]["code"]) == (507, "no-space")
    assert await asyncio.to_thread(traces, data) == []
