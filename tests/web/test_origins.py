"""Names of the server, and pages of other origins that may use it."""

from __future__ import annotations

import socket

import pytest

from conftest import Script
from support.access import outcome
from support.both_servers import Open
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.errors import ConfigError
from wyoming_piper_hardened.web.access import AccessPolicy
from wyoming_piper_hardened.web.endpoint import Access
from wyoming_piper_hardened.web.origins import Origins

TOKEN = "correct-horse-battery"  # noqa: S105 - of these tests
NEAR, FAR = "127.0.0.1", "192.168.1.9"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("nas.example:8080", "ok"),
        ("NAS.example.", "ok"),
        ("xn--mnchen-3ya:8080", "ok"),
        ("nas.example.evil.example", "foreign-origin"),
        ("example", "foreign-origin"),
    ],
)
def test_further_host_names(host: str, expected: str) -> None:
    hosts = load_settings(flags={"web_hosts": "NAS.example, m\u00fcnchen"}).web_hosts
    policy = AccessPolicy(hosts, None, ())
    for access in Access:
        assert outcome(policy, NEAR, access, headers={"Host": host}) == expected


async def test_own_names_pass_from_this_machine(open_site: Open, script: Script) -> None:
    site = await open_site(script(), web_hosts=["nas.example"])
    own = socket.gethostname().lower()
    for name in (own, own.partition(".")[0] + ".local", "nas.example", "localhost", "127.0.0.1"):
        status, _ = await site.post("/api/workers/restart", headers={"Host": f"{name}:8080"})
        assert status == 202, name
    for name in ("evil.example", f"{own}.evil.example", "nas.example.evil.example"):
        for headers in ({"Host": name}, {"Host": name, "Origin": f"http://{name}"}):
            status, body = await site.post("/api/workers/restart", headers=headers)
            assert (status, body["error"]["code"]) == (403, "foreign-origin"), name


OBSIDIAN, EXTENSION = "app://obsidian.md", "chrome-extension://abcdefghijklmnop"
ALLOWED = [OBSIDIAN, EXTENSION, "https://Notes.example:443/", "http://localhost:3000"]


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (OBSIDIAN, "ok"),
        (EXTENSION, "ok"),
        ("https://notes.example", "ok"),
        ("http://localhost:3000", "ok"),
        ("http://notes.example", "foreign-origin"),
        ("https://notes.example:444", "foreign-origin"),
        ("https://notes.example.evil.example", "foreign-origin"),
        ("http://localhost:3001", "foreign-origin"),
        ("chrome-extension://other", "foreign-origin"),
        ("null", "foreign-origin"),
    ],
)
def test_allowed_origins(origin: str, expected: str) -> None:
    origins = Origins(load_settings(flags={"web_origins": ALLOWED}).web_origins)
    policy = AccessPolicy((), None, (), origins=origins)
    page = {"Origin": origin, "Sec-Fetch-Site": "cross-site", "Host": "localhost:8080"}
    for access in (Access.SPEAK, Access.CHANGE):
        assert outcome(policy, NEAR, access, headers=page) == expected
    # What its user may not do, the page may not do.
    assert outcome(policy, FAR, Access.CHANGE, headers=page) == "access-refused"
    token = AccessPolicy((), TOKEN, (), origins=origins)
    assert outcome(token, NEAR, Access.SPEAK, headers=page) == "token-needed"
    assert outcome(token, NEAR, Access.SPEAK, headers={**page, **RIGHT}) == expected
    # Nor does it make up for a foreign name.
    rebound = {**page, "Host": "evil.example"}
    assert outcome(policy, NEAR, Access.SPEAK, headers=rebound) == "foreign-origin"


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "notes.example", "https://", "https://a/b", "https://*.a", "https://a:x"],
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError):
        load_settings(flags={"web_origins": origin})


@pytest.mark.parametrize("host", ["*", "http://a", "a:80", "a b", "..", "-"])
def test_what_is_no_host_name_is_refused(host: str) -> None:
    with pytest.raises(ConfigError):
        load_settings(flags={"web_hosts": host})


ASKED_HEADERS = "authorization, content-type, x-stainless-lang"


def preflight(origin: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ASKED_HEADERS,
        "Access-Control-Request-Private-Network": "true",
    }


async def test_preflight_of_an_allowed_origin(open_site: Open, script: Script) -> None:
    """It comes without the token that the request itself has."""
    site = await open_site(script(), web_origins=ALLOWED, web_token=TOKEN)
    for path in ("/v1/audio/speech", "/api/voices/x", "/api/status"):
        async with site.client.options(path, headers=preflight(OBSIDIAN)) as answer:
            assert answer.status == 204
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Access-Control-Allow-Origin"] == OBSIDIAN
            assert answer.headers["Access-Control-Allow-Headers"] == ASKED_HEADERS
            assert answer.headers["Access-Control-Allow-Private-Network"] == "true"
            assert {"GET", "POST", "DELETE"} <= {
                *answer.headers["Access-Control-Allow-Methods"].split(", ")
            }
        async with site.client.options(path, headers=preflight("https://evil.example")) as answer:
            assert answer.status in {401, 405}
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_allowed_origin_may_read_every_answer(open_site: Open, script: Script) -> None:
    site = await open_site(script(), web_origins=ALLOWED)
    page = {"Origin": OBSIDIAN, "Sec-Fetch-Site": "cross-site"}
    speech = {"input": "Hello there.", "response_format": "wav"}
    async with site.client.post("/v1/audio/speech", json=speech, headers=page) as answer:
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == OBSIDIAN
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert len(await answer.read()) > 1000
    async with site.client.post("/v1/audio/speech", json={}, headers=page) as answer:
        assert answer.status == 400
        assert answer.headers["Access-Control-Allow-Origin"] == OBSIDIAN
    for headers in ({}, {"Origin": "https://evil.example"}):
        async with site.client.get("/api/status", headers=headers) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert answer.headers["Vary"] == "Origin"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_no_origin_is_allowed_by_default(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    async with site.client.options("/api/say", headers=preflight(OBSIDIAN)) as answer:
        assert answer.status == 405
        assert "Access-Control-Allow-Origin" not in answer.headers
