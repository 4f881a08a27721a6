"""Speech over HTTP: whole, or visibly broken; and nobody is held up by somebody else."""

from __future__ import annotations

import asyncio
import contextlib
import io
import struct
from pathlib import Path

import aiohttp
import pytest
import soundfile

from conftest import Script
from support.both_servers import Open
from support.client import connected
from support.scripted_engine import samples
from support.waiting import eventually
from wyoming_piper_hardened.config.settings import all_settings
from wyoming_piper_hardened.system.aio import cancel_and_wait
from wyoming_piper_hardened.web.audio.speech import SpeechBody
from wyoming_piper_hardened.web.bodies.request_body import RequestBody
from wyoming_piper_hardened.web.limits import WebLimits

SAY = "/api/say"


async def test_speech_is_that_of_wyoming(open_site: Open) -> None:
    site = await open_site()
    text = "The cooker is still on. It has been on for an hour."
    wav = await site.hear(text=text)
    assert site.server.port
    async with connected(site.server.port) as client:
        spoken = await client.say(text)
    assert wav[44:] == spoken.pcm
    audio, rate = soundfile.read(io.BytesIO(wav), dtype="int16")
    assert (len(audio), rate) == (len(spoken.pcm) // 2, 22050)
    slow = await site.hear(text=text, length_scale=2, voice="en_US-joe-medium", volume=0.5)
    assert len(slow) > 1.6 * len(wav)
    assert len(await site.hear(text="🙂")) == 44 + 2 * 4410  # a short silence


async def test_language_chooses_a_voice_where_none_is_named(
    open_site: Open, script: Script
) -> None:
    site = await open_site(script(), auto_install=False)
    for language in ("en", "en-GB", "en_us"):
        await site.hear(text="It is well.", language=language)
    status, body = await site.post(SAY, json={"text": "Guten Tag.", "language": "de"})
    assert (status, body["error"]["code"]) == (404, "voice-not-found")
    await site.hear(text="Guten Tag.", language="de", voice="en_US-joe-medium")
    status, body = await site.post(SAY, json={"text": "Guten Tag.", "language": 7})
    assert (status, body["error"]["code"]) == (400, "bad-request")


async def test_request_id_finds_the_outcome(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    outcomes = {}
    for text in ("It is well.", "It is well. LATE ERROR."):
        async with site.client.post(SAY, json={"text": text}) as answer:
            request_id = answer.headers["X-Request-Id"]
            with contextlib.suppress(aiohttp.ClientError):
                await answer.read()
        _, status = await site.get("/api/status")
        (found,) = (one for one in status["requests"] if one["id"] == request_id)
        outcomes[text] = found["outcome"]
    assert list(outcomes.values()) == ["ok", "synthesis-failed"]


@pytest.mark.parametrize(("level", "kept"), [("info", None), ("debug", "Hello there.")])
async def test_texts_are_kept_at_debug_level_only(
    open_site: Open, script: Script, level: str, kept: str | None
) -> None:
    site = await open_site(script(), log_level=level)
    await site.hear(text="**Hello** there.")
    _, status = await site.get("/api/status")
    assert [request["text"] for request in status["requests"]] == [kept]
    assert "Hello" not in str(status["recent_log"])


async def test_text_is_treated_as_the_request_says(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    meant, came = "It is minus 5 degrees Celsius.", "It is -5 °C."
    for fields, spoken in (
        ({}, meant),
        ({"text_mode": "on", "text_format": "text"}, meant),
        ({"text_mode": "marks"}, came),
        ({"text_mode": "off"}, came),
        ({"text_format": "ssml"}, meant),
    ):
        assert len(await site.hear(text=came, **fields)) == 44 + len(samples(spoken))
        status, shown = await site.post("/api/text", json={"text": came, **fields})
        assert status == 200
        (segment,) = shown["segments"]
        assert (segment["spoken"], shown["problem"]) == (spoken, None)
        assert "".join(segment["phonemes"]).endswith(("sˈɛlsɪʲəs.", "sˈiː."))
    _, shown = await site.post("/api/text", json={"text": came, "phonemes": False})
    assert shown["segments"][0]["phonemes"] is None
    assert (await site.post("/api/text", json={"text": came, "phonemes": "no"}))[0] == 400
    for fields in ({"text_mode": "no"}, {"text_format": "html"}):
        for path in (SAY, "/api/text"):
            assert (await site.post(path, json={"text": came, **fields}))[0] == 400
    assert (await site.post("/api/text", json={"text": "x" * 100_001}))[0] == 413
    assert (await site.post("/api/text", json={"text": "x", "voice": "xx_XX-no-low"}))[0] == 404


async def test_speech_is_sent_while_it_is_made(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    async with site.client.post(SAY, json={"text": "It is fine. HANG for ever."}) as answer:
        assert answer.headers["Content-Type"] == "audio/wav"
        header = await answer.content.readexactly(44)
        assert struct.unpack_from("<I", header, 4) == struct.unpack_from("<I", header, 40)
        assert struct.unpack_from("<I", header, 4) == (0xFFFFFFFF,)
        first = samples("It is fine.")
        assert await answer.content.readexactly(len(first)) == first


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "bad-request"),
        ({"text": 5}, 400, "bad-request"),
        ({"text": "x", "txt": "y"}, 400, "bad-request"),
        ({"text": "x", "volume": "loud"}, 400, "bad-request"),
        ({"text": "x", "length_scale": 0.1}, 400, "bad-request"),
        ({"text": "x", "noise_scale": True}, 400, "bad-request"),
        ({"text": "x" * 100_001}, 413, "text-too-long"),
        ({"text": "x", "voice": "xx_XX-nobody-low"}, 404, "voice-not-found"),
        ({"text": "x", "voice": "../../etc/passwd"}, 404, "voice-not-found"),
        ({"text": "x", "voice": "\ud800"}, 404, "voice-not-found"),
        ({"text": "x", "speaker": "9"}, 404, "speaker-not-found"),
        ({"text": "ERROR"}, 422, "synthesis-failed"),
        ([], 400, "bad-request"),
        ("x", 400, "bad-request"),
    ],
)
async def test_invalid_request_has_status_and_code(
    open_site: Open, script: Script, body: object, status: int, code: str
) -> None:
    site = await open_site(script())
    got, answer = await site.post(SAY, json=body)
    assert (got, answer["error"]["code"]) == (status, code)
    got, answer = await site.post("/v1/audio/speech", json=as_openai(body))
    assert (got, answer["error"]["code"]) == (status, code)
    assert set(answer["error"]) == {"message", "type", "param", "code"}


def as_openai(body: object) -> object:
    if not isinstance(body, dict):
        return body
    names = {"text": "input", "length_scale": "speed", "noise_scale": "speed", "volume": "speed"}
    body = {names.get(key, key): value for key, value in body.items()}
    return body if "txt" not in body else {"input": None}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"{", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"text": "x"}', "text/plain"),
        (b'{"text": "x", "volume": 1e999}', "application/json"),
        (b'{"text": "x", "volume": NaN}', "application/json"),
        (b'{"text": "x", "volume": %s}' % (b"9" * 5000), "application/json"),
        (b"\xff\xfe", "application/json"),
    ],
)
async def test_invalid_body_is_a_bad_request(
    open_site: Open, script: Script, data: bytes, kind: str
) -> None:
    site = await open_site(script())
    status, answer = await site.post(SAY, data=data, headers={"Content-Type": kind})
    assert (status, answer["error"]["code"]) == (400, "bad-request")


