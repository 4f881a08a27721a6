"""Voices over HTTP: the list, work with its progress, uploads welcome and hostile."""

from __future__ import annotations

import asyncio
import io
import json
import os
import socket
import subprocess
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
from support.hub import faulty_hub
from support.hub_faults import Fault, voices_json
from support.voices import SINGLE
from support.waiting import eventually
from wyoming_piper_hardened.hub.client import CATALOGUE_PATH
from wyoming_piper_hardened.store.store import Store
from wyoming_piper_hardened.system.aio import cancel_and_wait
from wyoming_piper_hardened.web.limits import WebLimits

JOE = "en_US-joe-medium"
AMY = "en_US-amy-medium"
CONFIG = SINGLE.with_name(f"{SINGLE.name}.json")
"""A tiny voice, which is prepared in a second."""


def amys_files() -> dict[str, bytes]:
    """Return the tiny voice under the name of one of the catalogue."""
    folder = "en/en_US/amy/medium"
    files = {
        f"{folder}/{AMY}.onnx": SINGLE.read_bytes(),
        f"{folder}/{AMY}.onnx.json": CONFIG.read_bytes(),
    }
    return {**files, CATALOGUE_PATH: json.dumps(voices_json(files)).encode()}


@pytest.fixture
def own_data(prepared_data: Path, tmp_path: Path) -> Path:
    """Return a data directory of the test's own with the prepared real voice."""
    data = tmp_path / "data"
    subprocess.run(["cp", "-al", prepared_data, data], check=True)
    return data


async def voices(site: Site, query: str = "") -> dict[str, dict[str, Any]]:
    _, body = await site.get(f"/api/voices{query}")
    return {voice["name"]: voice for voice in body["voices"]}


