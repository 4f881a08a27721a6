"""The HTTP server: access from elsewhere, headers, limits and invalid requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from email import message_from_bytes
from ipaddress import ip_address

import aiohttp
import pytest

from conftest import Script
from support.both_servers import Open, own_address
from wyoming_piper_hardened.web.access import network_of
from wyoming_piper_hardened.web.limits import WebLimits

TOKEN = "correct-horse-battery"  # noqa: S105 - of these tests
REFUSED = (400, 403, 404, 405)
RIGHT = {"Authorization": f"Bearer {TOKEN}"}


async def test_remote_caller_needs_the_token(open_site: Open, script: Script) -> None:
    if (address := own_address()) is None:
        pytest.skip("this machine has no address but loopback")
    site = await open_site(script(), web_uri="http://0.0.0.0:0", web_token=TOKEN)
    far = f"http://{address}:{site.web.port}"
    assert (await site.get(f"{far}/health/live"))[0] == 200
    async with site.client.get(f"{far}/api/status") as answer:
        assert answer.status == 401
        assert any("Bearer" in body for body in answer.headers.getall("WWW-Authenticate"))
    assert (await site.get(f"{far}/api/status", headers=RIGHT))[0] == 200
    assert (await site.post(f"{far}/api/workers/restart"))[0] == 401
    assert (await site.post(f"{far}/api/workers/restart", headers=RIGHT))[0] == 202
    status, body = await site.post(f"{far}/v1/audio/speech", json={"input": "x"})
    assert (status, body["error"]["type"]) == (401, "authentication_error")


async def test_remote_caller_without_token_may_read_and_speak_only(
    open_site: Open, script: Script
) -> None:
    if (address := own_address()) is None:
        pytest.skip("this machine has no address but loopback")
    site = await open_site(script(), web_uri="http://0.0.0.0:0")
    far = f"http://{address}:{site.web.port}"
    assert (await site.get(f"{far}/api/status"))[0] == 200
    assert len(await site.hear(f"{far}/api/say", text="Hello.")) > 1000
    status, body = await site.post(f"{far}/api/workers/restart")
    assert (status, body["error"]["code"]) == (403, "access-refused")


async def test_only_trusted_proxies_have_access(open_site: Open, script: Script) -> None:
    """Another loopback address stands for the proxy; the client's own for everybody else."""
    site = await open_site(script(), web_trusted=["127.0.0.2"])
    assert (await site.get("/health/live"))[0] == 200
    assert (await site.get("/api/status"))[0] == 403
    assert (await site.post("/api/say", json={"text": "x"}))[0] == 403
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    headers = {"X-Ingress-Path": "/api/hassio_ingress/abc", "Host": "home.example", "Via": "1.1 x"}
    async with aiohttp.ClientSession(site.url, connector=connector, headers=headers) as proxy:
        async with proxy.get("/api/status") as answer:
            assert answer.status == 200
            assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
        async with proxy.post(
            "/api/workers/restart", headers={"Origin": "http://home.example"}
        ) as answer:
            assert answer.status == 202
        async with proxy.post(
            "/api/workers/restart", headers={"Origin": "http://evil.example"}
        ) as answer:
            assert answer.status == 403


def has_the_headers(headers: Mapping[str, str]) -> None:
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert headers["Server"] == "wyoming-piper-hardened"
    assert headers["Cache-Control"] in {"no-store", "no-cache"}


async def test_every_answer_has_the_security_headers(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    for path in ("/health/live", "/api/status", "/nothing", "/", "/static/../x", "/v1/models"):
        async with site.client.get(path) as answer:
            has_the_headers(answer.headers)


@pytest.mark.parametrize(
    "sent",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /<script> HTTP/1.1\r\nA <script>: x\r\n\r\n",
        b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"x" * 10_000),
        b"GET / HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (b"X: x\r\n" * 200),
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n",
    ],
)
async def test_invalid_http_is_answered_like_other_errors(
    open_site: Open, script: Script, sent: bytes
) -> None:
    site = await open_site(script())
    head, _, body = (await site.raw(sent)).partition(b"\r\n\r\n")
    assert head.split()[1] == b"400"
    has_the_headers(dict(message_from_bytes(head.partition(b"\r\n")[2]).items()))
    assert json.loads(body)["error"]["code"] == "bad-request"
    assert b"script" not in body


