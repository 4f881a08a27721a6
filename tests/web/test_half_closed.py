"""Web clients that close their side once they have asked, as nc -N, socat and ncat do."""

from __future__ import annotations

import asyncio
import json

import pytest

from conftest import Script
from support.both_servers import Open, Site
from support.scripted_engine import samples
from support.waiting import eventually

HEADERS = "Host: localhost\r\nContent-Type: application/json\r\n"


def request(line: str, **body: object) -> bytes:
    data = json.dumps(body).encode() if body else b""
    return f"{line} HTTP/1.1\r\n{HEADERS}Content-Length: {len(data)}\r\n\r\n".encode() + data


async def asked(site: Site, sent: bytes) -> bytes:
    """Return all that comes back before the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.web.port)
    writer.write(sent)
    writer.write_eof()
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


async def test_half_closed_client_hears_all(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    texts = [f"This is sentence {number} of many." for number in range(20)]
    say = request("POST /v1/audio/speech", input=" ".join(texts), response_format="wav")
    answer = await asked(site, say.replace(b"HTTP/1.1", b"HTTP/1.0"))  # ends with the connection
    assert answer.startswith(b"HTTP/1.0 200 OK\r\n")
    pcm = answer.partition(b"\r\n\r\n")[2][44:]
    assert pcm == b"".join(samples(text) for text in texts)
    assert (await asked(site, say)).endswith(b"\r\n0\r\n\r\n")


async def test_half_closed_client_gets_every_answer(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    sent = request("GET /health/live") * 3 + request("POST /api/say", text="Hello there.")
    answer = await asked(site, sent + request("GET /api/permission"))
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 5
    assert answer.endswith(b'{"change": true}')
    assert await asked(site, b"") == b""
    await eventually(lambda: site.connections == 0)


@pytest.mark.parametrize("missing", [1, 10, 1000])
async def test_half_a_request_is_left_alone(
    open_site: Open, script: Script, caplog: pytest.LogCaptureFixture, missing: int
) -> None:
    site = await open_site(script())
    whole = request("POST /api/say", text="Hello there.")
    await asked(site, whole[:-missing])
    await eventually(lambda: site.connections == 0)
    assert not site.server.synthesizer.records
    assert "Exception" not in caplog.text


async def test_client_that_has_left_ends_its_work(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    reader, writer = await asyncio.open_connection("127.0.0.1", site.web.port)
    text = f"It is well. {'DRIP ' * 60}"  # more than a minute
    writer.write(request("POST /api/say", text=text))
    writer.write_eof()
    await reader.readline()
    writer.close()
    await eventually(lambda: site.connections == 0)
    await eventually(lambda: site.server.pool.status().requests == 0)
    assert site.server.synthesizer.records[-1].outcome in {"cancelled", "client-gone"}