async def test_voices_are_listed_and_filtered(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    site = await open_site(script(), data_dir=tmp_path)
    _, body = await site.get("/api/voices")
    assert len(body["voices"]) > 100
    first = body["voices"][0]
    assert (first["name"], first["state"], first["default"]) == (JOE, "embedded", True)
    assert first["sample_rate"] == 22050
    assert {"code": "de_DE", "name": "Deutsch"} in body["languages"]
    assert body["qualities"] == ["x_low", "low", "medium", "high"]
    german = await voices(site, "?language=de&quality=high")
    assert set(german) == {"de_DE-thorsten-high"}
    assert (await voices(site, "?language=en-gb")).keys() == (
        await voices(site, "?language=en_GB")
    ).keys()
    assert set(await voices(site, "?installed=true")) == {JOE}
    assert JOE not in await voices(site, "?installed=false")
    assert set(await voices(site, "?text=tug%C3%A3o")) == {"pt_PT-tugão-medium"}
    assert "de_AT" not in str(await voices(site, "?text=thorsten+emotional"))
    many = (await voices(site, "?text=libritts_r"))["en_US-libritts_r-medium"]
    assert many["number_of_speakers"] == len(many["speakers"]) == 904
    assert many["state"] == "available"
    for query in ("?quality=best", "?installed=maybe"):
        assert (await site.get(f"/api/voices{query}"))[0] == 400


async def test_list_is_searched_for_short_texts_only(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    for key in ("text", "language"):
        assert (await site.get(f"/api/voices?{key}={'e' * 200}"))[0] == 200
        status, body = await site.get(f"/api/voices?{key}={'e+' * 101}")
        assert (status, body["error"]["code"]) == (400, "bad-request")


async def test_voice_is_installed_damaged_repaired_and_removed(
    open_site: Open, own_data: Path
) -> None:
    async with faulty_hub(amys_files()) as hub:
        site = await open_site(data_dir=own_data, hub_endpoint=hub.endpoint)
        seen: list[dict[str, Any]] = []
        following = asyncio.create_task(follow(site, seen))
        await eventually(lambda: seen)
        status, body = await site.post(f"/api/voices/{AMY}/install")
        assert status == 202
        assert body["job"]["voice"] == AMY
        status, body = await site.post(f"/api/voices/{AMY}/install?wait=true")
        assert (status, body) == (200, {"voice": AMY, "prepared": True})
        assert (await voices(site))[AMY]["state"] == "installed"
        assert len(await site.hear(text="Hello there.", voice=AMY)) > 1000
        await eventually(lambda: seen[-1]["jobs"] == [] and seen[-1]["requests"])
        jobs = [job for state in seen for job in state["jobs"] if job["voice"] == AMY]
        assert {job["action"] for job in jobs} == {"install"}
        assert await site.post(f"/api/voices/{AMY}/verify?wait=true") == (200, {"damage": []})

        (model,) = own_data.glob(f"voices/{AMY}/*-*/{AMY}.onnx")
        model.write_bytes(model.read_bytes()[:-1] + b"x")
        status, body = await site.post(f"/api/voices/{AMY}/verify?wait=true")
        assert len(body["damage"]) == 1
        (issue,) = (await voices(site))[AMY]["issues"]
        await eventually(lambda: issue in {i["id"] for i in seen[-1]["issues"]})
        assert (await site.post(f"/api/issues/{issue}/apply?wait=perhaps"))[0] == 400
        assert (await site.get("/api/status"))[1]["jobs"] == []
        status, body = await site.post(f"/api/issues/{issue}/apply?wait=true")
        assert (status, body) == (200, {"applied": issue})
        assert not (await voices(site))[AMY]["issues"]
        status, body = await site.post(f"/api/voices/{AMY}/repair?wait=true")
        assert (status, body["voice"]) == (200, AMY)

        assert await site.ask("DELETE", f"/api/voices/{AMY}") == (200, {"removed": AMY})
        assert (await voices(site))[AMY]["state"] == "available"
        status, body = await site.ask("DELETE", f"/api/voices/{AMY}")
        assert (status, body["error"]["code"]) == (404, "voice-not-installed")
        _, state = await site.get("/api/status")
        done = ["install", "verify", "verify", "repair", "repair", "remove"]
        endings = [(one["action"], one["outcome"]) for one in state["finished_jobs"]]
        assert endings == [(one, "done") for one in done]
        following.cancel()


async def follow(site: Site, seen: list[dict[str, Any]]) -> None:
    async with site.client.get("/api/events") as stream:
        assert stream.content_type == "text/event-stream"
        async for line in stream.content:
            _, found, state = line.partition(b"data: ")
            seen.extend([json.loads(state)] if found else [])


async def test_failed_actions_have_status_and_code(
    open_site: Open, script: Script, own_data: Path
) -> None:
    async with faulty_hub(amys_files()) as hub:
        hub.fault(Fault.FLIP)
        site = await open_site(script(), data_dir=own_data, hub_endpoint=hub.endpoint)
        status, body = await site.post(f"/api/voices/{AMY}/install?wait=true")
        assert status in {422, 502}
        failed = body["error"]
        assert not failed["retryable"]
        for path in ("voices/xx_XX-no-low/install", "voices/xx_XX-no-low/repair"):
            assert (await site.post(f"/api/{path}"))[0] == 404
        assert (await site.post("/api/voices/xx_XX-no-low/verify"))[0] == 404
        assert (await site.post(f"/api/voices/{AMY}/install?wait=5"))[0] == 400
        assert (await site.post("/api/issues/none/apply"))[0] == 404
        status, body = await site.post("/api/breakers/reset", json={"voice": "nobody"})
        assert (status, body["error"]["code"]) == (404, "voice-not-found")
        assert [issue["subject"] for issue in (await site.get("/api/status"))[1]["issues"]] == [AMY]
        assert not list((own_data / "staging").iterdir())
        _, state = await site.get("/api/status")
        (ended,) = [one for one in state["finished_jobs"] if one["action"] == "install"]
        assert (ended["voice"], ended["outcome"]) == (AMY, "failed")
        assert (ended["code"], ended["message"]) == (failed["code"], failed["message"])


async def test_installation_is_cancelled(open_site: Open, script: Script, own_data: Path) -> None:
    async with faulty_hub(amys_files()) as hub:
        hub.fault(Fault.STALL, at=1000)
        site = await open_site(script(), data_dir=own_data, hub_endpoint=hub.endpoint)
        for method, path in (
            ("POST", f"/api/voices/{AMY}/cancel"),
            ("DELETE", f"/api/voices/{AMY}"),
        ):
            waiting = asyncio.create_task(site.post(f"/api/voices/{AMY}/install?wait=true"))
            async with asyncio.timeout(20):
                while not (await site.get("/api/status"))[1]["jobs"]:  # noqa: ASYNC110 - as clients do
                    await asyncio.sleep(0.02)
                assert (await site.ask(method, path))[0] == 200
                status, body = await waiting
            assert (status, body["error"]["code"]) == (409, "cancelled")
            _, state = await site.get("/api/status")
            assert (state["jobs"], state["issues"]) == ([], [])
            assert state["finished_jobs"][-1]["outcome"] == "cancelled"
            await eventually(lambda: not list((own_data / "staging").iterdir()))
        status, body = await site.post(f"/api/voices/{AMY}/cancel")
        assert (status, body["error"]["code"]) == (404, "voice-not-installed")
        hub.release()


async def test_issue_of_an_unneeded_voice_is_dismissible(
    open_site: Open, script: Script, own_data: Path
) -> None:
    async with faulty_hub(amys_files()) as hub:
        hub.fault(Fault.NOT_FOUND)
        site = await open_site(script(), data_dir=own_data, hub_endpoint=hub.endpoint)
        assert (await site.post(f"/api/voices/{AMY}/install?wait=true"))[0] == 502
        await site.post(f"/api/voices/{JOE}/verify?wait=true")
        (model,) = own_data.glob(f"voices/{JOE}/*-*/{JOE}.onnx.json")
        model.unlink()
        await site.post(f"/api/voices/{JOE}/verify?wait=true")
        _, status = await site.get("/api/status")
        dismissible = {issue["id"]: issue["dismissible"] for issue in status["issues"]}
        assert dismissible == {f"missing:{AMY}": True, f"damaged:{JOE}": False}
        status, body = await site.ask("DELETE", f"/api/issues/damaged:{JOE}")
        assert (status, body["error"]["code"]) == (409, "manual-action-required")
        missing = f"missing:{AMY}"
        assert await site.ask("DELETE", f"/api/issues/{missing}") == (200, {"dismissed": missing})
        status, body = await site.ask("DELETE", f"/api/issues/{missing}")
        assert (status, body["error"]["code"]) == (404, "issue-not-found")


async def test_full_disk_issue_can_be_applied_again(
    open_site: Open, script: Script, disk: Disk
) -> None:
    place = await asyncio.to_thread(disk, "400m")
    ballast = place / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 380 << 20)
    async with faulty_hub(amys_files()) as hub:
        site = await open_site(script(), data_dir=place / "data", hub_endpoint=hub.endpoint)
        status, body = await site.post(f"/api/voices/{AMY}/install?wait=true")
        assert (status, body["error"]["code"]) == (507, "no-space")
        issue = f"no-space:{AMY}"
        _, status = await site.get("/api/status")
        (found,) = (one for one in status["issues"] if one["id"] == issue)
        assert (found["applicable"], found["dismissible"]) == (True, True)
        await asyncio.to_thread(ballast.unlink)
        assert (await site.post(f"/api/issues/{issue}/apply?wait=true"))[0] == 200
        assert (await voices(site))[AMY]["state"] == "installed"
        _, status = await site.get("/api/status")
        assert issue not in {one["id"] for one in status["issues"]}


async def test_issue_of_a_voice_of_the_settings_is_not_dismissible(
    open_site: Open, script: Script, own_data: Path
) -> None:
    settings = {"voice": AMY, "auto_install": False}
    site = await open_site(script(), data_dir=own_data, offline=True, **settings)
    await eventually(lambda: list(site.server.pool.workers))
    missing = f"missing:{AMY}"

    async def is_needed() -> bool:
        _, status = await site.get("/api/status")
        return {issue["id"]: issue["dismissible"] for issue in status["issues"]} == {missing: False}

    async with asyncio.timeout(20):
        while not await is_needed():  # noqa: ASYNC110 - asked as a client does
            await asyncio.sleep(0.05)
    assert (await site.ask("DELETE", f"/api/issues/{missing}"))[0] == 409


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
    async with asyncio.timeout(60):
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
    before = sorted(prepared_data.rglob("*"))
    site = await open_site(script(), web_limits=WebLimits(model_size=1_000_000))
    status, body = await site.post("/api/voices", data=form(*parts))
    assert (status, body["error"]["retryable"]) == (expected, False), body
    _, state = await site.get("/api/status")
    assert (state["issues"], state["finished_jobs"]) == ([], [])  # only its sender gets the error
    assert set(await voices(site, "?installed=true")) == {JOE}
    assert (await site.get("/api/status"))[1]["issues"] == []
    assert [path for path in sorted(prepared_data.rglob("*")) if "locks" not in path.parts] == [
        path for path in before if "locks" not in path.parts
    ]


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
