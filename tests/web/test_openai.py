"""OpenAI's own client speaks through the server."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import aiohttp
import openai
import pytest
import soundfile

from conftest import Script
from support.both_servers import Open, Site
from support.client import connected
from support.voices import voice_failing_at

Format = Literal["mp3", "opus", "flac", "wav", "pcm"]
FORMATS: tuple[Format, ...] = ("mp3", "opus", "flac", "wav", "pcm")
TEXT = "The cooker is still on. It has been on for an hour."


@pytest.fixture
async def client_of() -> AsyncIterator[type[Client]]:
    yield Client
    for client in Client.made:
        await client.close()
    Client.made.clear()


class Client(openai.AsyncOpenAI):
    made: list[Client] = []  # noqa: RUF012 - closed by the fixture

    def __init__(self, site: Site) -> None:
        super().__init__(base_url=f"{site.url}/v1", api_key="unused", max_retries=0)
        self.made.append(self)


async def test_every_format(open_site: Open, client_of: type[Client]) -> None:
    site = await open_site()
    client = client_of(site)
    assert site.server.port
    async with connected(site.server.port) as wyoming:
        seconds = len((await wyoming.say(TEXT)).pcm) / 2 / 22050
    for kind in FORMATS:
        spoken = await client.audio.speech.create(
            model="tts-1", voice="alloy", input=TEXT, response_format=kind
        )
        if kind == "pcm":
            assert len(spoken.content) / 2 / 24000 == pytest.approx(seconds, abs=0.01)
            continue
        audio, rate = soundfile.read(io.BytesIO(spoken.content))
        assert rate == (24000 if kind == "opus" else 22050)
        assert len(audio) / rate == pytest.approx(seconds, abs=0.15)  # encoders fill a block
        assert abs(audio).max() > 0.1


async def test_speech_streams_with_speed_and_voice(
    open_site: Open, client_of: type[Client]
) -> None:
    site = await open_site()
    client = client_of(site)
    sizes = []
    for speed in (1.0, 2.0):
        async with client.audio.speech.with_streaming_response.create(
            model="gpt-4o-mini-tts",
            voice="en_US-joe-medium",
            input=TEXT,
            instructions="Whisper.",
            response_format="pcm",
            speed=speed,
        ) as spoken:
            pieces = [piece async for piece in spoken.iter_bytes(4096)]
        assert len(pieces) > 10
        sizes.append(sum(map(len, pieces)))
    assert sizes[1] < 0.7 * sizes[0]


@pytest.mark.parametrize("kind", ["mp3", "opus", "wav", "pcm"])
async def test_first_audio_comes_while_the_rest_is_made(
    open_site: Open, script: Script, client_of: type[Client], kind: Format
) -> None:
    site = await open_site(script(stall_timeout=60.0))
    async with client_of(site).audio.speech.with_streaming_response.create(
        model="piper",
        voice="alloy",
        input="A sentence that is long enough to fill a block of any encoder. Then HANG.",
        response_format=kind,
    ) as spoken:
        assert len(await anext(spoken.iter_bytes(100))) == 100


async def test_errors_are_those_that_the_client_knows(
    open_site: Open, script: Script, client_of: type[Client]
) -> None:
    speech = client_of(await open_site(script())).audio.speech
    with pytest.raises(openai.BadRequestError) as refused:
        await speech.create(model="tts-1", voice="alloy", input=TEXT, response_format="aac")
    assert refused.value.param == "response_format"
    with pytest.raises(openai.NotFoundError) as missing:
        await speech.create(model="tts-1", voice="nobody", input=TEXT)
    assert missing.value.code == "voice-not-found"
    with pytest.raises(openai.BadRequestError) as refused:
        await speech.create(model="tts-1", voice="alloy", input=TEXT, speed=5)
    assert refused.value.param == "speed"
    with pytest.raises(openai.UnprocessableEntityError):
        await speech.create(model="tts-1", voice="alloy", input="ERROR")


@pytest.mark.rendering
@pytest.mark.parametrize(
    ("settings", "way"),
    [({}, "de_DE is in `languages`"), ({"auto_install": False}, "`auto_install`")],
)
async def test_voice_that_is_not_offered_says_what_makes_it_speak(
    open_site: Open, script: Script, settings: dict[str, Any], way: str
) -> None:
    site = await open_site(script(), languages=["en"], **settings)
    name = "de_DE-thorsten-medium"
    status, answer = await site.post("/v1/audio/speech", json={"input": TEXT, "voice": name})
    assert (status, answer["error"]["code"]) == (404, "voice-not-found")
    assert way in answer["error"]["message"]
    assert f"`voices install {name}`" in answer["error"]["message"]


@pytest.mark.rendering
async def test_voice_at_which_the_engine_fails_is_an_error(
    open_site: Open, own_data: Path, tmp_path: Path
) -> None:
    site = await open_site(data_dir=own_data)
    model = await asyncio.to_thread(voice_failing_at, "b", tmp_path)
    await site.server.jobs.import_files(model)
    body = {"voice": model.stem, "response_format": "pcm"}
    assert len(await site.hear("/v1/audio/speech", input="The lamp is on.", **body)) > 1000
    status, answer = await site.post("/v1/audio/speech", json={"input": "a button", **body})
    assert (status, answer["error"]["code"]) == (422, "synthesis-failed")
    assert "idx=166" in answer["error"]["message"]  # as the model says


@pytest.mark.rendering
async def test_format_that_cannot_be_made_names_the_others(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    body = {"input": TEXT, "response_format": "aac"}
    _, answer = await site.post("/v1/audio/speech", json=body)
    assert answer["error"]["code"] == "not-supported"
    assert all(kind in answer["error"]["message"] for kind in FORMATS)


async def test_what_breaks_off_is_an_error_for_the_client(
    open_site: Open, script: Script, client_of: type[Client]
) -> None:
    speech = client_of(await open_site(script())).audio.speech
    with pytest.raises(Exception, match=r"(?i)connection|peer|reset|incomplete"):
        await speech.create(
            model="tts-1", voice="alloy", input="It is well. LATE ERROR.", response_format="wav"
        )


async def test_models_and_voices(open_site: Open, script: Script, client_of: type[Client]) -> None:
    site = await open_site(script())
    models = client_of(site).models
    assert "tts-1" in {model.id async for model in models.list()}
    assert (await models.retrieve("tts-1")).id == "tts-1"
    with pytest.raises(openai.NotFoundError):
        await models.retrieve("gpt-9")
    joe = {"id": "en_US-joe-medium", "name": "en_US-joe-medium", "language": "en_US"}
    for path in ("/v1/audio/voices", "/v1/voices"):
        _, body = await site.get(path)
        assert body["voices"][0] == joe
    _, body = await site.get("/v1/audio/models")
    assert {"id": "tts-1", "name": "tts-1"} in body["models"]
    assert body["data"] == (await site.get("/v1/models"))[1]["data"]


async def events_of(client: Client, **options: Any) -> list[dict[str, Any]]:
    """Call as livekit does: lines of the answer as they come."""
    async with client.audio.speech.with_streaming_response.create(
        **{"model": "gpt-4o-mini-tts", "voice": "ash", "stream_format": "sse", **options}
    ) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        lines = [line async for line in answer.iter_lines()]
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [json.loads(one) for one in data]


def audio_in(events: list[dict[str, Any]]) -> bytes:
    deltas = [event for event in events if event.get("type") == "speech.audio.delta"]
    return b"".join(base64.b64decode(event["audio"], validate=True) for event in deltas)


@pytest.mark.parametrize("kind", FORMATS)
async def test_events_carry_the_same_file(
    open_site: Open, client_of: type[Client], kind: Format
) -> None:
    site = await open_site()
    client = client_of(site)
    events = await events_of(client, input=TEXT, response_format=kind)
    assert [event["type"] for event in events[:-1]] == ["speech.audio.delta"] * (len(events) - 1)
    done = events[-1]
    assert done["type"] == "speech.audio.done"
    usage = done["usage"]
    assert usage["input_tokens"] == len(TEXT)
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    plain = await client.audio.speech.create(
        model="tts-1", voice="alloy", input=TEXT, response_format=kind, stream_format="audio"
    )
    if kind != "opus":  # whose files have random serial numbers
        assert audio_in(events) == plain.content
    if kind == "pcm":
        assert usage["output_tokens"] == pytest.approx(len(plain.content) / 2 / 24000 * 50, abs=1)


async def test_first_event_comes_while_the_rest_is_made(
    open_site: Open, script: Script, client_of: type[Client]
) -> None:
    site = await open_site(script(stall_timeout=60.0))
    async with client_of(site).audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts",
        voice="ash",
        input="It is well. Then HANG.",
        response_format="wav",
        stream_format="sse",
    ) as answer:
        first = json.loads((await anext(answer.iter_lines())).removeprefix("data: "))
        assert base64.b64decode(first["audio"]).startswith(b"RIFF")


async def test_events_of_an_incomplete_speech_end_in_an_error(
    open_site: Open, script: Script, client_of: type[Client]
) -> None:
    site = await open_site(script())
    body = {"input": "It is well. LATE ERROR.", "response_format": "wav", "stream_format": "sse"}
    received = b""
    with pytest.raises(aiohttp.ClientPayloadError):  # noqa: PT012 - the error comes with the body
        async with site.client.post("/v1/audio/speech", json=body) as answer:
            async for piece in answer.content.iter_any():
                received += piece
    *_, last = received.decode().strip().split("\n\n")
    event, data = last.split("\n")
    assert event == "event: error"
    error = json.loads(data.removeprefix("data: "))["error"]
    assert (error["code"], error["type"]) == ("synthesis-failed", "invalid_request_error")
    assert "speech.audio.done" not in received.decode()
    with pytest.raises(openai.UnprocessableEntityError):  # before anything was sent
        await events_of(client_of(site), input="ERROR")


@pytest.mark.parametrize(
    "fields",
    [
        {"response_format": "WAV"},
        {"response_format": " Wav "},
        {"response_format": "wav", "stream_format": "Audio"},
        {"response_format": "wav", "voice": "Alloy"},
        {"response_format": "wav", "speed": "1.0"},
        {"response_format": "wav", "speed": " 1 "},
        {"response_format": "wav", "text_mode": "ON"},
    ],
)
async def test_values_are_taken_as_other_servers_take_them(
    open_site: Open, script: Script, fields: dict[str, str]
) -> None:
    site = await open_site(script())
    plain = await site.hear("/v1/audio/speech", input=TEXT, response_format="wav")
    assert await site.hear("/v1/audio/speech", input=TEXT, **fields) == plain


@pytest.mark.parametrize("speed", ["0.25", ".5", "1.", "2.50", "4", "4.0"])
async def test_speed_may_be_text(open_site: Open, script: Script, speed: str) -> None:
    site = await open_site(script())
    await site.hear("/v1/audio/speech", input=TEXT, speed=speed, response_format="pcm")


@pytest.mark.parametrize(
    "speed", ["0.24", "4.1", "5", "", "fast", "1,0", "nan", "1_0", "-1", "1e0"]
)
async def test_speed_that_is_no_such_text(open_site: Open, script: Script, speed: str) -> None:
    site = await open_site(script())
    status, body = await site.post("/v1/audio/speech", json={"input": TEXT, "speed": speed})
    assert (status, body["error"]["param"]) == (400, "speed")
