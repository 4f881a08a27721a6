"""Requests on a real server with the real voice."""

from __future__ import annotations

import asyncio
import re
from itertools import pairwise

import numpy as np
import pytest

from conftest import Serve
from support.client import connected

LONG = " ".join(
    f"Sentence number {i} tells about the weather, the kitchen and the long way home."
    for i in range(20)
)


def rms(pcm: bytes) -> float:
    return float(np.sqrt(np.mean(np.frombuffer(pcm, np.int16).astype(np.float64) ** 2)))


async def test_a_plain_request_is_spoken(start_server: Serve) -> None:
    server = await start_server()
    assert server.port
    async with connected(server.port) as client:
        spoken = await client.say("The cooker is still on.")
    assert spoken.types == ["audio-start", "audio-chunk", "audio-stop"]
    assert spoken.rate == 22050
    assert 0.8 < len(spoken.pcm) / 2 / 22050 < 4
    assert rms(spoken.pcm) > 500


async def test_a_stream_is_spoken_while_its_text_arrives(start_server: Serve) -> None:
    server = await start_server()
    assert server.port
    async with connected(server.port) as client:
        await client.send("synthesize-start")
        await client.send("synthesize-chunk", text="The first sentence is here. The sec")
        first = await client.until("audio-chunk")  # before the text ends
        await client.send("synthesize-chunk", text="ond follows.")
        await client.send("synthesize", text="The first sentence is here. The second follows.")
        await client.send("synthesize-stop")
        rest = await client.until("synthesize-stopped")
    assert first.types == ["audio-start", "audio-chunk"]
    assert rest.types == ["audio-chunk", "audio-stop", "synthesize-stopped"]
    assert rms(rest.pcm) > 500


async def test_a_connection_serves_one_request_after_the_other(start_server: Serve) -> None:
    server = await start_server()
    assert server.port
    async with connected(server.port) as client:
        for _ in range(2):
            assert (await client.stream("Hello ", "there.")).types[-1] == "synthesize-stopped"
            assert (await client.say("Hello there.")).types[-1] == "audio-stop"


async def test_requests_sent_at_once_are_answered_in_order(start_server: Serve) -> None:
    server = await start_server()
    assert server.port
    async with connected(server.port) as client:
        for text in ("One.", "Two, which is longer than one is.", "Three."):
            await client.send("synthesize", text=text)
        lengths = [len((await client.until("audio-stop")).pcm) for _ in range(3)]
    assert lengths[1] > max(lengths[0], lengths[2]) > 0


