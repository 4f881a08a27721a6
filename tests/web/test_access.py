"""Access by address, token, origin and host name."""

from __future__ import annotations

import base64
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from conftest import Script
from support.access import outcome
from support.both_servers import Open
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.errors import ConfigError
from wyoming_piper_hardened.system.pairing import Pairing
from wyoming_piper_hardened.web.access import AccessPolicy, parsed_address
from wyoming_piper_hardened.web.endpoint import Access

TOKEN = "correct-horse-battery"  # noqa: S105 - of these tests
PAIRED = "p" * 43
NEAR, FAR, PROXY = "127.0.0.1", "192.168.1.9", "172.30.32.2"
IDENTITY, HEALTH, READ, SPEAK, CHANGE = Access
RIGHT = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("token", "trusted", "address", "expected"),
    [
        (None, (), NEAR, ("ok",) * 5),
        (None, (), "::1", ("ok",) * 5),
        (None, (), FAR, (*["ok"] * 4, "access-refused")),
        (TOKEN, (), NEAR, ("ok", "ok", *["token-needed"] * 3)),
        (TOKEN, (), FAR, ("ok", "ok", *["token-needed"] * 3)),
        (None, (PROXY,), PROXY, ("ok",) * 5),
        (None, (PROXY,), NEAR, ("ok", "ok", *["access-refused"] * 3)),
        (None, (PROXY,), FAR, ("ok", *["access-refused"] * 4)),
        (TOKEN, (PROXY,), FAR, ("ok", *["access-refused"] * 4)),
        (None, ("172.30.32.0/23",), PROXY, ("ok",) * 5),
    ],
)
def test_access_by_address(
    token: str | None, trusted: tuple[str, ...], address: str, expected: tuple[str, ...]
) -> None:
    policy = AccessPolicy(("0.0.0.0",), token, trusted)
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
    policy = AccessPolicy(("0.0.0.0",), TOKEN, ())
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
    policy = AccessPolicy(("127.0.0.1",), None, ())
    assert outcome(policy, NEAR, CHANGE, headers=headers) == expected
    assert outcome(policy, NEAR, SPEAK, headers=headers) == expected
    assert outcome(policy, NEAR, CHANGE, "DELETE", headers) == expected
    assert outcome(policy, NEAR, READ, headers=headers) == "ok"  # no other page can read it


def test_access_by_origin_behind_a_proxy() -> None:
    policy = AccessPolicy(("0.0.0.0",), None, (PROXY,))
    page = {"Host": "inside:8099", "X-Forwarded-Host": "home.example"}
    ours = {**page, "Origin": "https://home.example"}
    assert outcome(policy, PROXY, CHANGE, headers=ours) == "ok"
    theirs = {**page, "Origin": "https://evil.example"}
    assert outcome(policy, PROXY, CHANGE, headers=theirs) == "foreign-origin"
    # Who is no proxy cannot say what the page is called.
    assert (
        outcome(AccessPolicy(("0.0.0.0",), None, ()), FAR, SPEAK, headers=ours) == "foreign-origin"
    )


async def test_paired_token_is_accepted_from_anywhere_as_bearer_only(tmp_path: Path) -> None:
    pairing = Pairing(tmp_path)
    for web_token, trusted in ((None, ()), (TOKEN, ()), (None, (PROXY,))):
        policy = AccessPolicy(("127.0.0.1",), web_token, trusted, pairing)
        paired = {"Authorization": f"Bearer {PAIRED}"}
        before = outcome(policy, FAR, CHANGE, headers=paired)
        assert before != "ok"
        await pairing.replace(PAIRED)
        assert [outcome(policy, FAR, access, headers=paired) for access in Access] == ["ok"] * 5
        wrong = {"Authorization": f"Bearer {PAIRED}x"}
        for headers in (basic("x", PAIRED), wrong, {"Authorization": PAIRED}, {}):
            assert outcome(policy, FAR, CHANGE, headers=headers) == before
        foreign = {**paired, "Origin": "https://evil.example", "Host": "evil.example.org"}
        assert outcome(policy, FAR, CHANGE, headers=foreign) == "foreign-origin"
        await pairing.replace(None)
        assert outcome(policy, FAR, CHANGE, headers=paired) == before


def test_identity_is_not_told_to_foreign_pages_on_this_machine() -> None:
    policy = AccessPolicy(("127.0.0.1",), None, ())
    headers = {"Host": "evil.example"}
    assert outcome(policy, NEAR, IDENTITY, headers=headers) == "foreign-origin"


@pytest.mark.parametrize("trusted", [(NEAR,), ("127.0.0.0/8", "::1"), (NEAR, PROXY)])
def test_trusted_loopback_goes_by_its_own_names_only(trusted: tuple[str, ...]) -> None:
    policy = AccessPolicy(("voices.example",), None, trusted)
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
    policy = AccessPolicy(("0.0.0.0",), None, (PROXY,))
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
    policy = AccessPolicy(("0.0.0.0",), TOKEN, ())
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
        answer = await site.raw(b"%sAuthorization: %s %s\r\n\r\n" % (head, scheme, value))
        assert answer.startswith(b"HTTP/1.1 401 "), answer


@pytest.mark.parametrize(
    "header",
    [
        *("Forwarded", "Via", "X-Real-IP"),
        *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
    ],
)
def test_forwarded_request_counts_as_remote(header: str) -> None:
    policy = AccessPolicy(("127.0.0.1",), None, ())
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
    policy = AccessPolicy(("kitchen",), None, ())
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
