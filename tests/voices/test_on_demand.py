"""Voices that are offered and installed by requests, and the maintenance around them."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from conftest import Script, Serve
from support.client import Outcome, connected
from support.hub import faulty_hub
from support.hub_client import NEWEST, tiny_files
from support.hub_faults import Fault
from support.hub_voices import amys_files
from support.waiting import eventually
from voices.test_install import AMY, command
from wyoming_piper_hardened.catalogue.catalogue import bundled
from wyoming_piper_hardened.composition import load_library
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.hub.files import CATALOGUE_PATH
from wyoming_piper_hardened.reporting.issues import IssueKind, Suggestion
from wyoming_piper_hardened.service import Running
from wyoming_piper_hardened.store.store import SpacePolicy, Store
from wyoming_piper_hardened.voices.maintenance_policy import MaintenanceTimings

JOE = "en_US-joe-medium"
NOWHERE = "http://127.0.0.1:9"


def has_issue(server: Running, kind: IssueKind, subject: str) -> bool:
    return any((issue.kind, issue.subject) == (kind, subject) for issue in server.status.issues())


def installed(server: Running) -> set[str]:
    return {voice.name for voice in server.library}


async def offered(port: int) -> set[str]:
    async with connected(port) as client:
        await client.send("describe")
        (info,) = (await client.until("info")).events
    return {voice["name"] for voice in info.data["tts"][0]["voices"]}


async def ask(port: int, name: str | None = None) -> Outcome:
    async with connected(port) as client:
        return await client.say("Hello there.", **({"voice": {"name": name}} if name else {}))


async def test_first_request_installs_a_voice_and_is_spoken_by_it(
    start_server: Serve, own_data: Path
) -> None:
    async with faulty_hub(amys_files()) as hub:
        server = await start_server(
            data_dir=own_data, hub_endpoint=hub.endpoint, install_wait=120, languages=["en_US"]
        )
        assert server.port
        assert AMY in await offered(server.port)
        assert "de_DE-thorsten-medium" not in await offered(server.port)
        one, two = await asyncio.gather(ask(server.port, AMY), ask(server.port, AMY))
        assert one.error is None
        assert len(one.pcm) > 1000
        assert one.pcm == two.pcm
        fetched = [(one.method, one.path.endswith(f"{AMY}.onnx")) for one in hub.seen]
        assert fetched.count(("GET", True)) == 1
        assert (await ask(server.port, "de_DE-thorsten-medium")).error == "voice-not-found"
    assert AMY in await offered(server.port)


async def test_newer_voice_is_installed_by_the_first_request_for_it(
    start_server: Serve, tmp_path: Path
) -> None:
    """Neither over Wyoming nor over HTTP the age of the bundled catalogue decides what exists."""
    for newest, over_http in (("newest", False), ("newer", True)):
        name = f"en_US-{newest}-medium"
        async with faulty_hub(tiny_files(newest)) as hub:
            server = await start_server(
                data_dir=tmp_path / newest,
                hub_endpoint=hub.endpoint,
                install_wait=120,
                web_uri="http://127.0.0.1:0",
            )
            assert server.port
            assert server.web
            assert name not in await offered(server.port)
            if over_http:
                async with aiohttp.ClientSession(server.web.address) as http:
                    body = {"text": "Hello there.", "voice": name}
                    answer = await http.post("/api/say", json=body)
                    assert answer.status == 200
                    assert len(await answer.read()) > 1000
            else:
                assert (await ask(server.port, name)).error is None
            assert name in installed(server)
            for _ in range(20):
                assert (await ask(server.port, "en_US-none-medium")).error == "voice-not-found"
            fetched = [one for one in hub.seen if one.path.endswith(CATALOGUE_PATH)]
            assert len(fetched) < 20  # because of the name, by the install, and once a minute


@pytest.mark.parametrize(
    ("settings", "way"),
    [
        ({}, "de_DE is in `languages`"),
        ({"auto_install": False}, "`auto_install`"),
        ({"offline": True}, "`offline`"),
    ],
)
async def test_error_says_what_makes_a_voice_of_the_repository_speak(
    start_server: Serve, script: Script, settings: dict[str, Any], way: str
) -> None:
    server = await start_server(script(), languages=["en"], **settings)
    assert server.port
    for voice in ({"name": "de_DE-thorsten-medium"}, {"language": "de"}):
        async with connected(server.port) as client:
            (error,) = (await client.say("Guten Tag.", voice=voice)).events
        assert error.data["code"] == "voice-not-found"
        assert way in error.data["text"]
        assert "`voices install de_DE-" in error.data["text"]


async def test_newer_voice_of_the_settings_is_installed(
    start_server: Serve, own_data: Path
) -> None:
    async with faulty_hub(tiny_files("newest")) as hub:
        hub.fault(Fault.BUSY, times=2)
        server = await start_server(
            data_dir=own_data,
            hub_endpoint=hub.endpoint,
            voice=NEWEST,
            maintenance=MaintenanceTimings(retry_delay=0.1, retry_limit=2.0),
        )
        await eventually(lambda: server.status.snapshot().speaks == NEWEST, 120)
        assert not server.status.issues()


async def test_cancelled_install_is_not_begun_again_by_a_request(
    start_server: Serve, own_data: Path
) -> None:
    async with faulty_hub(amys_files()) as hub:
        hub.fault(Fault.STALL, at=1000, times=1)
        server = await start_server(data_dir=own_data, hub_endpoint=hub.endpoint, install_wait=120)
        port = server.port
        assert port
        first = asyncio.create_task(ask(port, AMY))
        await eventually(lambda: bool(server.jobs.jobs))
        second = asyncio.create_task(ask(port, AMY))
        _, _, third = await asyncio.gather(server.control.cancel(AMY), second, ask(port, AMY))
        assert {(await first).error, (await second).error, third.error} == {"cancelled"}
        assert (await ask(port, AMY)).error == "cancelled"  # for a while
        await server.jobs.install(AMY)  # on purpose
        assert (await ask(port, AMY)).error is None


async def test_request_that_cannot_wait_fails_and_the_install_goes_on(
    start_server: Serve, own_data: Path
) -> None:
    async with faulty_hub(amys_files()) as hub:
        server = await start_server(data_dir=own_data, hub_endpoint=hub.endpoint, install_wait=0)
        port = server.port
        assert port
        assert (await ask(port, AMY)).error == "voice-installing"
        assert (await ask(port)).error is None  # nobody else waits for it

        await eventually(lambda: AMY in installed(server), 60)
        assert (await ask(port, AMY)).error is None


@pytest.mark.parametrize("fallback", [None, JOE])
async def test_failed_install_fails_later_requests_at_once_or_the_fallback_speaks(
    start_server: Serve, prepared_data: Path, fallback: str | None
) -> None:
    server = await start_server(
        data_dir=prepared_data,
        hub_endpoint=NOWHERE,
        install_wait=60,
        fallback_voice=fallback,
    )
    assert server.port
    for _ in range(2):  # the second one does not wait for the network again
        outcome = await ask(server.port, AMY)
        assert outcome.error == (None if fallback else "hub-unreachable")
        assert bool(outcome.pcm) == bool(fallback)
    (issue,) = server.status.issues()
    assert (issue.kind, issue.subject) == (IssueKind.MISSING, AMY)
    assert issue.suggestion is Suggestion.INSTALL


@pytest.mark.parametrize("settings", [{"offline": True}, {"auto_install": False}])
async def test_nothing_is_offered_if_nothing_may_be_fetched(
    start_server: Serve, settings: dict[str, bool]
) -> None:
    server = await start_server(**settings)
    assert server.port
    assert await offered(server.port) == {JOE}
    assert (await ask(server.port, AMY)).error == "voice-not-found"


async def test_configured_voice_is_fetched_while_another_one_speaks(
    start_server: Serve, prepared_data: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    await asyncio.to_thread(shutil.copytree, prepared_data, data, symlinks=True)
    async with faulty_hub(amys_files()) as hub:
        server = await start_server(data_dir=data, hub_endpoint=hub.endpoint, voice=AMY)
        assert server.port
        assert (await ask(server.port)).error is None
        status = server.status.snapshot()
        assert (status.voice, status.speaks) == (AMY, JOE)
        await eventually(lambda: server.status.snapshot().speaks == AMY, 120)
        assert (await ask(server.port)).error is None
        assert not server.status.issues()


async def test_default_by_an_alias_is_found(tmp_path: Path) -> None:
    settings = load_settings(flags={"data_dir": tmp_path, "voice": "en-us-lessac-medium"})
    library = await load_library(settings, await asyncio.to_thread(bundled))
    assert library.wanted == "en_US-lessac-medium"
    assert library.default.name == JOE


async def test_missing_speaker_opens_an_issue_and_the_first_one_speaks(
    start_server: Serve, own_data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = await start_server(data_dir=own_data, speaker="5")
    assert server.port
    for _ in range(2):
        assert len((await ask(server.port)).pcm) > 10_000
    assert has_issue(server, IssueKind.OPTION, "speaker")
    assert caplog.text.count("has no speaker '5'") == 1


async def test_custom_voice_without_space_is_tried_again(
    start_server: Serve, tmp_path: Path, model: Path
) -> None:
    free = [0]
    store = Store(tmp_path / "data", SpacePolicy(free=lambda _: free[0]))
    folder = tmp_path / "own"
    folder.mkdir()
    shutil.copy(f"{model}.json", folder / "my-voice.onnx.json")
    shutil.copy(model, folder / "my-voice.onnx")
    server = await start_server(
        data_dir=store.root,
        store=store,
        maintenance=MaintenanceTimings(custom_interval=0.1, retry_delay=1.0),
        custom_voice_dirs=[str(folder)],
    )
    await eventually(lambda: has_issue(server, IssueKind.NO_SPACE, "my-voice"), 60)
    assert not has_issue(server, IssueKind.REJECTED, "my-voice")
    free[0] = 1 << 40
    await eventually(lambda: "my-voice" in installed(server), 60)
    assert not has_issue(server, IssueKind.NO_SPACE, "my-voice")


async def test_damaged_voice_without_a_network_is_quarantined_and_another_one_speaks(
    start_server: Serve, own_data: Path
) -> None:
    timings = MaintenanceTimings(first_check=0.0, retry_delay=1.0, follow_interval=0.1)
    async with faulty_hub(amys_files()) as hub:
        code, _, stderr = await command(
            "install", AMY, "--data-dir", str(own_data), "--hub-endpoint", hub.endpoint
        )
        assert code == 0, stderr
        (model,) = own_data.glob(f"voices/{AMY}/*-*/{AMY}.onnx")
        content = bytearray(model.read_bytes())
        content[len(content) // 2] ^= 1
        model.write_bytes(content)
        hub.fault(Fault.BUSY)
        server = await start_server(
            data_dir=own_data,
            maintenance=timings,
            hub_endpoint=hub.endpoint,
            voice=AMY,
        )
        assert server.port
        await eventually(lambda: AMY not in installed(server), 120)
        assert has_issue(server, IssueKind.DAMAGED, AMY)
        for name in (None, AMY):  # asked for by name as well
            assert len((await ask(server.port, name)).pcm) > 10_000
        assert len(list((own_data / "quarantine").iterdir())) == 1
        hub.repair()  # the network is back
        await eventually(lambda: AMY in installed(server), 120)
        assert server.status.snapshot().speaks == AMY
        assert not has_issue(server, IssueKind.DAMAGED, AMY)
        assert (await ask(server.port, AMY)).error is None


async def test_changes_by_another_process_are_followed(start_server: Serve, own_data: Path) -> None:
    data = ("--data-dir", str(own_data))
    server = await start_server(
        data_dir=own_data,
        maintenance=MaintenanceTimings(follow_interval=0.1),
        hub_endpoint=NOWHERE,
    )
    assert server.port
    async with faulty_hub(amys_files()) as hub:
        code, _, stderr = await command("install", AMY, *data, "--hub-endpoint", hub.endpoint)
        assert code == 0, stderr
    await eventually(lambda: AMY in installed(server))
    assert (await ask(server.port, AMY)).error is None
    assert (await command("gc", *data))[0] == 0
    assert (await command("remove", AMY, *data))[0] == 0
    await eventually(lambda: AMY not in installed(server))


async def test_newer_version_on_the_hub_opens_an_issue_and_is_installed_by_it(
    start_server: Serve, own_data: Path
) -> None:
    files = amys_files()
    async with faulty_hub(files) as hub:
        await command("install", AMY, "--data-dir", str(own_data), "--hub-endpoint", hub.endpoint)
    (old,) = own_data.glob(f"voices/{AMY}/current/{AMY}.onnx")
    (manifest,) = own_data.glob(f"voices/{AMY}/current/manifest.json")
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace('"hub:', '"hub:0'), encoding="utf-8")  # an earlier model
    async with faulty_hub(files) as hub:
        server = await start_server(
            data_dir=own_data,
            maintenance=MaintenanceTimings(first_check=0.0),
            hub_endpoint=hub.endpoint,
        )
        await eventually(lambda: has_issue(server, IssueKind.STALE, AMY), 60)
        assert (own_data / "catalogue.json").exists()
        job = await server.control.apply(f"stale:{AMY}")
        assert job is not None
        await job
        assert not has_issue(server, IssueKind.STALE, AMY)
    assert old.resolve() != old


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "..", "", "x" * 500, "en_US\0", "-x"])
async def test_hostile_names_touch_no_files(
    start_server: Serve, prepared_data: Path, name: str
) -> None:
    server = await start_server()
    before = sorted(prepared_data.rglob("*"))
    control = server.control
    starts = (control.start_install, control.start_repair, control.remove, control.start_verify)
    for act in starts:
        with pytest.raises(Exception, match=r"name of a voice|no voice|cannot be") as raised:
            await act(name)
        assert raised.value.__class__.__module__.endswith("errors")
    assert sorted(prepared_data.rglob("*")) == before