@pytest.mark.parametrize("text", ["", "   \n", "😀🎉", "***", "---\n\n# \n", "\x00\x01", "…!?"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_text_without_a_word_is_a_short_silence(
    start_server: Serve, text: str, *, streamed: bool
) -> None:
    server = await start_server()
    assert server.port
    async with connected(server.port) as client:
        spoken = await (client.stream(text) if streamed else client.say(text))
    assert spoken.types[:3] == ["audio-start", "audio-chunk", "audio-stop"]
    assert 0.05 < len(spoken.pcm) / 2 / spoken.rate < 1
    assert not any(spoken.pcm)


async def test_events_without_data_work(start_server: Serve) -> None:
    server = await start_server()
    assert server.port
    async with connected(server.port) as client:
        await client.send("ping")
        assert (await client.until("pong")).types == ["pong"]
        await client.send("something-new", anything=1)
        await client.send("synthesize")
        assert (await client.until("audio-stop")).types[-1] == "audio-stop"
        await client.send("synthesize-stop")
        assert (await client.until("synthesize-stopped")).types[-1] == "synthesize-stopped"
        await client.send("synthesize-chunk", text="No start was sent.")
        await client.send("synthesize-stop")
        assert rms((await client.until("synthesize-stopped")).pcm) > 500


async def test_describe_lists_the_voice(start_server: Serve) -> None:
    server = await start_server()
    assert server.port
    async with connected(server.port) as client:
        await client.send("describe")
        (info,) = (await client.until("info")).events
    (program,) = info.data["tts"]
    assert program["installed"]
    assert program["attribution"]["url"]
    assert program["supports_synthesize_streaming"]
    voice, *offered = program["voices"]
    assert all("installed on first use" in other["description"] for other in offered)
    assert {tuple(other["languages"]) for other in offered} == {("en_US",)}
    assert (voice["name"], voice["languages"], voice["installed"]) == (
        "en_US-joe-medium",
        ["en_US"],
        True,
    )


async def test_describe_is_answered_while_a_long_text_is_spoken(start_server: Serve) -> None:
    server = await start_server()
    assert server.port
    async with connected(server.port) as speaker, connected(server.port) as asker:
        await speaker.send("synthesize", text=LONG)
        await speaker.until("audio-start")
        for _ in range(50):
            await asker.send("describe")
            assert (await asker.until("info")).types == ["info"]
        await speaker.send("describe")  # also on the same connection, in mid-speech
        assert "info" in (await speaker.until("info")).types
        assert (await speaker.until("audio-stop")).types[-1] == "audio-stop"


@pytest.mark.parametrize(
    ("voice", "code", "named"),
    [
        ({"name": "de_DE-nobody-high"}, "voice-not-found", "de_DE-nobody-high"),
        ({"name": "../../etc/passwd"}, "voice-not-found", "../../etc/passwd"),
        ({"name": "en_US-joe-medium", "speaker": "7"}, "speaker-not-found", "one speaker"),
        ({"language": "fi_FI"}, "voice-not-found", "en_US"),
        ("en_US-joe-medium", "bad-request", "object"),
        ({"name": ["en_US-joe-medium"]}, "bad-request", "string"),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_what_does_not_exist_is_named_and_the_connection_closed(
    start_server: Serve, voice: object, code: str, named: str, *, streamed: bool
) -> None:
    server = await start_server()
    assert server.port
    async with connected(server.port) as client:
        request = client.stream if streamed else client.say
        answer = await request("Hello.", voice=voice)
        assert answer.types == ["error"]
        assert answer.error == code
        assert named in answer.events[0].data["text"]
        assert await client.ended()


@pytest.mark.parametrize(
    "voice",
    [
        {"name": "en_US-joe-medium"},
        {"name": "en_US-joe-medium", "speaker": "0"},
        {"language": "en-us"},
        {"language": "en_GB"},
        {},
        None,
        {"name": None},
    ],
)
async def test_a_voice_that_is_here_speaks(start_server: Serve, voice: object) -> None:
    server = await start_server()
    assert server.port
    async with connected(server.port) as client:
        assert rms((await client.say("Hello.", voice=voice)).pcm) > 500


@pytest.mark.parametrize("characters", [100_001, 900_000, 5_000_000])
async def test_too_long_a_text_is_refused(start_server: Serve, characters: int) -> None:
    server = await start_server()
    assert server.port
    async with connected(server.port) as client:
        sending = asyncio.create_task(client.send("synthesize", text="a" * characters))
        answer = await client.until("audio-stop")
        assert answer.types == ["error"]
        assert answer.error == "text-too-long"
        assert await client.ended()
        await asyncio.gather(sending, return_exceptions=True)


async def test_too_long_a_stream_ends_with_an_error(start_server: Serve) -> None:
    server = await start_server()
    assert server.port
    async with connected(server.port) as client:
        await client.send("synthesize-start")
        for _ in range(101):
            await client.send("synthesize-chunk", text=" " * 1000)
        assert (await client.until("audio-stop")).error == "text-too-long"


async def test_a_sentence_pause_is_silence_of_that_length(start_server: Serve) -> None:
    server = await start_server(sentence_silence=0.5)
    assert server.port
    async with connected(server.port) as client:
        both = await client.say("The first sentence. The second.")
    silences = [len(run) // 2 for run in re.findall(rb"(?:\x00\x00){2000,}", both.pcm)]
    assert len(silences) == 1
    assert abs(silences[0] - 11025) < 1000  # the voice's own zeros may touch it


async def test_the_speed_setting_reaches_the_voice(start_server: Serve) -> None:
    lengths = []
    for scale in (0.5, 1.0, 2.0):
        server = await start_server(length_scale=scale, noise_w_scale=0.0)
        assert server.port
        async with connected(server.port) as client:
            lengths.append(len((await client.say("A sentence of some length.")).pcm))
    assert all(1.6 < longer / shorter < 2.4 for shorter, longer in pairwise(lengths))


async def test_a_unix_socket_works(start_server: Serve, tmp_path: object) -> None:
    path = f"{tmp_path}/piper.sock"
    for _ in range(2):  # the second start finds the place clean, or a stale socket
        await start_server(uri=f"unix://{path}") if _ == 0 else None
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b'{"type":"describe"}\n')
        assert b'"info"' in await reader.readline()
        writer.close()
        await writer.wait_closed()
