"""The view for programs that listen for ever: all at once, changes at once, counters seldom."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Script
from support.both_servers import Open, Site
from support.hub import faulty_hub
from support.hub_faults import Fault
from support.hub_voices import AMY, JOE, amys_files
from support.waiting import eventually
from wyoming_piper_hardened.processes.restart import RestartPolicy
from wyoming_piper_hardened.status.reporter import StatusReporter
from wyoming_piper_hardened.web.access import AccessPolicy
from wyoming_piper_hardened.web.api.voice_list import VoiceList
from wyoming_piper_hardened.web.events.companion import CompanionView
from wyoming_piper_hardened.web.limits import WebLimits

VIEW = "/api/events?view=companion"
NO_SECRETS = "It was said in confidence."


class Event(tuple[str, str, dict[str, Any]]):
    """Name, id and data."""

    __slots__ = ()


@contextlib.asynccontextmanager
async def following(site: Site) -> AsyncIterator[AsyncIterator[Event]]:
    async with site.client.get(VIEW) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")

        async def events() -> AsyncIterator[Event]:
            fields: dict[str, str] = {}
            async for line in answer.content:
                name, _, value = line.decode().rstrip("\r\n").partition(": ")
                if name:
                    fields[name] = value
                elif "data" in fields:
                    yield Event((fields["event"], fields["id"], json.loads(fields["data"])))
                    fields = {}

        yield events()


async def state_with(events: AsyncIterator[Event], **expected: Any) -> dict[str, Any]:
    """Return the next state that has these values."""
    async with asyncio.timeout(60):
        async for name, _, data in events:
            if name == "state" and expected.items() <= data.items():
                return data
    raise AssertionError(expected)


async def test_all_is_there_at_once_and_nothing_of_the_log(
    open_site: Open, script: Script, prepared_data: Path
) -> None:
    site = await open_site(script(), log_level="debug")
    await site.hear(text=NO_SECRETS)
    async with following(site) as events:
        (first, _, state), (second, _, counters) = [await anext(events) for _ in range(2)]
    assert (first, second) == ("state", "counters")
    assert state["server_id"] == (prepared_data / "server-id").read_text().strip()
    assert (state["ready"], state["voice"], state["speaks"]) == (True, JOE, JOE)
    assert (state["default_voice"], state["presets"]) == (JOE, [])
    assert state["workers"]["running"] == state["workers"]["total"] > 0
    voice = {"language": "en_US", "quality": "medium", "state": "embedded"}
    versions = {"version": None, "available_version": None}
    assert state["voices"] == [{"name": JOE, **voice, **versions}]
    assert (counters["requests"], counters["failed_requests"]) == (1, 0)
    assert counters["last_request"]["outcome"] == "ok"
    assert counters["last_request"]["first_audio"] > 0
    assert counters["memory"] > 10
    assert NO_SECRETS not in str(state) + str(counters)
    assert await site.get("/api/companion") == (200, {"state": state, "counters": counters})
    _, document = await site.get("/openapi.json")
    shapes = document["components"]["schemas"]
    assert set(shapes["CompanionState"]["required"]) == set(state)
    assert set(shapes["CompanionCounters"]["required"]) == set(counters)


async def test_view_that_is_unknown_is_refused(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    status, body = await site.get("/api/events?view=everything")
    assert (status, body["error"]["code"]) == (400, "bad-request")


async def test_changes_are_sent_at_once(open_site: Open, script: Script) -> None:
    away = RestartPolicy(backoff_delay=1000, backoff_limit=1000)
    only_news = WebLimits(event_refresh=3600.0)
    site = await open_site(script(), away, workers=1, web_limits=only_news)
    async with following(site) as events:
        before = await state_with(events, ready=True)
        (worker,) = site.server.pool.workers
        process = worker.status().pid
        assert process is not None
        os.kill(process, signal.SIGKILL)
        counts = {"running": 0, "total": 1, "restarts": 1}
        await state_with(events, ready=False, workers=counts)
        site.server.pool.reset()
        back = await state_with(events, ready=True)
    assert back["workers"]["restarts"] == before["workers"]["restarts"] + 1


async def test_default_voice_and_presets_are_sent_at_once(
    open_site: Open, script: Script, own_data: Path
) -> None:
    site = await open_site(script(), data_dir=own_data)
    async with following(site) as events:
        await state_with(events, default_voice=JOE, presets=[])
        await site.client.put("/api/presets/Slowly", json={"voice": JOE, "length_scale": 1.3})
        async with asyncio.timeout(2):
            await state_with(events, default_voice=JOE, presets=["Slowly"])
        await site.client.put("/api/default-voice", json={"name": "slowly"})
        async with asyncio.timeout(2):
            state = await state_with(events, default_voice="Slowly")
        assert state["voice"] == JOE
        await site.client.delete("/api/presets/Slowly")
        async with asyncio.timeout(2):
            await state_with(events, default_voice=JOE, presets=[])


async def test_each_event_has_a_number_of_its_own(open_site: Open, script: Script) -> None:
    site = await open_site(script(), web_limits=WebLimits(counters_interval=0.0))
    seen: list[int] = []
    async with following(site) as events:
        for _ in range(3):
            await site.hear(text="It is well.")
            seen.append(int((await anext(events))[1]))
    assert seen == sorted(set(seen))


async def test_idle_server_sends_nothing_more(open_site: Open, script: Script) -> None:
    limits = WebLimits(event_interval=0.01, event_refresh=0.02, event_keep_alive=0.5)
    site = await open_site(script(), web_limits=limits)
    workers = site.server.pool.workers
    await eventually(lambda: workers and all(worker.is_ready for worker in workers))
    async with site.client.get(VIEW) as answer:
        names, pings = [], 0
        async for line in answer.content:
            names += [line.strip()] if line.startswith(b"event:") else []
            pings += line.startswith(b": ping")
            if pings == 5:
                break
    assert names == [b"event: state", b"event: counters"]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_counters_follow_at_most_once_an_interval(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    clock, server = Clock(), site.server
    control, presets = server.control, server.resolver.presets
    voices = VoiceList(server.status, control.catalogue, control.lost_voices, presets)
    view = CompanionView(
        server.status,
        voices,
        server.metrics,
        AccessPolicy((), None, ()),
        interval=30.0,
        clock=clock,
    )

    async def requests() -> int:
        return int((await view.render(for_owner=True))["counters"]["requests"])

    assert await requests() == 0
    await site.hear(text="It is well.")
    clock.now += 29.9
    assert await requests() == 0
    clock.now += 0.2
    assert await requests() == 1
    clock.now += 300.0
    assert await requests() == 1
    await site.hear(text="It is well.")
    assert await requests() == 2  # nothing has been sent for long, so this one need not wait


async def test_failures_are_counted_but_not_those_of_the_caller(
    open_site: Open, script: Script
) -> None:
    site = await open_site(script(), web_limits=WebLimits(counters_interval=0.0))
    await site.post("/api/say", json={"text": "ERROR"})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.2), site.client.post("/api/say", json={"text": "SLOW"}) as one:
            await one.read()
    await eventually(lambda: len(site.server.synthesizer.records) >= 1)
    async with following(site) as events:
        async for name, _, data in events:
            if name == "counters":
                assert data["failed_requests"] == 1
                break


async def test_job_is_followed_from_its_start_to_its_end(
    open_site: Open, script: Script, own_data: Path
) -> None:
    site = await open_site(script(), data_dir=own_data)
    async with following(site) as events:
        await state_with(events)
        _, body = await site.post(f"/api/voices/{JOE}/repair")
        job = body["job"]["id"]
        async with asyncio.timeout(60):
            async for name, _, data in events:
                if name == "state" and job in {one["id"] for one in data["finished_jobs"]}:
                    break
    (ended,) = (one for one in data["finished_jobs"] if one["id"] == job)
    assert (ended["voice"], ended["action"], ended["outcome"]) == (JOE, "repair", "done")


async def test_failure_that_concerns_its_caller_alone_is_told_too(
    open_site: Open, script: Script, own_data: Path
) -> None:
    site = await open_site(script(), data_dir=own_data)
    (manifest,) = own_data.glob(f"voices/{JOE}/*-*/manifest.json")
    async with following(site) as events:
        await state_with(events)
        await asyncio.to_thread(manifest.unlink)
        _, body = await site.post(f"/api/voices/{JOE}/verify")
        async with asyncio.timeout(60):
            async for name, _, data in events:
                if name == "state" and data["issues"] and data["finished_jobs"]:
                    break
    assert [one["id"] for one in data["finished_jobs"]] == [body["job"]["id"]]
    (issue,) = data["issues"]
    assert (issue["id"], issue["needed"]) == (f"damaged:{JOE}", True)


async def test_versions_tell_what_is_installed_and_what_the_repository_has(
    open_site: Open, script: Script, own_data: Path
) -> None:
    files = amys_files()
    async with faulty_hub(files) as hub:
        site = await open_site(script(), data_dir=own_data, hub_endpoint=hub.endpoint)
        assert (await site.post("/api/catalogue/refresh"))[0] == 200
        assert (await site.post(f"/api/voices/{AMY}/install?wait=true"))[0] == 200

        async def versions() -> tuple[str | None, str | None]:
            _, listed = await site.get(f"/api/voices?text={AMY}")
            (row,) = listed["voices"]
            async with following(site) as events, asyncio.timeout(20):
                async for name, _, data in events:  # the first may be of a moment ago
                    rows = data["voices"] if name == "state" else []
                    found = next((one for one in rows if one["name"] == AMY), None)
                    if found is not None and all(row[key] == found[key] for key in found):
                        break
            return row["version"], row["available_version"]

        installed, available = await versions()
        assert installed == available
        assert installed is not None
        hub.files |= amys_files(b"newer")
        hub.fault(Fault.OTHER_COMMIT)
        assert (await site.post("/api/catalogue/refresh"))[0] == 200
        same, other = await versions()
    assert same == installed
    assert other not in {None, installed}


@pytest.mark.parametrize("owner", [True, False])
async def test_others_see_no_paths(
    open_site: Open,
    script: Script,
    own_data: Path,
    owner: bool,  # noqa: FBT001 - a parameter
) -> None:
    site = await open_site(script(), data_dir=own_data)
    reporter: StatusReporter = site.server.status
    (model,) = own_data.glob(f"voices/{JOE}/*-*/{JOE}.onnx.json")
    await asyncio.to_thread(model.unlink)
    await site.post(f"/api/voices/{JOE}/verify?wait=true")
    control = site.server.control
    presets = control.resolver.presets
    voices = VoiceList(reporter, control.catalogue, control.lost_voices, presets)
    view = CompanionView(
        reporter, voices, site.server.metrics, AccessPolicy((), None, ()), interval=30.0
    )
    shown = await view.render(for_owner=owner)
    assert str(own_data) not in str(shown["state"]) or owner
