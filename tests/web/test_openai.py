"""OpenAI's own client speaks through the server."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Literal

import openai
import pytest
import soundfile

from conftest import Script
from support.both_servers import Open, Site
from support.client import connected

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
    with pytest.raises(openai.BadRequestError) as refused:
        await speech.create(model="tts-1", voice="alloy", input=TEXT, stream_format="sse")
    assert refused.value.param == "stream_format"
    with pytest.raises(openai.NotFoundError) as missing:
        await speech.create(model="tts-1", voice="nobody", input=TEXT)
    assert missing.value.code == "voice-not-found"
    with pytest.raises(openai.BadRequestError) as refused:
        await speech.create(model="tts-1", voice="alloy", input=TEXT, speed=5)
    assert refused.value.param == "speed"
    with pytest.raises(openai.UnprocessableEntityError):
        await speech.create(model="tts-1", voice="alloy", input="ERROR")


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
    _, body = await site.get("/v1/audio/voices")
    assert body["voices"][0] == {
        "id": "en_US-joe-medium",
        "name": "en_US-joe-medium",
        "language": "en_US",
    }
