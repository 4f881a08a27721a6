"""Silence around a request: exact to the sample, once, whatever it is made of."""

from __future__ import annotations

import pytest

from conftest import Script, Serve
from support.both_servers import opened
from support.client import connected
from support.scripted_engine import RATE, samples

ONE, TWO = samples("This is one."), samples("This is two.")


def silence(seconds: float) -> bytes:
    return bytes(round(seconds * RATE) * 2)


@pytest.mark.parametrize(
    ("before", "after"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.25), (0.1, 0.0333), (5.0, 5.0)]
)
async def test_silence_is_around_each_request(
    start_server: Serve, script: Script, before: float, after: float
) -> None:
    server = await start_server(
        script(), silence_before=before, silence_after=after, sentence_silence=0.2
    )
    assert server.port
    spoken = silence(before) + ONE + silence(0.2) + TWO + silence(after)
    async with connected(server.port) as client:
        for _ in range(2):
            assert (await client.say("This is one. This is two.")).pcm == spoken
        streamed = await client.stream("This is o", "ne. This", " is two.")
        assert streamed.types == ["audio-start", "audio-chunk", "audio-stop", "synthesize-stopped"]
        assert streamed.pcm == spoken
        for wordless in ("🙂", ""):
            answer = await client.say(wordless)
            assert answer.pcm == silence(before) + silence(0.2) + silence(after)
        paused = await client.say('<speak><break time="300ms"/>This is one.</speak>')
        assert paused.pcm == silence(before) + silence(0.3) + ONE + silence(after)
        failed = await client.say("ERROR")
        assert failed.types == ["error"]


async def test_silence_of_a_request_wins(start_server: Serve, script: Script) -> None:
    text = "This is one. This is two."
    async with opened(start_server, script(), silence_before=1.0, silence_after=1.0) as site:
        for fields, between, before, after in (
            ({}, 0.0, 1.0, 1.0),
            ({"silence_before": 0}, 0.0, 0.0, 1.0),
            ({"silence_after": 0.5, "sentence_silence": 2}, 2.0, 1.0, 0.5),
        ):
            spoken = silence(before) + ONE + silence(between) + TWO + silence(after)
            assert (await site.hear(text=text, **fields))[44:] == spoken
            wav = await site.hear("/v1/audio/speech", input=text, response_format="wav", **fields)
            assert wav[44:] == spoken
        for field in ("silence_before", "silence_after", "sentence_silence"):
            for wrong in (-0.1, 5.1, "long"):
                status, answer = await site.post("/api/say", json={"text": text, field: wrong})
                assert (status, answer["error"]["code"]) == (400, "bad-request")
