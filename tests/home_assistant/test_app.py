"""The app as the Supervisor runs it: a real process, the real voice, a real pipe."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from supervisor.simulator import Fault, Simulator, serving
from support.app import app
from support.client import connected
from support.hub import faulty_hub
from support.hub_faults import Fault as HubFault
from support.voices import SINGLE, SINGLE_CONFIG
from support.waiting import eventually

pytestmark = pytest.mark.slow

JOE = "en_US-joe-medium"
TOKEN = "a-very-secret-token"  # noqa: S105 - of a simulator
PAIRED = "a-token-that-Home-Assistant-has-made-by-itself"


async def test_every_command_is_carried_out_in_its_order(
    prepared_data: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for file in (SINGLE, SINGLE_CONFIG):
        shutil.copy(file, own)
    data = tmp_path / "data"
    shutil.copytree(prepared_data, data, symlinks=True)
    async with app(tmp_path, {"data_dir": str(data), "custom_voice_dirs": [str(own)]}) as running:
        await running.until("worker-ready")
        await running.command({"command": "install", "voice": "single"})
        await running.write(
            b"",
            b"not JSON",
            b"\xff\xfe\x00",
            b"[" * 60_000,
            b"x" * 1_000_000,
            b"5",
            b'{"command": ["repair"]}',
        )
        await running.command("fly to the moon")
        await running.command({"command": "repair"})
        await running.command({"command": "verify", "voice": JOE, "very": "loud"})
        await running.command(f"verify {JOE}")
        await running.command(f"repair {JOE}")
        await running.command({"command": "say", "text": "Some private words."})
        await running.command({"command": "say", "voice": "single"})
        await running.command("remove single")
        await running.until("command-failed", command="remove single")
        (own / SINGLE.name).unlink()
        await running.command("remove single")
        await running.command("remove single")
        await running.command("install en_US-nobody-low")
        await running.command("reset_breaker")
        await running.command({"command": "reset_breaker", "voice": "nobody"})
        await running.command("restart_workers")
        await running.command("status")
        assert running.process.stdin
        running.process.stdin.close()  # which is fine
        await running.until("command-done", command="status")
        commands = running.events("command-done", "command-failed")
        assert [(has["command"], has.get("code", "ok")) for _, has in commands] == [
            ("install single", "ok"),
            (f"verify {JOE}", "ok"),
            (f"repair {JOE}", "ok"),
            ("say", "ok"),
            ("say single", "ok"),
            ("remove single", "voice-watched"),
            ("remove single", "ok"),
            ("remove single", "voice-not-installed"),
            ("install en_US-nobody-low", "voice-not-found"),
            ("reset_breaker", "ok"),
            ("reset_breaker nobody", "voice-not-found"),
            ("restart_workers", "ok"),
            ("status", "ok"),
        ]
        assert [has["code"] for _, has in running.events("command-rejected")] == [
            *["command-invalid"] * 6,
            "command-unknown",
            *["command-fields-invalid"] * 2,
        ]
        async with connected(running.port) as client:
            assert (await client.say("Hello.")).types[-1] == "audio-stop"
        assert await running.stop() == 0
        for log in ("\n".join(running.log), running.event_file.read_text(encoding="utf-8")):
            assert "private" not in log
            assert "moon" not in log


async def test_it_is_discovered_and_nobody_sees_the_token(
    prepared_data: Path, tmp_path: Path
) -> None:
    async with serving(Simulator(TOKEN)) as supervisor:
        simulated = {"voice": JOE, "repair_on_start": [JOE]}
        supervisor.options = dict(simulated)
        supervisor.fault(Fault.ECHO, Fault.UNAUTHORIZED)
        options = {**simulated, "data_dir": str(prepared_data), "debug_logging": True}
        arguments = ("--supervisor", supervisor.url)
        async with app(tmp_path, options, *arguments, SUPERVISOR_TOKEN=TOKEN) as running:
            await eventually(lambda: supervisor.services == ["wyoming"], 60)
            environments = []
            for child in running.children:
                with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
                    environments.append(child.environ())
            assert environments
            assert all(TOKEN not in environment.values() for environment in environments)
            await running.until("repairs-cleared")
            assert supervisor.options["repair_on_start"] == []
            assert await running.stop() == 0
        assert supervisor.withdrawn == []
    assert TOKEN not in "\n".join(running.log)
    assert TOKEN not in running.event_file.read_text(encoding="utf-8")
    assert running.happened("discovery-failed", code="supervisor-refused")
    assert any(" DEBUG " in line for line in running.log)


async def test_option_follows_the_default_voice_that_is_chosen(
    prepared_data: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(prepared_data, data, symlinks=True)
    slowly = {"name": "Joe, slowly", "voice": JOE, "length_scale": 1.3}
    async with serving(Simulator(TOKEN)) as supervisor:
        supervisor.options = {"voice": JOE, "presets": [slowly]}
        options = {**supervisor.options, "data_dir": str(data)}
        arguments = ("--supervisor", supervisor.url)
        async with app(tmp_path, options, *arguments, SUPERVISOR_TOKEN=TOKEN) as running:
            await running.command("set_default_voice Joe, slowly")
            await running.until("voice-option-set", voice="Joe, slowly")
            assert supervisor.options["voice"] == "Joe, slowly"
            assert supervisor.options["presets"] == [slowly]
            assert await running.stop() == 0
    options["voice"] = supervisor.options["voice"]
    again = tmp_path / "again"  # with events of its own
    again.mkdir()
    async with app(again, options) as running:
        shown = await running.get("api/default-voice")
        assert (shown["name"], shown["voice"]) == ("Joe, slowly", JOE)
        assert (shown["origin"], shown["setting"]) == ("setting", "Joe, slowly")
        assert not (data / "default-voice.json").exists()
        assert await running.stop() == 0


async def test_paired_integration_is_announced_and_may_change_what_it_looks_after(
    prepared_data: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(prepared_data, data, symlinks=True)
    options = {"data_dir": str(data), "web_trusted": ["192.0.2.1"], "debug_logging": True}
    paired = {"Authorization": f"Bearer {PAIRED}"}

    async def restart() -> int:
        async with (
            aiohttp.ClientSession(web["address"], headers=paired) as client,
            client.post("/api/workers/restart") as answer,
        ):
            return answer.status

    async with serving(Simulator(TOKEN)) as supervisor:
        arguments = ("--supervisor", supervisor.url)
        async with app(tmp_path, options, *arguments, SUPERVISOR_TOKEN=TOKEN) as running:
            web = await running.until("web-listening")
            await eventually(lambda: supervisor.services == ["wyoming"], 60)
            assert await restart() == 403
            await running.command({"command": "pair", "token": "short"})
            await running.until("command-rejected", code="command-fields-invalid")
            await running.command({"command": "pair", "token": PAIRED})
            await eventually(lambda: supervisor.services == ["piper_hardened", "wyoming"], 60)
            (config,) = [
                one["config"]
                for one in supervisor.discovered.values()
                if one["service"] == "piper_hardened"
            ]
            assert config["api"] == 1
            assert config["server_id"] == (data / "server-id").read_text(encoding="utf-8").strip()
            assert PAIRED not in str(supervisor.received)
            assert await restart() == 202
            async with (
                aiohttp.ClientSession(web["address"], headers=paired) as client,
                client.get("/api/status") as answer,
            ):
                assert PAIRED not in await answer.text()
            await running.command("unpair")
            await running.until("command-done", command="unpair")
            assert await restart() == 403
            await eventually(lambda: supervisor.withdrawn == ["piper_hardened"], 60)
            assert supervisor.services == ["wyoming"]
            await running.command({"command": "pair", "token": PAIRED})
            await eventually(lambda: supervisor.services == ["piper_hardened", "wyoming"], 60)
            assert await running.stop() == 0
        for log in ("\n".join(running.log), running.event_file.read_text(encoding="utf-8")):
            assert PAIRED not in log
        (again := tmp_path / "again").mkdir()
        async with app(again, options, *arguments, SUPERVISOR_TOKEN=TOKEN) as running:
            web = await running.until("web-listening")
            assert await restart() == 202
            assert await running.stop() == 0


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "full"
    folder.mkdir()
    command = ("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder))
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    (folder / "filling").write_bytes(b"x" * 65536)
    yield folder
    subprocess.run(("umount", str(folder)), check=True)


async def speaks_degraded(folder: Path, options: object, kind: str, *arguments: str) -> set[str]:
    """Return the issues of an app that speaks all the same, once `kind` is among them."""
    async with app(folder, options, *arguments, SUPERVISOR_TOKEN="") as running:
        async with connected(running.port) as client:
            assert len((await client.say("It speaks all the same.")).pcm) > 20_000
        await eventually(
            lambda: any(p["issue"]["kind"] == kind for _, p in running.events("issue-opened")), 60
        )
        issues = await running.issues()
        assert await running.stop() == 0
    return issues


async def test_everything_is_wrong_and_it_speaks(tmp_path: Path) -> None:
    options = {
        "workers": "many",
        "data_dir": "/proc/none",
        "custom_voice_dirs": ["/none"],
        "speaker": 5,
        "voise": "x",
    }
    issues = await speaks_degraded(tmp_path, options, "unwritable")
    assert issues == {
        "option:workers",
        "option:speaker",
        "unwritable:data_dir",
    }


async def test_the_disk_is_full_and_it_speaks(tmp_path: Path, full_disk: Path) -> None:
    issues = await speaks_degraded(tmp_path, b"{", "no-space", "--data-dir", str(full_disk))
    assert issues >= {"option:options.json", "no-space:data_dir"}


@pytest.mark.parametrize(
    "state", ["starting", "saying", "downloading", "degraded", "the Supervisor does not answer"]
)
async def test_a_stop_is_exit_0_in_every_state(
    prepared_data: Path, tmp_path: Path, state: str
) -> None:
    amy = "en_US-amy-medium"
    data = tmp_path / "data"
    data.symlink_to(prepared_data)
    async with serving(Simulator(TOKEN)) as supervisor, faulty_hub({}) as hub:
        hub.fault(HubFault.NO_ANSWER)
        options: dict[str, Any] = {"data_dir": str(data), "hub_endpoint": hub.endpoint}
        if state == "degraded":
            options |= {"workers": "many", "voice": "de_DE-nobody-low"}
        if state == "the Supervisor does not answer":
            supervisor.fault(Fault.SLOW, Fault.SLOW)
        arguments = ("--supervisor", supervisor.url)
        async with app(tmp_path, options, *arguments, SUPERVISOR_TOKEN=TOKEN) as running:
            if state == "saying":
                await running.command("status")  # and commands that wait
                await running.command({"command": "say", "text": "A long sentence. " * 3000})
                await running.command("status")
                await running.until("command-done", command="status")
                await running.until("worker-ready")
            elif state == "downloading":
                await running.command(f"install {amy}")
                await eventually(lambda: hub.seen)
            elif state == "degraded":
                await running.until("worker-ready")
            elif state == "the Supervisor does not answer":
                await eventually(lambda: not supervisor._faults)
            assert await running.stop() == 0
        hub.release()


@pytest.mark.parametrize("kind", ["closed", "nothing", "a file"])
async def test_any_standard_input_will_do(prepared_data: Path, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "commands"
    await asyncio.to_thread(file.write_bytes, json.dumps("status").encode())
    path = os.devnull if kind != "a file" else str(file)
    with open(path, "rb") as stdin:  # noqa: ASYNC230, PTH123 - for a child
        prefix = ("sh", "-c", 'exec "$@" <&-', "sh") if kind == "closed" else ()
        options = {"data_dir": str(prepared_data)}
        async with app(
            tmp_path, options, stdin=stdin.fileno(), prefix=prefix, SUPERVISOR_TOKEN=""
        ) as running:
            await running.until("discovery-disabled")
            if kind == "a file":
                await running.until("command-done", command="status")
            assert not running.events("command-rejected", "standard-input-unreadable")
            assert await running.stop() == 0
