"""Access by address, token, origin and host name."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from email import message_from_bytes
from ipaddress import ip_address

import aiohttp
import pytest
from hypothesis import given, settings, strategies as st

from conftest import Script
from support.both_servers import Open, Site, own_address
from wyoming_piper_hardened.config.settings import load_settings
from wyoming_piper_hardened.errors import ConfigError, HardenedError
from wyoming_piper_hardened.web.access import AccessPolicy, Caller, parsed_address
from wyoming_piper_hardened.web.endpoint import Access
from wyoming_piper_hardened.web.limits import WebLimits

TOKEN = "correct-horse-battery"  # noqa: S105 - of these tests
NEAR, FAR, PROXY = "127.0.0.1", "192.168.1.9", "172.30.32.2"
HEALTH, READ, SPEAK, CHANGE = Access
REFUSED = (400, 403, 404, 405)
RIGHT = {"Authorization": f"Bearer {TOKEN}"}


def outcome(
    policy: AccessPolicy,
    address: str,
    access: Access,
    method: str = "",
    headers: Mapping[str, str] | None = None,
) -> str:
    method = method or ("POST" if access in {SPEAK, CHANGE} else "GET")
    try:
        policy.check(Caller(ip_address(address), method, headers or {}), access)
    except HardenedError as err:
        return err.code
    return "ok"


@pytest.mark.parametrize(
    ("token", "trusted", "address", "expected"),
    [
        (None, (), NEAR, ("ok", "ok", "ok", "ok")),
        (None, (), "::1", ("ok", "ok", "ok", "ok")),
        (None, (), FAR, ("ok", "ok", "ok", "access-refused")),
        (TOKEN, (), NEAR, ("ok", "token-needed", "token-needed", "token-needed")),
        (TOKEN, (), FAR, ("ok", "token-needed", "token-needed", "token-needed")),
        (None, (PROXY,), PROXY, ("ok", "ok", "ok", "ok")),
        (None, (PROXY,), NEAR, ("ok", *["access-refused"] * 3)),
        (None, (PROXY,), FAR, ("access-refused",) * 4),
        (TOKEN, (PROXY,), FAR, ("access-refused",) * 4),
        (None, ("172.30.32.0/23",), PROXY, ("ok", "ok", "ok", "ok")),
    ],
)
def test_access_by_address(
    token: str | None, trusted: tuple[str, ...], address: str, expected: tuple[str, ...]
) -> None:
    policy = AccessPolicy("0.0.0.0", token, trusted)
    assert tuple(outcome(policy, address, access) for access in Access) == expected


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (RIGHT, "ok"),
        ({"Authorization": f"bearer  {TOKEN}"}, "ok"),
        (basic("anybody", TOKEN), "ok"),
        (basic(TOKEN, ""), "token-needed"),
        ({"Authorization": f"Bearer {TOKEN}x"}, "token-needed"),
        ({"Authorization": TOKEN}, "token-needed"),
        ({"Authorization": "Basic !!!"}, "token-needed"),
        ({"Authorization": "Basic " + base64.b64encode(b"\xff").decode()}, "token-needed"),
        ({"Authorization": "Bearer \udcff"}, "token-needed"),
        ({}, "token-needed"),
    ],
)
def test_access_by_token(headers: dict[str, str], expected: str) -> None:
    policy = AccessPolicy("0.0.0.0", TOKEN, ())
    assert outcome(policy, FAR, CHANGE, headers=headers) == expected
    # Nor does this machine get in without: a proxy need not say that it passes something on.
    assert outcome(policy, NEAR, CHANGE, headers=headers) == expected
    passed_on = {**headers, "X-Forwarded-For": "203.0.113.5"}
    assert outcome(policy, NEAR, CHANGE, headers=passed_on) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Host": "localhost:1"}, "ok"),
        ({"Host": "localhost:1", "Origin": "http://localhost:1"}, "ok"),
        ({"Host": "LOCALHOST:1", "Origin": "http://localhost:1"}, "ok"),
        ({"Host": "localhost:1", "Sec-Fetch-Site": "same-origin"}, "ok"),
        ({"Host": "localhost:1", "Sec-Fetch-Site": "none"}, "ok"),
        ({"Host": "localhost:1", "Origin": "http://localhost:2"}, "foreign-origin"),
        ({"Host": "localhost:1", "Origin": "http://evil.example"}, "foreign-origin"),
        ({"Host": "localhost:1", "Origin": "null"}, "foreign-origin"),
        ({"Host": "localhost:1", "Origin": ""}, "foreign-origin"),
        ({"Origin": "http://"}, "foreign-origin"),
        ({"Host": "localhost:1", "Sec-Fetch-Site": "cross-site"}, "foreign-origin"),
        ({"Host": "localhost:1", "Sec-Fetch-Site": "same-site"}, "foreign-origin"),
    ],
)
def test_access_by_origin(headers: dict[str, str], expected: str) -> None:
    policy = AccessPolicy("127.0.0.1", None, ())
    assert outcome(policy, NEAR, CHANGE, headers=headers) == expected
    assert outcome(policy, NEAR, SPEAK, headers=headers) == expected
    assert outcome(policy, NEAR, CHANGE, "DELETE", headers) == expected
    assert outcome(policy, NEAR, READ, headers=headers) == "ok"  # no other page can read it


def test_access_by_origin_behind_a_proxy() -> None:
    policy = AccessPolicy("0.0.0.0", None, (PROXY,))
    page = {"Host": "inside:8099", "X-Forwarded-Host": "home.example"}
    ours = {**page, "Origin": "https://home.example"}
    assert outcome(policy, PROXY, CHANGE, headers=ours) == "ok"
    theirs = {**page, "Origin": "https://evil.example"}
    assert outcome(policy, PROXY, CHANGE, headers=theirs) == "foreign-origin"
    # Who is no proxy cannot say what the page is called.
    assert outcome(AccessPolicy("0.0.0.0", None, ()), FAR, SPEAK, headers=ours) == "foreign-origin"


@pytest.mark.parametrize("trusted", [(NEAR,), ("127.0.0.0/8", "::1"), (NEAR, PROXY)])
def test_trusted_loopback_goes_by_its_own_names_only(trusted: tuple[str, ...]) -> None:
    policy = AccessPolicy("voices.example", None, trusted)
    evil = {"Host": "evil.example", "Origin": "http://evil.example"}
    passed_on = {**evil, "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "evil.example"}
    for headers in (evil, passed_on, {**evil, "Sec-Fetch-Site": "same-origin"}):
        for access in Access:
            assert outcome(policy, NEAR, access, headers=headers) == "foreign-origin"
    for host in ("localhost:1", "127.0.0.1:1", "[::1]:1", "voices.example:1"):
        assert outcome(policy, NEAR, CHANGE, headers={"Host": host}) == "ok"
        behind = {"Host": host, "X-Forwarded-Host": "home.example"}
        ours = {**behind, "Origin": "https://home.example"}
        assert outcome(policy, NEAR, CHANGE, headers=ours) == "ok"
        theirs = {**behind, "Origin": "https://evil.example"}
        assert outcome(policy, NEAR, CHANGE, headers=theirs) == "foreign-origin"
    assert outcome(policy, NEAR, CHANGE, headers={**evil, "Via": "1.1 proxy"}) == "ok"


def test_ingress_goes_by_any_name() -> None:
    policy = AccessPolicy("0.0.0.0", None, (PROXY,))
    for origin in ("http://home.example:8123", "https://home.example:8123"):
        page = {"Host": "home.example:8123", "Origin": origin}
        assert outcome(policy, PROXY, CHANGE, headers=page) == "ok"


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from([b"Basic ", b"basic\t", b"Bearer ", b"Digest ", b"", b" "]),
    st.binary(max_size=60) | st.binary(max_size=60).map(base64.b64encode),
)
def test_authorization_of_any_bytes_is_refused(scheme: bytes, given_bytes: bytes) -> None:
    header = (scheme + given_bytes).decode("utf-8", "surrogateescape")  # as aiohttp reads it
    policy = AccessPolicy("0.0.0.0", TOKEN, ())
    for access in (READ, SPEAK, CHANGE):
        headers = {"Authorization": header}
        assert outcome(policy, FAR, access, headers=headers) == "token-needed"


@pytest.mark.parametrize("scheme", [b"Basic", b"Bearer", b"Digest", b"\xff", b""])
@pytest.mark.parametrize("value", [b"\xff\xfe", b"\xc3\xa4", b"!!!", b"//79", b"\xed\xa0\x80"])
async def test_authorization_of_any_bytes_gets_401(
    open_site: Open, script: Script, scheme: bytes, value: bytes
) -> None:
    site = await open_site(script(), web_token=TOKEN)
    for path in (b"GET /api/status", b"GET /", b"POST /v1/audio/speech"):
        head = b"%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" % path
        answer = await raw(site, b"%sAuthorization: %s %s\r\n\r\n" % (head, scheme, value))
        assert answer.startswith(b"HTTP/1.1 401 "), answer


@pytest.mark.parametrize(
    "header",
    [
        *("Forwarded", "Via", "X-Real-IP"),
        *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
    ],
)
def test_forwarded_request_counts_as_remote(header: str) -> None:
    policy = AccessPolicy("127.0.0.1", None, ())
    assert outcome(policy, NEAR, CHANGE, headers={header: "localhost"}) == "access-refused"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", "ok"),
        ("piper.localhost:8080", "ok"),
        ("127.0.0.1:8080", "ok"),
        ("[::1]:8080", "ok"),
        ("192.168.1.5", "ok"),
        ("kitchen:8080", "ok"),
        ("evil.example:8080", "foreign-origin"),
        ("evil.example", "foreign-origin"),
        ("", "foreign-origin"),
        ("[", "foreign-origin"),
        ("münchen", "foreign-origin"),
    ],
)
def test_access_by_host_name(host: str, expected: str) -> None:
    policy = AccessPolicy("kitchen", None, ())
    assert outcome(policy, NEAR, READ, headers={"Host": host}) == expected
    assert outcome(policy, FAR, READ, headers={"Host": host}) == "ok"


def test_address_of_a_peer() -> None:
    assert parsed_address("::ffff:127.0.0.1").is_loopback
    assert parsed_address("fe80::1%eth0") == ip_address("fe80::1")


@pytest.mark.rendering
@pytest.mark.parametrize("token", ["short", "with a space within", "ünicode-but-long-enough"])
def test_invalid_token_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings(flags={"web_token": token})
    assert "--web-token" in str(refused.value)
    assert token not in str(refused.value)


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
    head, _, body = (await raw(site, sent)).partition(b"\r\n\r\n")
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


async def raw(site: Site, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.web.port)
    writer.write(request)
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    return answer


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
    answer = await raw(site, request_line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer.startswith(
        tuple(b"HTTP/1.%d %d " % (minor, code) for minor in (0, 1) for code in REFUSED)
    )
    assert b"root:" not in answer
    assert b"Traceback" not in answer