def test_ranges_are_those_of_the_settings() -> None:
    allowed = {setting.name: setting.allowed for setting in all_settings()}
    fields = RequestBody(SpeechBody).schema()["properties"]
    for name in ("length_scale", "noise_scale", "noise_w_scale", "volume"):
        number = fields[name]["anyOf"][0]
        assert f"a number from {number['minimum']:g} to {number['maximum']:g}" in allowed[name]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (SAY, {"text": "It is well. And then LATE ERROR."}),
        ("/v1/audio/speech", {"input": "It is well. And then LATE ERROR."}),
    ],
)
async def test_incomplete_speech_never_looks_complete(
    open_site: Open, script: Script, path: str, body: object
) -> None:
    site = await open_site(script())
    with pytest.raises(aiohttp.ClientPayloadError):  # noqa: PT012 - the error comes with the body
        async with site.client.post(path, json=body) as answer:
            assert answer.status == 200
            await answer.read()
    assert site.server.synthesizer.records[-1].outcome == "synthesis-failed"


async def test_incomplete_speech_resets_an_http_1_0_connection(
    open_site: Open, script: Script
) -> None:
    site = await open_site(script())
    reader, writer = await asyncio.open_connection("127.0.0.1", site.web.port)
    body = b'{"text": "It is well. And then LATE ERROR."}'
    writer.write(b"POST /api/say HTTP/1.0\r\nContent-Type: application/json\r\n")
    writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_stop_resets_incomplete_speech(open_site: Open, script: Script) -> None:
    site = await open_site(script(stall_timeout=60.0))
    reader, writer = await asyncio.open_connection("127.0.0.1", site.web.port)
    body = b'{"text": "It is well. Then HANG."}'
    writer.write(b"POST /api/say HTTP/1.0\r\nContent-Type: application/json\r\n")
    writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    await reader.readuntil(b"data")
    await site.web.stop()
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_stop_keeps_complete_speech(open_site: Open, script: Script) -> None:
    """Although the connection is kept, and ends with the server."""
    site = await open_site(script())
    reader, writer = await asyncio.open_connection("127.0.0.1", site.web.port)
    body = b'{"text": "It is well."}'
    writer.write(b"POST /api/say HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
    writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    await reader.readuntil(b"\r\n0\r\n\r\n")
    await site.web.stop()
    assert await reader.read() == b""
    writer.close()


async def test_curl_reports_incomplete_speech(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    curl = await asyncio.create_subprocess_exec(
        *("curl", "--silent", "--json", '{"text": "It is well. And then LATE ERROR."}'),
        f"{site.url}{SAY}",
        stdout=asyncio.subprocess.PIPE,
    )
    await curl.communicate()
    assert curl.returncode in {18, 56}  # a transfer that is not complete, a reset


async def test_full_queue_answers_429_with_retry_after(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    site = await open_site(script(stall_timeout=8.0), workers=1, max_queue=1)
    async with site.client.post(SAY, json={"text": "It is well. Then HANG."}):
        await eventually(lambda: "HANG" in (tmp_path / "executions").read_text(encoding="utf-8"))
        waiting = asyncio.create_task(site.hear(text="I wait."))
        await eventually(lambda: site.server.pool.status().requests == 2)
        async with site.client.post(SAY, json={"text": "And me?"}) as answer:
            assert answer.status == 429
            assert int(answer.headers["Retry-After"]) > 0
            assert (await answer.json())["error"]["code"] == "overloaded"
        await cancel_and_wait(waiting)
    await eventually(lambda: site.server.pool.status().requests == 0)


async def test_body_too_large_or_too_slow(open_site: Open, script: Script) -> None:
    site = await open_site(script(), web_limits=WebLimits(body_timeout=0.2))
    data = io.BytesIO(b'{"text": "%s"}' % (b"x" * 2_000_000))
    headers = {"Content-Type": "application/json"}
    status, answer = await site.post(SAY, data=data, headers=headers)
    assert (status, answer["error"]["code"]) == (413, "request-too-large")
    reader, writer = await asyncio.open_connection("127.0.0.1", site.web.port)
    head = "POST /api/say HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
    writer.close()
