"""Voices that are offered, installed when they are asked for, and missed when they break."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from conftest import Serve
from support.client import Outcome, connected
from support.hub import faulty_hub
from support.hub_client import amys_files
from support.hub_faults import Fault
from support.waiting import eventually
from voices.test_hub_install import AMY, command
from wyoming_piper_hardened.config import load_settings
from wyoming_piper_hardened.operations import Operations
from wyoming_piper_hardened.protocol.server import WyomingServer
from wyoming_piper_hardened.service import load_library
from wyoming_piper_hardened.voices import care as care_module, store as store_module
from wyoming_piper_hardened.voices.catalogue import bundled
from wyoming_piper_hardened.voices.resolution import IssueKind, Suggestion

JOE = "en_US-joe-medium"
NOWHERE = "http://127.0.0.1:9"


class Insight:
    """A face that only shows what can be asked of the server."""

    operations: Operations

    @contextlib.asynccontextmanager
    async def __call__(self, operations: Operations, _: WyomingServer) -> AsyncIterator[None]:
        self.operations = operations
        yield

    def has(self, kind: IssueKind, subject: str) -> bool:
        return any((i.kind, i.subject) == (kind, subject) for i in self.operations.issues())

    def installed(self) -> set[str]:
        return {voice.name for voice in self.operations.voices}


async def offered(port: int) -> set[str]:
    async with connected(port) as client:
        await client.send("describe")
        (info,) = (await client.until("info")).events
    return {voice["name"] for voice in info.data["tts"][0]["voices"]}


async def ask(port: int, name: str | None = None) -> Outcome:
    async with connected(port) as client:
        return await client.say("Hello there.", **({"voice": {"name": name}} if name else {}))


async def test_the_first_request_installs_a_voice_and_is_spoken_by_it(
    start_server: Serve, tmp_path: Path
) -> None:
    async with faulty_hub(amys_files()) as hub:
        server = await start_server(
            data_dir=tmp_path, hub_endpoint=hub.endpoint, install_wait=120, languages=["en_US"]
        )
        assert server.port
        assert AMY in await offered(server.port)
        assert "de_DE-thorsten-medium" not in await offered(server.port)
        one, two = await asyncio.gather(ask(server.port, AMY), ask(server.port, AMY))
        assert one.error is None
        assert len(one.pcm) > 10_000
        assert one.pcm == two.pcm
        assert hub.sent < 1.5 * 63_201_294
        assert (await ask(server.port, "de_DE-thorsten-medium")).error == "voice-not-found"
    assert AMY in await offered(server.port)


async def test_what_is_called_off_is_not_begun_again_by_a_request(
    start_server: Serve, tmp_path: Path
) -> None:
    insight = Insight()
    async with faulty_hub(amys_files()) as hub:
        hub.fault(Fault.STALL, at=1000, times=1)
        server = await start_server(
            faces=[insight], data_dir=tmp_path, hub_endpoint=hub.endpoint, install_wait=120
        )
        port = server.port
        assert port
        first = asyncio.create_task(ask(port, AMY))
        await eventually(lambda: bool(insight.operations.works()))
        second = asyncio.create_task(ask(port, AMY))
        _, _, third = await asyncio.gather(insight.operations.call_off(AMY), second, ask(port, AMY))
        assert {(await first).error, (await second).error, third.error} == {"called-off"}
        assert (await ask(port, AMY)).error == "called-off"  # for a while
        await insight.operations.install(AMY)  # who means it gets it
        assert (await ask(port, AMY)).error is None


async def test_who_cannot_wait_is_told_to_come_back(start_server: Serve, tmp_path: Path) -> None:
    insight = Insight()
    async with faulty_hub(amys_files()) as hub:
        server = await start_server(
            faces=[insight], data_dir=tmp_path, hub_endpoint=hub.endpoint, install_wait=0
        )
        port = server.port
        assert port
        assert (await ask(port, AMY)).error == "voice-installing"
        assert (await ask(port)).error is None  # nobody else waits for it

        await eventually(lambda: AMY in insight.installed(), 60)
        assert (await ask(port, AMY)).error is None


@pytest.mark.parametrize("fallback", [None, JOE])
async def test_what_cannot_be_installed_is_told_at_once_or_another_voice_speaks(
    start_server: Serve, prepared_data: Path, fallback: str | None
) -> None:
    insight = Insight()
    server = await start_server(
        faces=[insight],
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
    (issue,) = insight.operations.issues()
    assert (issue.kind, issue.subject) == (IssueKind.MISSING, AMY)
    assert issue.suggestion is Suggestion.INSTALL


@pytest.mark.parametrize("settings", [{"offline": True}, {"auto_install": False}])
async def test_nothing_is_offered_when_nothing_may_be_fetched(
    start_server: Serve, settings: dict[str, bool]
) -> None:
    server = await start_server(**settings)
    assert server.port
    assert await offered(server.port) == {JOE}
    assert (await ask(server.port, AMY)).error == "voice-not-found"


async def test_the_configured_voice_is_fetched_while_another_one_speaks(
    start_server: Serve, prepared_data: Path, tmp_path: Path
) -> None:
    insight, data = Insight(), tmp_path / "data"
    await asyncio.to_thread(shutil.copytree, prepared_data, data, symlinks=True)
    async with faulty_hub(amys_files()) as hub:
        server = await start_server(
            faces=[insight], data_dir=data, hub_endpoint=hub.endpoint, voice=AMY
        )
        assert server.port
        assert (await ask(server.port)).error is None
        status = insight.operations.status()
        assert (status.voice, status.speaks) == (AMY, JOE)
        await eventually(lambda: insight.operations.status().speaks == AMY, 120)
        assert (await ask(server.port)).error is None
        assert not insight.operations.issues()


async def test_a_default_by_an_older_name_is_the_voice_of_today(tmp_path: Path) -> None:
    settings = load_settings(flags={"data_dir": tmp_path, "voice": "en-us-lessac-medium"})
    library = await load_library(settings, await asyncio.to_thread(bundled))
    assert library.wanted == "en_US-lessac-medium"
    assert library.default.name == JOE


async def test_a_speaker_that_the_voice_has_not_silences_nobody(
    start_server: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    insight = Insight()
    server = await start_server(faces=[insight], data_dir=tmp_path, speaker="5")
    assert server.port
    for _ in range(2):
        assert len((await ask(server.port)).pcm) > 10_000
    assert insight.has(IssueKind.OPTION, "speaker")
    assert caplog.text.count("has no speaker '5'") == 1


async def test_an_own_voice_that_found_no_room_is_tried_again(
    start_server: Serve, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care_module, "_CUSTOM_INTERVAL", 0.1)
    insight, folder = Insight(), tmp_path / "own"
    folder.mkdir()
    shutil.copy(f"{model}.json", folder / "my-voice.onnx.json")
    shutil.copy(model, folder / "my-voice.onnx")
    with monkeypatch.context() as full:
        full.setattr(store_module, "_SPACE_MARGIN", 10**18)
        await start_server(
            faces=[insight], data_dir=tmp_path / "data", custom_voice_dirs=[str(folder)]
        )
        await eventually(lambda: insight.has(IssueKind.NO_SPACE, "my-voice"), 60)
        assert not insight.has(IssueKind.REJECTED, "my-voice")
    await eventually(lambda: "my-voice" in insight.installed(), 60)
    assert not insight.has(IssueKind.NO_SPACE, "my-voice")


async def test_a_damaged_voice_without_a_network_is_set_aside_and_another_one_speaks(
    start_server: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care_module, "_FIRST_CHECK", 0.0)
    monkeypatch.setattr(care_module, "_RETRY_DELAY", 1.0)
    monkeypatch.setattr(care_module, "_FOLLOW_INTERVAL", 0.1)
    insight = Insight()
    async with faulty_hub(amys_files()) as hub:
        code, _, stderr = await command(
            "install", AMY, "--data-dir", str(tmp_path), "--hub-endpoint", hub.endpoint
        )
        assert code == 0, stderr
        (model,) = tmp_path.glob(f"voices/{AMY}/*-*/{AMY}.onnx")
        content = bytearray(model.read_bytes())
        content[len(content) // 2] ^= 1
        model.write_bytes(content)
        hub.fault(Fault.BUSY)
        server = await start_server(
            faces=[insight], data_dir=tmp_path, hub_endpoint=hub.endpoint, voice=AMY
        )
        assert server.port
        await eventually(lambda: AMY not in insight.installed(), 120)
        assert insight.has(IssueKind.DAMAGED, AMY)
        for name in (None, AMY):  # asked for by name as well
            assert len((await ask(server.port, name)).pcm) > 10_000
        assert len(list((tmp_path / "quarantine").iterdir())) == 1
        hub.mend()  # the network is back: no hand is laid on it
        await eventually(lambda: AMY in insight.installed(), 120)
        assert insight.operations.status().speaks == AMY
        assert not insight.has(IssueKind.DAMAGED, AMY)
        assert (await ask(server.port, AMY)).error is None


async def test_what_another_process_does_is_taken_over(
    start_server: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care_module, "_FOLLOW_INTERVAL", 0.1)
    insight, data = Insight(), ("--data-dir", str(tmp_path))
    server = await start_server(faces=[insight], data_dir=tmp_path, hub_endpoint=NOWHERE)
    assert server.port
    async with faulty_hub(amys_files()) as hub:
        code, _, stderr = await command("install", AMY, *data, "--hub-endpoint", hub.endpoint)
        assert code == 0, stderr
    await eventually(lambda: AMY in insight.installed())
    assert (await ask(server.port, AMY)).error is None
    assert (await command("gc", *data))[0] == 0
    assert (await command("remove", AMY, *data))[0] == 0
    await eventually(lambda: AMY not in insight.installed())


async def test_a_newer_version_on_the_hub_is_told_and_installed_when_asked(
    start_server: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care_module, "_FIRST_CHECK", 0.0)
    insight, files = Insight(), amys_files()
    async with faulty_hub(files) as hub:
        await command("install", AMY, "--data-dir", str(tmp_path), "--hub-endpoint", hub.endpoint)
    (old,) = tmp_path.glob(f"voices/{AMY}/current/{AMY}.onnx")
    (manifest,) = tmp_path.glob(f"voices/{AMY}/current/manifest.json")
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace('"hub:', '"hub:0'), encoding="utf-8")  # an earlier model
    async with faulty_hub(files) as hub:
        await start_server(faces=[insight], data_dir=tmp_path, hub_endpoint=hub.endpoint)
        await eventually(lambda: insight.has(IssueKind.STALE, AMY), 60)
        assert (tmp_path / "catalogue.json").exists()
        await insight.operations.apply(f"stale:{AMY}")
        assert not insight.has(IssueKind.STALE, AMY)
    assert old.resolve() != old


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "..", "", "x" * 500, "en_US\0", "-x"])
async def test_hostile_names_are_no_paths(
    start_server: Serve, prepared_data: Path, name: str
) -> None:
    insight = Insight()
    await start_server(faces=[insight])
    before = sorted(prepared_data.rglob("*"))
    operations = insight.operations
    for act in (operations.install, operations.repair, operations.remove, operations.verify):
        with pytest.raises(Exception, match=r"name of a voice|no voice|cannot be") as raised:
            await act(name)
        assert raised.value.__class__.__module__.endswith("errors")
    assert sorted(prepared_data.rglob("*")) == before