async def test_wrong_method_is_answered_with_the_allowed_ones(
    open_site: Open, script: Script
) -> None:
    site = await open_site(script())
    async with site.client.put("/api/voices") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("Origin: http://evil.example\r\nExpect: 100-continue\r\n", b"403"),
        ("Expect: a miracle\r\n", b"400"),
        ("Expect: 100-continue\r\n", b"100"),
    ],
)
async def test_expect_is_answered_before_the_body(
    open_site: Open, script: Script, headers: str, status: bytes
) -> None:
    site = await open_site(script())
    reader, writer = await asyncio.open_connection("127.0.0.1", site.web.port)
    head = "POST /api/voices HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
    writer.write(f"{head}{headers}\r\n".encode())
    async with asyncio.timeout(20):
        answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.split()[1] == status
    if status != b"100":
        has_the_headers(dict(message_from_bytes(answer.partition(b"\r\n")[2]).items()))
    writer.close()


async def test_changes_are_rate_limited(open_site: Open, script: Script) -> None:
    site = await open_site(script())

    async def reset() -> int:
        return (await site.post("/api/breakers/reset"))[0]

    assert {await reset() for _ in range(120)} == {200}
    async with site.client.post("/api/breakers/reset") as answer:
        assert answer.status == 429
        assert "Retry-After" in answer.headers
    assert (await site.get("/api/status"))[0] == 200


@pytest.mark.parametrize(
    "sent", [b"", b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", b"GET /"]
)
async def test_incomplete_headers_time_out(open_site: Open, script: Script, sent: bytes) -> None:
    site = await open_site(script(), web_limits=WebLimits(header_timeout=0.3))
    reader, writer = await asyncio.open_connection("127.0.0.1", site.web.port)
    writer.write(sent)
    async with asyncio.timeout(20):
        assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /static/../../../../etc/passwd HTTP/1.1",
        b"GET /static/%2e%2e/%2e%2e/config.py HTTP/1.1",
        b"GET //etc/passwd HTTP/1.1",
        b"GET /static/ HTTP/1.1",
        b"GET /static HTTP/1.1",
        b"DELETE /api/voices/..%2f..%2fetc HTTP/1.1",
        b"DELETE /api/voices/%00 HTTP/1.1",
        b"POST /api/voices/..%2f..%2fetc/install HTTP/1.1",
        b"POST /api/voices/.../repair HTTP/1.1",
        b"GET http://evil.example/ HTTP/1.1",
        b"TRACE / HTTP/1.1",
        b"NONSENSE",
        b"GET / HTTP/9.9",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
async def test_paths_never_leave_their_folder(
    open_site: Open, script: Script, request_line: bytes
) -> None:
    site = await open_site(script())
    answer = await site.raw(request_line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer.startswith(
        tuple(b"HTTP/1.%d %d " % (minor, code) for minor in (0, 1) for code in REFUSED)
    )
    assert b"root:" not in answer
    assert b"Traceback" not in answer


async def test_changes_are_limited_for_each_caller(open_site: Open, script: Script) -> None:
    """Another loopback address stands for another caller."""
    site = await open_site(script(), web_limits=WebLimits(changes_per_minute=2))
    statuses = [(await site.post("/api/workers/restart"))[0] for _ in range(3)]
    assert statuses == [202, 202, 429]
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with (
        aiohttp.ClientSession(site.url, connector=connector) as other,
        other.post("/api/workers/restart") as answer,
    ):
        assert answer.status == 202


def test_callers_by_address() -> None:
    assert network_of(ip_address("192.168.1.5")) != network_of(ip_address("192.168.1.6"))
    assert network_of(ip_address("fd00::5")) == network_of(ip_address("fd00::1:2:3:4"))
    assert network_of(ip_address("fd00::5")) != network_of(ip_address("fd00:0:0:1::5"))
