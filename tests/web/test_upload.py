"""Uploads of voices: welcome and hostile."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from conftest import Disk, Script
from support.both_servers import Open, Site
from support.voices import SINGLE
from support.waiting import eventually
from wyoming_piper_hardened.store.store import Store
from wyoming_piper_hardened.system.aio import cancel_and_wait
from wyoming_piper_hardened.web.limits import WebLimits

JOE = "en_US-joe-medium"
AMY = "en_US-amy-medium"
CONFIG = SINGLE.with_name(f"{SINGLE.name}.json")
"""A tiny voice, which is prepared in a second."""


async def voices(site: Site, query: str = "") -> dict[str, dict[str, Any]]:
    _, body = await site.get(f"/api/voices{query}")
    return {voice["name"]: voice for voice in body["voices"]}


def form(*parts: tuple[str, str | None, bytes]) -> aiohttp.FormData:
    data = aiohttp.FormData(default_to_multipart=True)
    for name, filename, content in parts:
        data.add_field(name, io.BytesIO(content), filename=filename)
    return data


def own_voice(name: str = "my-voice") -> tuple[tuple[str, str, bytes], ...]:
    return (
        ("model", f"{name}.onnx", SINGLE.read_bytes()),
        ("config", f"{name}.onnx.json", CONFIG.read_bytes()),
    )


MODEL, SETTINGS = own_voice()


async def test_upload_installs_a_custom_voice(open_site: Open, own_data: Path) -> None:
    site = await open_site(data_dir=own_data)
    status, body = await site.post("/api/voices", data=form(*own_voice()))
    assert (status, body) == (200, {"voice": "my-voice", "prepared": True})
    assert (await voices(site, "?installed=true"))["my-voice"]["state"] == "custom"
    assert len(await site.hear(text="It is mine.", voice="my-voice")) > 1000
    assert not list((own_data / "staging").iterdir())


async def test_voice_removed_before_loading_leaves_no_issue(
    open_site: Open, own_data: Path
) -> None:
    """It was to speak and has been removed meanwhile: that is no issue, and nothing to repair."""
    site = await open_site(data_dir=own_data, workers=1, resident_voices=1)
    assert (await site.post("/api/voices", data=form(*own_voice())))[0] == 200
    voice = site.server.library.find("my-voice")
    assert len(await site.hear(text="Only one voice stays loaded.")) > 1000
    assert (await site.ask("DELETE", "/api/voices/my-voice"))[0] == 200
    site.server.pool.preload(voice.version, voice.schedule)
    await eventually(lambda: voice.version in site.server.pool.unavailable_voices())
    assert len(await site.hear(text="All is well.")) > 1000
    _, status = await site.get("/api/status")
    assert (status["issues"], status["jobs"]) == ([], [])


async def admitted(site: Site, files: Callable[[], aiohttp.FormData]) -> int:
    """Return the answer to an upload once the client before has left."""
    async with asyncio.timeout(240):  # another one of that name may have to be prepared before
        while (status := (await site.post("/api/voices", data=files()))[0]) == 429:  # noqa: ASYNC110
            await asyncio.sleep(1)  # or the limit of changes would refuse it
    return status


async def test_upload_disconnect_leaves_no_files(
    open_site: Open, script: Script, own_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even while its folder is being made, which a slow disk takes its time for."""
    making, begun, disk_is_slow = Store.begin, threading.Event(), threading.Event()

    def make_slowly(store: Store, model_bytes: int) -> Path:
        begun.set()
        disk_is_slow.wait(60)
        return making(store, model_bytes)

    monkeypatch.setattr(Store, "begin", make_slowly)
    site = await open_site(script(), data_dir=own_data)
    process = psutil.Process()
    before = process.num_fds()
    for _ in range(30):
        with socket.socket() as hasty:
            hasty.connect(("127.0.0.1", site.web.port))
            hasty.sendall(
                b"POST /api/voices HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
                b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
            )
            assert await asyncio.to_thread(begun.wait, 60)
    await eventually(lambda: site.connections <= 1)
    disk_is_slow.set()
    staging = own_data / "staging"
    await eventually(lambda: staging.exists() and not list(staging.iterdir()))
    await eventually(lambda: process.num_fds() < before + 10)
    assert await admitted(site, form) == 400


async def test_later_upload_of_the_same_name_serves(
    open_site: Open, script: Script, own_data: Path
) -> None:
    """Although others of the same name are still being installed."""
    site = await open_site(script(), data_dir=own_data)

    def with_quality(quality: str) -> aiohttp.FormData:
        config = json.loads(CONFIG.read_text("utf-8"))
        config["audio"]["quality"] = quality
        return form(MODEL, ("config", "my-voice.onnx.json", json.dumps(config).encode()))

    first = asyncio.create_task(site.post("/api/voices", data=with_quality("first")))
    async with asyncio.timeout(20):
        while not (await site.get("/api/status"))[1]["jobs"]:  # noqa: ASYNC110 - as clients do
            await asyncio.sleep(0.01)
    await cancel_and_wait(first)  # its client has gone; the installation goes on
    assert await admitted(site, partial(with_quality, "second")) == 200
    assert (await voices(site, "?installed=true"))["my-voice"]["quality"] == "second"


