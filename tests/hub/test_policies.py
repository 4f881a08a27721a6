"""Settings, headers and retries of the hub client, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given, strategies as st

from wyoming_piper_hardened.errors import ConfigError
from wyoming_piper_hardened.hub.errors import DownloadError
from wyoming_piper_hardened.hub.response import continues, refuse_status, retry_after, strong_etag
from wyoming_piper_hardened.hub.retry import RetryPolicy, TransientError
from wyoming_piper_hardened.hub.settings import PUBLIC_HUB, HubSettings

TOKEN = "hf_VerySecretToken"  # noqa: S105 - made up


def test_settings_precede_the_environment() -> None:
    assert HubSettings.read({}) == HubSettings(endpoint=PUBLIC_HUB)
    mirror = HubSettings.read({"HF_ENDPOINT": "https://mirror.invalid/hf/", "HF_TOKEN": " x "})
    assert (mirror.endpoint, mirror.token) == ("https://mirror.invalid/hf", "x")
    own = HubSettings.read({"HF_ENDPOINT": "https://a.invalid"}, endpoint="http://b.invalid:81")
    assert own.endpoint == "http://b.invalid:81"


@pytest.mark.parametrize(
    "value",
    [
        {"endpoint": "ftp://hub.invalid"},
        {"endpoint": "hub.invalid"},
        {"endpoint": "https://"},
        {"endpoint": f"https://me:{TOKEN}@hub.invalid"},
        {"endpoint": "https://hub.invalid/?a"},
        {"endpoint": "https://hub.invalid:99999"},
        {"endpoint": "https://hub.invalid/a b"},
        {"endpoint": "https://[hub"},
        {"revision": "../main"},
        {"revision": ""},
        {"revision": "a?b"},
        {"token": f"{TOKEN}\r\nX: y"},
        {"token": f"{TOKEN} é"},
    ],
)
def test_invalid_settings_are_refused_without_secrets(value: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as raised:
        HubSettings(**value)
    assert TOKEN not in str(raised.value)


NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0", "RateLimit": "x;t=9"}, 9),
        ({"Retry-After": formatdate(NOW + 90, usegmt=True)}, 90),
        ({"Retry-After": formatdate(NOW - 90, usegmt=True)}, None),
        ({"Retry-After": "9" * 400}, float("inf")),
        ({"Retry-After": "soon", "RateLimit": '"api";r=0;t=55'}, 55),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": formatdate(NOW + 30)}, 30),
        ({"Retry-After": "Mon, 99 Foo 2026 25:61:61 GMT"}, None),
        ({"RateLimit": "t=oops"}, None),
    ],
)
def test_requested_wait_is_parsed(headers: Mapping[str, str], wait: float | None) -> None:
    assert retry_after(headers, NOW) == wait


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_header_is_a_wait_or_none(value: str, limit: str) -> None:
    wait = retry_after({"Retry-After": value, "RateLimit": limit}, NOW)
    assert wait is None or wait >= 0


@pytest.mark.parametrize(
    ("header", "fits"),
    [
        ("bytes 10-99/100", True),
        ("bytes 10-50/100", True),
        ("bytes 10-99/*", True),
        ("bytes 9-99/100", False),
        ("bytes 10-100/100", False),
        ("bytes 10-9/100", False),
        ("bytes 10-99/101", False),
        ("bytes */100", False),
        ("items 10-99/100", False),
        ("", False),
    ],
)
def test_content_range_is_compared(header: str, fits: bool) -> None:  # noqa: FBT001 - a column
    assert continues({"Content-Range": header}, 10, 100, None) is fits
    assert continues({"Content-Range": header, "ETag": '"b"'}, 10, 100, '"a"') is False


def test_only_strong_etags_are_used() -> None:
    assert strong_etag({"ETag": '"abc"'}) == '"abc"'
    for weak in ('W/"abc"', "abc", "", '"a"b"', '"a\r\n"'):
        assert strong_etag({"ETag": weak}) is None


@pytest.mark.parametrize(
    ("progress", "pauses"),
    [
        ([False] * 9, [1, 2, 4]),
        ([False, False, True, False, False, False, False], [1, 2, 1, 2, 4]),
        ([True] * 6 + [False] * 9, [1] * 6 + [2, 4]),
    ],
)
async def test_retry_counts_failures_without_progress(
    progress: list[bool], pauses: list[float]
) -> None:
    steps, slept = iter(progress), list[float]()

    async def attempt() -> None:
        raise TransientError(DownloadError("no"), progress=next(steps))

    async def pause(seconds: float) -> None:
        slept.append(seconds)

    with pytest.raises(DownloadError, match="no"):
        await RetryPolicy(sleep=pause, random=lambda: 0.0).run(attempt)
    assert slept == pauses


@pytest.mark.parametrize(("status", "code"), [(407, "hub-refused"), (511, "captive-portal")])
def test_statuses_of_proxies_and_portals(status: int, code: str) -> None:
    with pytest.raises(DownloadError) as raised:
        refuse_status(status, {}, "it", signed=False, now=NOW)
    assert raised.value.code == code
