"""The command as users run it: a process of its own, real signals, the real voice."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import signal
import sys
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from support.client import connected
from support.ports import free_port
from wyoming_piper_hardened import __version__

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "wyoming_piper_hardened"]


async def run(*arguments: str, **environment: str) -> tuple[int, bytes, str]:
    """Run the command to its end; exit code, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment,
    )
    stdout, stderr = await process.communicate()
    assert process.returncode is not None
    return process.returncode, stdout, stderr.decode()


@contextlib.asynccontextmanager
async def server(
    data_dir: Path, *arguments: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """Start a server process; it listens, though its voice may still be loading."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "serve",
        "--uri",
        f"tcp://127.0.0.1:{port}",
        "--data-dir",
        str(data_dir),
        *arguments,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr
    try:
        while b"listening on" not in (line := await process.stderr.readline()):
            assert line, "the server ended"
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_version() -> None:
    assert await run("--version") == (0, f"{__version__}\n".encode(), "")


@pytest.mark.parametrize("arguments", [[], ["fly"], ["say"], ["serve", "--no-such-flag"]])
async def test_wrong_usage_is_exit_2(arguments: list[str]) -> None:
    code, _, stderr = await run(*arguments)
    assert code == 2
    assert "usage:" in stderr


async def test_a_wrong_setting_is_exit_2_and_one_line() -> None:
    code, _, stderr = await run("serve", "--max-segment-chars", "20")
    assert code == 2
    assert "--max-segment-chars" in stderr
    assert "50 to 500" in stderr
    assert len(stderr.splitlines()) == 1
    code, _, stderr = await run("serve", WPH_WORKERS="many")
    assert code == 2
    assert "WPH_WORKERS" in stderr


async def test_say_writes_a_wav(tmp_path: Path) -> None:
    file = tmp_path / "out.wav"
    code, stdout, _ = await run("say", "The cooker is still on.", "--output", str(file))
    assert (code, stdout) == (0, b"")
    with wave.open(str(file)) as wav:
        assert (wav.getframerate(), wav.getsampwidth(), wav.getnchannels()) == (22050, 2, 1)
        assert 0.8 < wav.getnframes() / 22050 < 4
    code, stdout, _ = await run("say", "Hello.", "--output", "-")
    assert code == 0
    with wave.open(io.BytesIO(stdout)) as wav:
        assert wav.getnframes() > 5000


async def test_say_names_what_is_wrong() -> None:
    code, _, stderr = await run("say", "x", "--speaker", "9", "--output", "-")
    assert code == 1
    assert "speaker-not-found" in stderr
    assert "Traceback" not in stderr


async def test_text_shows_what_will_be_said(tmp_path: Path) -> None:
    words = '<speak>Es sind -5 °C.<break time="1s"/>Gut.</speak>'
    code, stdout, _ = await run("text", words, "--language", "de", "--json")
    assert code == 0
    first, second = json.loads(stdout)["segments"]
    assert (first["text"], first["pause"]) == ("Es sind -5 °C.", 1.0)
    assert (first["spoken"], second["spoken"]) == ("Es sind minus 5 Grad Celsius.", "Gut.")
    code, stdout, _ = await run("text", "-5 °C", "--data-dir", str(tmp_path))  # the default voice
    assert (code, stdout.decode()) == (0, "-5 °C\n  → minus 5 degrees Celsius.\n")
    code, stdout, _ = await run("text", "-5 °C", "--language", "de", "--text", "off")
    assert (code, stdout.decode()) == (0, "-5 °C\n  → -5 °C.\n")
    code, _, stderr = await run("text", "x", "--voice", "no-voice", "--data-dir", str(tmp_path))
    assert code == 1
    assert "voice-not-found" in stderr


async def test_voices_list() -> None:
    code, stdout, _ = await run("voices", "list", "--json")
    assert code == 0
    (voice,) = json.loads(stdout)
    assert voice["name"] == "en_US-joe-medium"
    code, stdout, _ = await run("voices", "list")
    assert code == 0
    assert b"en_US" in stdout


async def test_health(prepared_data: Path) -> None:
    async with server(prepared_data) as (_, port):
        code, stdout, _ = await run("health", "--uri", f"tcp://127.0.0.1:{port}")
        assert code == 0
        assert b"en_US-joe-medium" in stdout
    code, _, stderr = await run("health", "--uri", f"tcp://127.0.0.1:{port}")
    assert code == 1
    assert "cannot be reached" in stderr


async def test_a_taken_port_is_exit_3_and_names_who(prepared_data: Path) -> None:
    async with server(prepared_data) as (process, port):
        code, _, stderr = await run("serve", "--uri", f"tcp://127.0.0.1:{port}")
    assert code == 3
    assert f"pid {process.pid}" in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize("uri", ["tcp://192.0.2.1:10200", "unix:///proc/piper.sock"])
async def test_an_impossible_address_is_exit_3(uri: str) -> None:
    code, _, stderr = await run("serve", "--uri", uri)
    assert code == 3
    assert "cannot listen" in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("state", ["loading", "idle", "speaking", "waiting for text"])
async def test_a_stop_signal_is_exit_0_without_orphans(
    prepared_data: Path, state: str, sign: signal.Signals
) -> None:
    async with server(prepared_data) as (process, port), connected(port) as client:
        if state == "idle":
            await client.say("Hello.")
        elif state == "speaking":
            await client.send("synthesize", text="A sentence that is spoken. " * 200)
            await client.until("audio-chunk")
        elif state == "waiting for text":
            await client.send("synthesize-start")
            await client.send("synthesize-chunk", text="The first sentence. And then")
            await client.until("audio-chunk")
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(sign)
        async with asyncio.timeout(10):
            last = await client.until("audio-stop", "synthesize-stopped")
            _, stderr = await process.communicate()
        assert process.returncode == 0
        assert not any(child.is_running() for child in children)
        assert b"Traceback" not in stderr
        if state in {"speaking", "waiting for text"}:
            assert last.error == "shutting-down"


async def test_an_unknown_default_voice_is_reported_and_the_embedded_one_speaks(
    prepared_data: Path,
) -> None:
    async with (
        server(prepared_data, "--voice", "de_DE-nobody-high") as (process, port),
        connected(port) as client,
    ):
        assert (await client.say("Hello.")).types[-1] == "audio-stop"
        process.terminate()


async def test_the_worker_is_killed_in_mid_request_and_nobody_notices(prepared_data: Path) -> None:
    async with server(prepared_data) as (process, port), connected(port) as client:
        text = " ".join(f"This is sentence number {number} of the story." for number in range(12))
        await client.send("synthesize", text=text)
        await client.until("audio-chunk")
        (child,) = psutil.Process(process.pid).children()
        child.kill()
        assert (await client.until("audio-stop")).types == ["audio-chunk", "audio-stop"]
        process.terminate()
        _, stderr = await process.communicate()
    warnings = [line for line in stderr.decode().splitlines() if "WARNING" in line]
    assert len(warnings) == 1
    assert "signal 9" in warnings[0]
    assert "story" not in stderr.decode()
