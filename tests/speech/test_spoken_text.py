"""Texts on a real server: what of them reaches the engine, and the silence between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conftest import Script, Serve
from support.client import Client, connected
from support.scripted_engine import RATE, samples
from wyoming_piper_hardened.text.cleaner import clean, speakable
from wyoming_piper_hardened.text.segmenter import segments

MIXED = (
    "# Today\n- It is **-5 °C**, e.g. at 14:30. Dr. Smith pays $5.20… see https://example.com/a?b=1\n"
    "- <think>no</think> a [[list]] of 3 items; 1.234,5 kWh\n\n<speak>Hello 🙂 world</speak>"
)
SSML = '<speak>One.<break time="500ms"/>Two <prosody rate="fast">three</prosody>.</speak>'


def executions(folder: Path) -> list[str]:
    """Return the texts that the scripted engine was given."""
    lines = (folder / "executions").read_text(encoding="utf-8").splitlines()
    return [line.partition(" ")[2] for line in lines]


async def say(client: Client, text: str, *, streamed: bool, **data: Any) -> bytes:
    outcome = await (client.stream(text, **data) if streamed else client.say(text, **data))
    assert outcome.error is None
    return outcome.pcm


async def test_text_is_spoken_as_it_is_meant(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    server = await start_server(script())
    assert server.port
    async with connected(server.port) as client:
        await client.say("It is **-5 °C**.")
    assert executions(tmp_path) == ["It is minus 5 degrees Celsius."]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("text", [MIXED, SSML, "One, two, three, four, five. Six!", "ℹ", ""])
async def test_off_gives_the_engine_what_came(
    start_server: Serve, script: Script, tmp_path: Path, text: str, *, streamed: bool
) -> None:
    server = await start_server(script(), text="off")
    assert server.port
    (tmp_path / "executions").touch()
    async with connected(server.port) as client:
        pcm = await say(client, text, streamed=streamed)
    expected = [speakable(segment.text) for segment in segments(clean(text))]
    assert executions(tmp_path) == expected
    audio = b"".join(map(samples, expected))
    assert pcm == audio or not pcm.strip(b"\0")


async def test_marks_leave_numbers(start_server: Serve, script: Script, tmp_path: Path) -> None:
    server = await start_server(script(), text="marks")
    assert server.port
    async with connected(server.port) as client:
        await client.say("**It** is 5 °C.")
    assert executions(tmp_path) == ["It is 5 °C."]


@pytest.mark.parametrize("data", [{}, {"text_format": "ssml"}, {"text_format": "text"}])
@pytest.mark.parametrize("streamed", [False, True])
async def test_breaks_of_ssml_are_silence(
    start_server: Serve, script: Script, tmp_path: Path, data: dict[str, str], *, streamed: bool
) -> None:
    server = await start_server(script())
    assert server.port
    text = '<speak>One.<break time="500ms"/>Two.</speak>'
    async with connected(server.port) as client:
        pcm = await say(client, text, streamed=streamed, **data)
    assert executions(tmp_path) == ["One.", "Two."]
    assert pcm == samples("One.") + bytes(RATE // 2 * 2) + samples("Two.")


async def test_text_format_makes_it_ssml(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    server = await start_server(script())
    assert server.port
    async with connected(server.port) as client:
        pcm = await say(client, 'One <break time="1s"/>', streamed=False, text_format="ssml")
    assert pcm == samples(executions(tmp_path)[0]) + bytes(RATE * 2)


async def test_break_alone_is_its_silence(start_server: Serve, script: Script) -> None:
    server = await start_server(script())
    assert server.port
    async with connected(server.port) as client:
        pcm = await say(client, '<speak><break time="2s"/></speak>', streamed=False)
    assert pcm == bytes(2 * RATE * 2)


@pytest.mark.parametrize("text_format", ["html", 5, ["ssml"]])
async def test_unknown_text_format_is_refused(start_server: Serve, text_format: object) -> None:
    server = await start_server()
    assert server.port
    async with connected(server.port) as client:
        assert (await client.say("Hello.", text_format=text_format)).error == "bad-request"


async def test_stream_starts_with_its_first_clause(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    server = await start_server(script())
    assert server.port
    async with connected(server.port) as client:
        await client.send("synthesize-start")
        await client.send("synthesize-chunk", text="When the washing machine is done, han")
        first = await client.until("audio-chunk")  # before the sentence ends
        await client.send("synthesize-chunk", text="g it up.")
        await client.send("synthesize-stop")
        rest = await client.until("synthesize-stopped")
    assert executions(tmp_path) == ["When the washing machine is done,", "hang it up."]
    assert first.pcm + rest.pcm == b"".join(map(samples, executions(tmp_path)))


async def test_early_start_can_be_switched_off(
    start_server: Serve, script: Script, tmp_path: Path
) -> None:
    server = await start_server(script(), early_start=False)
    assert server.port
    async with connected(server.port) as client:
        await client.stream("When the washing machine is done, hang it up.")
    assert executions(tmp_path) == ["When the washing machine is done, hang it up."]
