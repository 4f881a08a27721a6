"""The command as users run it: a process of its own, real signals, the real voice."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
import shlex
import signal
import sys
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from support.client import connected
from support.ports import free_port
from support.voices import voice_failing_at
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
        env=os.environ | {"HF_ENDPOINT": "http://127.0.0.1:9"} | environment,  # nobody is there
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


async def test_text_in_any_locale(tmp_path: Path) -> None:
    """Whatever the locale knows, the words are those that were given, and an answer comes."""
    words, ascii_only = "Gr\u00fc\u00dfe, 5 \u00b0C", {"LC_ALL": "C", "PYTHONUTF8": "0"}
    spoken = "Gr\u00fc\u00dfe, 5 Grad Celsius."
    code, stdout, _ = await run("text", words, "--language", "de", "--json", **ascii_only)
    assert (code, stdout.isascii()) == (0, True)
    assert json.loads(stdout)["segments"][0]["spoken"] == spoken
    code, stdout, _ = await run("text", words, "--language", "de", **ascii_only)
    assert (code, stdout.isascii()) == (0, True)
    for action in (["list"], ["list", "--available"], ["list", "--available", "--json"]):
        code, stdout, stderr = await run(
            "voices", *action, "--data-dir", str(tmp_path), **ascii_only
        )
        assert (code, stdout.isascii(), stderr) == (0, True, "")


async def test_say_with_a_voice_that_is_nowhere_fails(tmp_path: Path) -> None:
    file, data = tmp_path / "out.wav", ("--data-dir", str(tmp_path / "data"))
    say = ("say", "Hello.", "--output", str(file), *data, "--voice")
    code, _, stderr = await run(*say, "en_US-nobody-medium", "--offline")
    assert (code, len(stderr.splitlines())) == (1, 1)
    assert stderr.startswith("voice-not-found: ")
    assert "en_US-norman-medium" in stderr
    assert "`offline`" in stderr
    code, _, stderr = await run(*say, "de_DE-thorsten-medium", "--no-auto-install")
    assert (code, len(stderr.splitlines())) == (1, 1)
    assert "`voices install de_DE-thorsten-medium`" in stderr
    assert "`auto_install`" in stderr
    code, _, stderr = await run(*say, "de_DE-thorsten-medium", WPH_OFFLINE="1")
    assert (code, len(stderr.splitlines())) == (1, 1)
    assert "`offline`" in stderr
    assert not file.exists() or not file.stat().st_size


async def test_say_that_the_model_fails_at_is_one_line(tmp_path: Path) -> None:
    own = await asyncio.to_thread(voice_failing_at, "b", tmp_path)
    data = ("--data-dir", str(tmp_path / "data"))
    assert (await run("voices", "import", str(own), *data))[0] == 0
    say = ("say", "--voice", own.stem, "--output", "-", *data)
    assert (await run(*say, "The lamp is on."))[0] == 0
    for text in ("a button", "The lamp is on. Press the buttons. Good night."):
        code, stdout, stderr = await run(*say, text)
        assert (code, stdout) == (1, b"")
        (line,) = stderr.splitlines()
        assert line.startswith("synthesis-failed: ")
        assert "idx=166" in line  # as the model says


async def test_closed_pipe_is_no_error(tmp_path: Path) -> None:
    command = f"{shlex.join(COMMAND)} voices list --available --data-dir {tmp_path} | head -n 1"
    process = await asyncio.create_subprocess_shell(
        command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    stdout, stderr = await process.communicate()
    assert (len(stdout.splitlines()), stderr) == (1, b"")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("voices ins", {"install"}),
        ("voices install de_DE-thor", {"de_DE-thorsten-low", "de_DE-thorsten-medium"}),
        ("voices verify en_US-j", {"en_US-joe-medium"}),
        ("say x --voice en_US-j", {"en_US-joe-medium"}),
        ("say x --of", {"--offline"}),
    ],
)
async def test_shells_complete(tmp_path: Path, words: str, expected: set[str]) -> None:
    answer = tmp_path / "answer"
    line = f"wyoming-piper-hardened {words}"
    code, _, stderr = await run(
        _ARGCOMPLETE="1",
        _ARGCOMPLETE_STDOUT_FILENAME=str(answer),
        _ARGCOMPLETE_IFS="\n",
        COMP_LINE=line,
        COMP_POINT=str(len(line)),
        WPH_DATA_DIR=str(tmp_path),
    )
    assert (code, stderr) == (0, "")
    found = {one.strip() for one in (await asyncio.to_thread(answer.read_text)).splitlines()}
    assert expected <= found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_completion_prints_a_script(shell: str) -> None:
    code, stdout, _ = await run("completion", shell)
    assert code == 0
    assert b"wyoming-piper-hardened" in stdout


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
    shown = "-5 °C\n  → minus 5 degrees Celsius.\n  /mˈaɪnəs fˈaɪv dᵻɡɹˈiːz sˈɛlsɪʲəs./\n"
    assert (code, stdout.decode()) == (0, shown)
    code, stdout, _ = await run("text", "-5 °C", "--language", "de", "--text", "off")
    assert code == 0
    assert stdout.decode().startswith("-5 °C\n  → -5 °C.\n  /")
    code, stdout, stderr = await run("text", "-5 °C", "--language", "tlh")
    assert (code, stdout.decode()) == (1, "-5 °C\n  → -5 °C.\n")
    assert stderr.startswith("phonemes-failed: ")
    code, _, stderr = await run("text", "x", "--voice", "no-voice", "--data-dir", str(tmp_path))
    assert code == 1
    assert "voice-not-found" in stderr


async def test_health(prepared_data: Path) -> None:
    async with server(prepared_data) as (_, port):
        uri = f"tcp://127.0.0.1:{port}"
        code, stdout, _ = await run("health", "--uri", uri)
        assert code == 0
        installed, offered = re.fullmatch(
            rf"{uri}: healthy, (\d+) installed, (\d+) offered\n", stdout.decode()
        ).groups()  # type: ignore[union-attr]
        assert (int(installed), int(offered) > 20) == (1, True)
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
