"""Speech that is sent as a whole, and no text at all."""

from __future__ import annotations

import io
import wave

import pytest

from conftest import Script
from support.both_servers import Open
from support.scripted_engine import samples
from support.waiting import eventually
from wyoming_piper_hardened.web.limits import WebLimits

SAY, OPENAI = "/api/say", "/v1/audio/speech"


async def test_whole_wav_has_its_true_length(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    for path, fields in (
        (SAY, {"text": "Hello there."}),
        (OPENAI, {"input": "Hello there.", "response_format": "wav"}),
    ):
        async with site.client.post(path, json={**fields, "stream": False}) as answer:
            data = await answer.read()
            assert answer.status == 200
            assert answer.headers["Content-Length"] == str(len(data))
        with wave.open(io.BytesIO(data)) as file:
            assert file.getnframes() == len(samples("Hello there.")) // 2
            assert file.readframes(file.getnframes()) == samples("Hello there.")
    async with site.client.post(OPENAI, json={"input": "Hi.", "stream": False}) as answer:
        assert answer.headers["Content-Length"] == str(len(await answer.read()))  # mp3


async def test_failure_before_the_end_is_a_plain_error(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    body = {"text": "It is well. LATE ERROR.", "stream": False}
    status, answer = await site.post(SAY, json=body)
    assert (status, answer["error"]["code"]) == (422, "synthesis-failed")


async def test_too_long_a_whole_is_refused_and_takes_no_room(
    open_site: Open, script: Script
) -> None:
    site = await open_site(script(), web_limits=WebLimits(kept_whole=10_000))
    for text in ("It is too long for that. " * 10, "Hello there."):
        status, answer = await site.post(SAY, json={"text": text * 10, "stream": False})
        assert (status, answer["error"]["code"]) == (413, "audio-too-long")
    await eventually(lambda: site.server.pool.status().requests == 0)
    assert len(await site.hear(text="Hello there.", stream=False)) == 44 + len(
        samples("Hello there.")
    )


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
async def test_empty_text_is_a_named_error(open_site: Open, script: Script, text: str) -> None:
    site = await open_site(script())
    for path, field in ((SAY, "text"), (OPENAI, "input")):
        status, answer = await site.post(path, json={field: text})
        assert (status, answer["error"]["code"]) == (400, "empty-text")
    assert await site.hear(text="🙂")
    for wrong in ("false", 0):
        assert (await site.post(SAY, json={"text": "Hi.", "stream": wrong}))[0] == 400
