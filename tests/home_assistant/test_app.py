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

import psutil
import pytest

from supervisor.simulator import Fault, Simulator, serving
from support.app import app
from support.client import connected
from support.hub import faulty_hub
from support.hub_faults import Fault as HubFault
from support.voices import SINGLE, SINGLE_CONFIG
from support.waiting import eventually

JOE = "en_US-joe-medium"
TOKEN = "a-very-secret-token"  # noqa: S105 - of a simulator


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
        await running.until("is ready")
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
        await running.until("command remove single")
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
        await running.until("command status")
        commands = [
            line.partition(" command ")[2]
            for line in running.log
            if " command " in line and "standard input" not in line
        ]
        assert [command.split(":")[:2] for command in commands] == [
            ["install single", " ok"],
            [f"verify {JOE}", " ok"],
            [f"repair {JOE}", " ok"],
            ["say", " ok"],
            ["say single", " ok"],
            ["remove single", " voice-watched"],
            ["remove single", " ok"],
            ["remove single", " voice-not-installed"],
            ["install en_US-nobody-low", " voice-not-found"],
            ["reset_breaker", " ok"],
            ["reset_breaker nobody", " voice-not-found"],
            ["restart_workers", " ok"],
            ["status", " ok"],
        ]
        assert f"{JOE} speaks" in commands[-1]
        refused = [line for line in running.log if "standard input" in line]
        assert [line.partition("standard input: ")[2].split(":")[0] for line in refused] == [
            *["command-invalid"] * 6,
            "command-unknown",
            *["command-fields-invalid"] * 2,
        ]
        async with connected(running.port) as client:
            assert (await client.say("Hello.")).types[-1] == "audio-stop"
        assert await running.stop() == 0
        assert "private" not in "\n".join(running.log)
        assert "moon" not in "\n".join(running.log)


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
            await eventually(lambda: len(supervisor.discovered) == 2, 60)
            environments = []
            for child in running.children:
                with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
                    environments.append(child.environ())
            assert environments
            assert all(TOKEN not in environment.values() for environment in environments)
            await running.until("repair_on_start is done")
            assert supervisor.options["repair_on_start"] == []
            assert await running.stop() == 0
        assert supervisor.withdrawn == []
    assert TOKEN not in "\n".join(running.log)
    assert running.logged("supervisor-refused", "…")
    assert running.logged("DEBUG")


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


async def speaks_degraded(folder: Path, options: object, *arguments: str) -> str:
    """What the status says is wrong, of an app that speaks all the same."""
    async with app(folder, options, *arguments, SUPERVISOR_TOKEN="") as running:
        async with connected(running.port) as client:
            assert len((await client.say("It speaks all the same.")).pcm) > 20_000
        await running.command("status")
        line = await running.until("command status")
        assert await running.stop() == 0
    return line.partition("issues: ")[2]


async def test_everything_is_wrong_and_it_speaks(tmp_path: Path) -> None:
    options = {
        "workers": "many",
        "data_dir": "/proc/none",
        "custom_voice_dirs": ["/none"],
        "speaker": 5,
        "voise": "x",
    }
    issues = await speaks_degraded(tmp_path, options)
    assert set(issues.split(", ")) == {
        "option:workers",
        "option:speaker",
        "unwritable:data_dir",
    }


async def test_the_disk_is_full_and_it_speaks(tmp_path: Path, full_disk: Path) -> None:
    issues = await speaks_degraded(tmp_path, b"{", "--data-dir", str(full_disk))
    assert set(issues.split(", ")) >= {"option:options.json", "no-space:data_dir"}


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
                await running.until("command status")
                await running.until("is ready")
            elif state == "downloading":
                await running.command(f"install {amy}")
                await eventually(lambda: hub.seen)
            elif state == "degraded":
                await running.until("is ready")
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
            await running.until("no SUPERVISOR_TOKEN")
            if kind == "a file":
                await running.until("command status")
            assert not running.logged("standard input")
            assert await running.stop() == 0