async def test_upload_of_unknown_length_stops_at_a_full_disk(
    open_site: Open, script: Script, disk: Disk
) -> None:
    """As they come through Home Assistant, which passes no length on."""
    data = (await asyncio.to_thread(disk, "100m")) / "data"
    site = await open_site(script(), data_dir=data)
    status, _ = await site.post("/api/voices", data=form(*own_voice()), chunked=True)
    assert status == 200
    large = form(("model", "large.onnx", bytes(60 << 20)), ("config", "large.onnx.json", b"{}"))
    status, body = await site.post("/api/voices", data=large, chunked=True)
    assert (status, body["error"]["code"]) == (507, "no-space")
    assert set(await voices(site, "?installed=true")) == {JOE, "my-voice"}
    assert not list((data / "staging").iterdir())


HOSTILE: dict[str, tuple[list[tuple[str, str | None, bytes]], int]] = {
    "nothing": ([], 400),
    "no configuration": ([MODEL], 400),
    "twice": ([MODEL, MODEL], 400),
    "another field": ([MODEL, SETTINGS, ("path", "x", b"/etc")], 400),
    "no file name": ([("model", None, b"x"), SETTINGS], 400),
    "a path": ([("model", "../../x.onnx", b"x"), SETTINGS], 400),
    "an absolute path": ([("model", "/etc/x.onnx", b"x"), SETTINGS], 400),
    "a hidden file": ([("model", ".x.onnx", b"x"), SETTINGS], 400),
    "a program": ([("model", "x.sh", b"x"), SETTINGS], 400),
    "other names": ([MODEL, ("config", "other.onnx.json", b"{}")], 400),
    "too large": ([("model", "my-voice.onnx", b"x" * 2_000_000), SETTINGS], 413),
    "a web page": ([("model", "my-voice.onnx", b"<html>"), SETTINGS], 422),
    "garbage": ([("model", "my-voice.onnx", b"x" * 1000), SETTINGS], 422),
    "empty": ([("model", "my-voice.onnx", b""), SETTINGS], 422),
    "no JSON": ([MODEL, ("config", "my-voice.onnx.json", b"{")], 422),
    "another JSON": ([MODEL, ("config", "my-voice.onnx.json", b"[[]]")], 422),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_invalid_upload_is_refused(
    open_site: Open,
    script: Script,
    prepared_data: Path,
    kind: str,
) -> None:
    parts, expected = HOSTILE[kind]
    before = files_of_voices(prepared_data)
    site = await open_site(script(), web_limits=WebLimits(model_size=1_000_000))
    status, body = await site.post("/api/voices", data=form(*parts))
    assert (status, body["error"]["retryable"]) == (expected, False), body
    _, state = await site.get("/api/status")
    assert (state["issues"], state["finished_jobs"]) == ([], [])  # only its sender gets the error
    assert set(await voices(site, "?installed=true")) == {JOE}
    assert (await site.get("/api/status"))[1]["issues"] == []
    assert files_of_voices(prepared_data) == before


def files_of_voices(data_dir: Path) -> list[Path]:
    """Return all that is installed or being installed."""
    return sorted(path for part in ("voices", "staging") for path in (data_dir / part).rglob("*"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary",
        b"--x\r\n",
        b"--x\r\nContent-Disposition: form-data; name=model; filename=a.onnx\r\n\r\nabc",
        b"--x\r\n\r\n\r\n--x--",
        b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\n--y--\r\n--x--",
    ],
)
async def test_upload_of_an_invalid_form_is_a_bad_request(
    open_site: Open, script: Script, body: bytes
) -> None:
    site = await open_site(script())
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data", "text/plain"):
        status, answer = await site.post("/api/voices", data=body, headers={"Content-Type": kind})
        assert (status, answer["error"]["code"]) == (400, "bad-request")


async def test_stalled_upload_times_out(open_site: Open, script: Script) -> None:
    site = await open_site(script(), web_limits=WebLimits(upload_stall_timeout=0.3))
    reader, writer = await asyncio.open_connection("127.0.0.1", site.web.port)
    writer.write(
        b"POST /api/voices HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        b"--x\r\nContent-Disposition: form-data; name=model; filename=a.onnx\r\n\r\nabc"
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
    writer.close()
    status, _ = await site.post("/api/voices", data=form())
    assert status == 400
