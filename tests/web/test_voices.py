"""Voices over HTTP: the list, work with its progress, uploads welcome and hostile."""

from __future__ import annotations

import asyncio
import json
import os
import time
from functools import partial
from pathlib import Path
from typing import Any

from conftest import Disk, Script
from support.both_servers import Open, Site
from support.hub import faulty_hub
from support.hub_client import NEWEST, tiny_files
from support.hub_faults import Fault
from support.hub_voices import AMY, JOE, amys_files
from support.waiting import eventually


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


async def test_list_is_refreshed_and_says_how_old_it_is(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    async with faulty_hub(tiny_files("newest")) as hub:
        site = await open_site(script(), data_dir=tmp_path, hub_endpoint=hub.endpoint)
        _, body = await site.get("/api/voices")
        assert body["catalogue"] == {"fetched_at": None, "offline": False}
        before = time.time()
        status, body = await site.post("/api/catalogue/refresh?if_due=true")
        assert (status, body["fetched_at"] >= before) == (200, True)
        assert NEWEST in await voices(site)
        asked = len(hub.seen)
        assert (await site.post("/api/catalogue/refresh?if_due=true"))[0] == 200
        assert len(hub.seen) == asked
        hub.fault(Fault.NOT_FOUND)
        status, body = await site.post("/api/catalogue/refresh")
        assert (status, body["error"]["code"]) == (502, "not-on-hub")
        assert NEWEST in await voices(site)
    offline = await open_site(script(), data_dir=tmp_path, offline=True)
    _, body = await offline.get("/api/voices")
    assert (body["catalogue"]["offline"], body["catalogue"]["fetched_at"] >= before) == (True, True)
    status, body = await offline.post("/api/catalogue/refresh")
    assert (status, body["error"]["code"]) == (409, "offline")


async def test_newer_voice_is_installed_by_its_name(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    async with faulty_hub(tiny_files("newest")) as hub:
        site = await open_site(script(), data_dir=tmp_path, hub_endpoint=hub.endpoint)
        status, body = await site.post(f"/api/voices/{NEWEST}/install?wait=true")
        assert (status, body) == (200, {"voice": NEWEST, "prepared": True})
        status, body = await site.post("/api/voices/en_US-newwest-medium/install")
        assert (status, body["error"]["code"]) == (404, "voice-not-found")


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
        status, started = await site.post(f"/api/voices/{AMY}/install")
        assert status == 202
        assert started["job"]["voice"] == AMY
        assert started["as_of"]["started_at"] == seen[-1]["started_at"]
        status, body = await site.post(f"/api/voices/{AMY}/install?wait=true")
        assert (status, body) == (200, {"voice": AMY, "prepared": True})
        assert (await voices(site))[AMY]["state"] == "installed"
        assert len(await site.hear(text="Hello there.", voice=AMY)) > 1000
        await eventually(lambda: seen[-1]["jobs"] == [] and seen[-1]["requests"])
        jobs = [job for state in seen for job in state["jobs"] if job["voice"] == AMY]
        assert {job["action"] for job in jobs} == {"install"}
        newer = [state for state in seen if state["uptime"] > started["as_of"]["uptime"]]
        known = [[*state["jobs"], *state["finished_jobs"]] for state in newer]
        assert known
        assert all(started["job"]["id"] in {job["id"] for job in one} for one in known)
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
        status, body = await site.post(f"/api/voices/{AMY}/verify")
        assert (status, body["job"]["action"]) == (202, "verify")
        await eventually(partial(has_finished, seen, body["job"]["id"]))

        assert await site.ask("DELETE", f"/api/voices/{AMY}") == (200, {"removed": AMY})
        assert (await voices(site))[AMY]["state"] == "available"
        status, body = await site.ask("DELETE", f"/api/voices/{AMY}")
        assert (status, body["error"]["code"]) == (404, "voice-not-installed")
        _, state = await site.get("/api/status")
        done = ["install", "verify", "verify", "repair", "repair", "verify", "remove"]
        endings = [(one["action"], one["outcome"]) for one in state["finished_jobs"]]
        assert endings == [(one, "done") for one in done]
        following.cancel()


def has_finished(seen: list[dict[str, Any]], job_id: str) -> bool:
    return job_id in {job["id"] for job in seen[-1]["finished_jobs"]}


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
        needed = {issue["id"]: issue["needed"] for issue in status["issues"]}
        assert needed == {f"missing:{AMY}": False, f"damaged:{JOE}": True}
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
