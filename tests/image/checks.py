"""The checks of one running image, in order; a docstring says what a user would notice."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from pathlib import Path
from typing import Final

import psutil

from real_home_assistant.results import Findings
from supervisor.simulator import Simulator, serving
from support.client import connected
from support.waiting import eventually
from wyoming_piper_hardened.reporting.events import Event

from .bench import EMBEDDED, PORT, Bench, speak
from .container import ROOT

VOICE_OF_ONES_OWN: Final = ROOT / "tests" / "engine" / "voices" / "single.onnx"
_SETTLE: Final = 5.0
_RATE: Final = 22_050
_MEGABYTE: Final = 1_000_000


async def size(bench: Bench, findings: Findings) -> None:
    """Check that nothing in the image builds or installs, and measure its size."""
    looked_at = await bench.engine.look_at("image", bench.image)
    findings.measure("unpacked", looked_at["Size"] / _MEGABYTE, "MB")
    async with bench.server() as server:
        await server.start()
        for tool in ("pip", "gcc", "cc", "strip", "git", "curl"):
            answer = await server.container.execute("/usr/bin/which", tool)
            findings.require(answer.exit_code, f"{tool} is in the image")
    labels = looked_at["Config"]["Labels"]
    for label in ("io.hass.type", "io.hass.version", "io.hass.arch", "io.hass.name"):
        findings.require(labels.get(label), f"the label {label} is missing")


async def speaks(bench: Bench, findings: Findings) -> None:
    """Without any network it speaks from the embedded voice, at once and always the same."""
    async with bench.server() as server:
        began = time.monotonic()
        await server.start()
        listening = time.monotonic()
        heard = await server.first_word()
        memory = await server.memory()
        findings.measure("port open after", listening - began)
        findings.measure("first word after", heard - began)
        findings.require(EMBEDDED in await server.voices(), f"{EMBEDDED} is not described")
        async with connected(PORT) as client:
            text = "The cooker is still on. Please have a look at it."
            first, second = await speak(client, text), await speak(client, text)
        seconds = len(first) / 2 / _RATE
        findings.measure("audio", seconds)
        findings.require(first == second, "the same text gave other bytes")
        findings.require(1.5 < seconds < 8, f"{seconds:.1f} s of audio for that text")
        findings.require(any(first), "the audio is silence")
        await asyncio.sleep(_SETTLE)
        findings.measure("memory after a word", memory / _MEGABYTE, "MB")
        findings.measure("at rest later", await server.memory() / _MEGABYTE, "MB")
        log = await server.container.log()
        prepared_here = (server.data / "voices" / EMBEDDED).exists()
        findings.require(not prepared_here, "the embedded voice was not prepared before")
        findings.require(" ERROR " not in log, f"its log has errors:\n{log[-1500:]}")


async def healthy(bench: Bench, findings: Findings) -> None:
    """Check that the health check passes while it serves, and fails when it does not."""
    looked_at = await bench.engine.look_at("image", bench.image)
    check = looked_at["Config"].get("Healthcheck") or looked_at.get("Healthcheck")  # docker, podman
    kind, *command = check["Test"] if check else ["NONE"]
    findings.require(kind == "CMD", f"the health check is {kind}")
    async with bench.server() as server:
        await server.start()
        began = time.monotonic()
        answer = await server.container.execute(*command)
        findings.measure("asked in", time.monotonic() - began)
        findings.require(answer.exit_code == 0, f"not healthy: {answer.output[-500:]}")
        for one in await server.container.processes():
            one.suspend()
        try:
            answer = await server.container.execute(*command)
        finally:
            for one in await server.container.processes():
                one.resume()
        findings.require(answer.exit_code == 1, f"a frozen server counts as healthy: {answer}")


async def unprivileged(bench: Bench, findings: Findings) -> None:
    """Check that no process is root, has capabilities, or can gain any."""
    async with bench.server() as server:
        await server.start()
        await server.first_word()
        processes = await server.container.processes()
        findings.measure("processes", len(processes), "")
        for one in processes:
            status = _status(one)
            uids = set(status["Uid"].split())
            findings.require("0" not in uids, f"{one.name()} runs as {uids}")
            capabilities = int(status["CapEff"], 16) | int(status["CapPrm"], 16)
            findings.require(not capabilities, f"{one.name()} has capabilities {capabilities:x}")
            # who is an ordinary user from the start has that from the engine, if wanted
            safe = status["NoNewPrivs"] == "1" or bench.serve
            findings.require(safe, f"{one.name()} may gain privileges")
        owners = {path.stat().st_uid for path in (server.data, *server.data.rglob("*"))}
        findings.require(0 not in owners, "something in /data belongs to root")


async def own_voice_survives(bench: Bench, findings: Findings) -> None:
    """Check that a voice put into /share is offered, also after a restart without /share."""
    name = VOICE_OF_ONES_OWN.stem
    async with bench.server({"WPH_CUSTOM_VOICE_DIRS": "/share/piper"}) as server:
        folder = server.share / "piper"
        folder.mkdir()
        await server.start()
        for file in VOICE_OF_ONES_OWN.parent.glob(f"{VOICE_OF_ONES_OWN.name}*"):
            shutil.copy(file, folder)
        began = time.monotonic()
        findings.require(await server.offers(name, 90), f"{name} was not taken over")
        findings.measure("offered after", time.monotonic() - began)
        await server.container.stop()
        shutil.rmtree(folder)
        await server.start()
        findings.require(name in await server.voices(), f"{name} is gone after the restart")
        async with connected(PORT) as client:
            await speak(client, "Hello.", voice={"name": name})


async def commands(bench: Bench, findings: Findings) -> None:
    """Check that no command and no language misses what was left out of the image."""
    async with bench.server() as server:
        await server.start()
        program = "wyoming-piper-hardened"
        for command in (
            (program, "--version"),
            (program, "voices", "list"),
            (program, "voices", "list", "--available"),
            (program, "say", "Hello.", "--output", "/tmp/hello.wav"),
            ("python3", "-c", _ARABIC),
            ("python3", "-c", _HEBREW),
            ("python3", "-c", "import zeroconf, wyoming_piper_hardened.engine.preparation.split"),
        ):
            answer = await server.container.execute(*command)
            findings.require(not answer.exit_code, f"{command}: {answer.output.strip()[-400:]}")


_ARABIC: Final = """
from piper.tashkeel import TashkeelDiacritizer
assert TashkeelDiacritizer()("مرحبا بالعالم", taskeen_threshold=0.8) != "مرحبا بالعالم"
"""
_HEBREW: Final = """
from piper.phonemize_hebrew import HebrewPhonemizer
assert HebrewPhonemizer().phonemize("שלום עולם")
"""


async def read_only_data(bench: Bench, findings: Findings) -> None:
    """Check that it speaks from a read-only disk, as SD cards become when they fail."""
    async with bench.server({"WPH_REPAIR_ON_START": "all"}, read_only_data=True) as server:
        await server.start()
        await server.first_word()
        await asyncio.sleep(1)
        await server.first_word()
        stop = await server.container.stop()
        findings.require(stop.exit_code == 0, f"exit code {stop.exit_code}")


async def discovered(bench: Bench, findings: Findings) -> None:
    """Home Assistant shows both services as discovered, and how to reach them."""
    async with serving(Simulator(), "127.0.0.1", 80) as supervisor:
        async with bench.server({"SUPERVISOR_TOKEN": supervisor.token}) as server:
            began = time.monotonic()
            await server.start()
            await eventually(lambda: supervisor.services == ["wyoming"], 30)
            findings.measure("discovered after", time.monotonic() - began)
            (uri,) = (
                message["config"]["uri"]
                for message in supervisor.discovered.values()
                if message["service"] == "wyoming"
            )
            findings.require(uri.startswith("tcp://"), f"{uri} is no address")
            findings.require(uri.endswith(f":{PORT}"), f"{uri} has another port")
            log = await server.container.log()
        findings.require(supervisor.token not in log, "the token is in the log")
        findings.require(not supervisor.withdrawn, f"{supervisor.withdrawn} were withdrawn")


async def obeys(bench: Bench, findings: Findings) -> None:
    """Every command on standard input is carried out, in order, and anything else is reported."""
    own = VOICE_OF_ONES_OWN.stem
    async with bench.server({"WPH_CUSTOM_VOICE_DIRS": "/share/piper"}) as server:
        folder = server.share / "piper"
        folder.mkdir()
        for file in VOICE_OF_ONES_OWN.parent.glob(f"{VOICE_OF_ONES_OWN.name}*"):
            shutil.copy(file, folder)
        await server.start()
        findings.require(await server.offers(own, 90), f"{own} was not taken over")
        async with server.container.attached() as stdin:
            for line in (
                json.dumps({"command": "say", "text": "One, two."}),
                json.dumps({"command": "verify", "voice": own}),
                json.dumps(f"repair {own}"),
                "this is no JSON",
                json.dumps("dance"),
                json.dumps({"command": "install", "voice": own}),
                json.dumps("restart_workers"),
                json.dumps({"command": "reset_breaker"}),
                json.dumps({"command": "status"}),
                json.dumps({"command": "remove", "voice": own}),
            ):
                stdin.write(line.encode() + b"\n")
            await stdin.drain()
            await server.logs(_failed(f"remove {own}", "voice-watched"))
            for file in folder.iterdir():
                file.unlink()
            stdin.write(json.dumps({"command": "remove", "voice": own}).encode() + b"\n")
            await stdin.drain()
            log = await server.logs(_done(f"remove {own}"))
        position = 0
        for command in (
            *("say", f"verify {own}", f"repair {own}", f"install {own}"),
            *("restart_workers", "reset_breaker", "status", f"remove {own}"),
        ):
            found = log.find(_done(command), position)
            findings.require(found >= 0, f"{command} was not done, or not in order")
            position = max(position, found)
        for code in ("command-invalid", "command-unknown"):
            findings.require(code in log, f"{code} is not in the log")
        await server.first_word()


def _done(command: str) -> str:
    """Return how the log's line begins when a command has been carried out."""
    return str(Event("command-done", command=command, result="")).strip()


def _failed(command: str, code: str) -> str:
    """Return how the log's line begins when a command has failed."""
    return str(Event("command-failed", command=command, code=code, reason="")).strip()


async def stays_at_home(bench: Bench, findings: Findings) -> None:
    """Of all the containers so far none sent anything anywhere; and we would have seen it."""
    left = list(bench.isolated_network.left)
    findings.measure("connections to elsewhere", len(left), "")
    findings.require(not left, f"sent off the isolated network: {sorted(set(left))[:10]}")
    async with bench.server() as server:
        await server.start()
        await server.container.execute("python3", "-c", _LEAVE)
        await asyncio.sleep(0.2)
    seen = set(bench.isolated_network.left[len(left) :])
    findings.require({one.split()[0] for one in seen} == {"tcp", "udp"}, f"only {seen} was noted")


_LEAVE: Final = """
import socket
try:
    socket.getaddrinfo("example.org", 443)
except OSError:
    pass
try:
    socket.create_connection(("198.51.100.1", 443), 0.2)
except OSError:
    pass
"""


def _status(process: psutil.Process) -> dict[str, str]:
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
