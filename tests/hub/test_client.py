"""Requests to the hub: credentials, trust, proxies, redirects, retries."""

from __future__ import annotations

import asyncio
import logging
import shutil
import ssl
import subprocess
import traceback
from pathlib import Path

import pytest
from yarl import URL

from support.hub import COMMIT, FaultyHub, faulty_hub
from support.hub_client import FOLDER, bench
from support.hub_faults import Fault, voices_json
from wyoming_piper_hardened.catalogue.parser import parse_voices
from wyoming_piper_hardened.errors import ConfigError
from wyoming_piper_hardened.hub.client import Hub
from wyoming_piper_hardened.hub.download import download
from wyoming_piper_hardened.hub.errors import (
    CaptivePortalError,
    CertificateError,
    DownloadError,
    OfflineError,
    RedirectRefusedError,
)
from wyoming_piper_hardened.hub.response import Timeouts
from wyoming_piper_hardened.hub.retry import RetryPolicy
from wyoming_piper_hardened.hub.settings import HubSettings

pytestmark = pytest.mark.slow

TOKEN = "hf_VerySecretToken"  # noqa: S105 - made up
FILES = {
    f"{FOLDER}/en_US-joe-medium.onnx": bytes(range(256)) * 1000,
    f"{FOLDER}/en_US-joe-medium.onnx.json": b'{"audio": {}}',
    "voices.json": b"{}",
}


def tokens(server: FaultyHub) -> dict[str, bool]:
    """Return the servers that got requests, and whether any of these held the token."""
    return {
        name: any(TOKEN in str(s.headers) for s in server.seen if s.server == name)
        for name in {seen.server for seen in server.seen}
    }


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (None, {"hub": True, "store": False}),
        (Fault.STRANGER, {"hub": True, "stranger": False}),
        (Fault.BACK, {"hub": True, "stranger": False}),
        (Fault.PORTAL, {"hub": True}),
        (Fault.EXPIRED, {"hub": True, "store": False}),
        (Fault.UNAUTHORIZED, {"hub": True}),
        (Fault.CUT, {"hub": True, "store": False}),
        (Fault.NOT_HTTP, {"hub": True}),
        (Fault.MAZE, {"hub": True}),
    ],
)
async def test_token_goes_to_the_endpoint_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: Fault | None, expected: dict[str, bool]
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = ""
    async with bench(FILES, {"HF_TOKEN": TOKEN}) as at_work:
        if fault:
            at_work.server.fault(fault)
        try:
            await at_work.download(at_work.model, tmp_path / "model")
        except DownloadError as err:
            shown = "".join(traceback.format_exception(err)) + repr(err) + repr(err.__cause__)
        assert tokens(at_work.server) == expected
        signed = [seen.path for seen in at_work.server.bodies()]
        assert all("Signature=secret-" in path for path in signed)
        shown += caplog.text + repr(at_work.settings)
    assert TOKEN not in shown
    assert "secret-" not in shown
    assert bool(shown.count("Error:")) is (fault not in {None, Fault.STRANGER})


async def test_token_is_not_sent_again_after_a_foreign_redirect(tmp_path: Path) -> None:
    async with bench(FILES, {"HF_TOKEN": TOKEN}) as at_work:
        at_work.server.fault(Fault.BACK, times=1)
        await at_work.download(at_work.model, tmp_path / "model")
        hub = [seen for seen in at_work.server.seen if seen.server == "hub"]
        assert ["Authorization" in seen.headers for seen in hub] == [True, False]


async def test_offline_sends_no_request(tmp_path: Path) -> None:
    async with bench(FILES, {"HF_HUB_OFFLINE": "1"}) as at_work:
        with pytest.raises(OfflineError) as raised:
            await at_work.download(at_work.model, tmp_path / "model")
        async with at_work.hub() as hub:
            with pytest.raises(OfflineError):
                await hub.resolve()
        assert raised.value.code == "offline"
        assert not at_work.server.seen


async def test_revision_is_resolved_once() -> None:
    async with bench(FILES) as at_work:
        async with at_work.hub() as hub:
            assert await hub.resolve() == COMMIT
            assert await hub.resolve("refs/pr/7") == COMMIT
            assert await hub.resolve(COMMIT) == COMMIT  # asks nobody
        paths = [seen.path.split("/")[4] for seen in at_work.server.seen]
        assert paths == ["main", "refs%2Fpr%2F7"]


async def test_response_without_commit_is_refused() -> None:
    async with bench(FILES) as at_work:
        at_work.server.fault(Fault.NO_COMMIT)
        async with at_work.hub() as hub:
            with pytest.raises(CaptivePortalError, match="log in"):
                await hub.resolve()


async def test_paths_outside_ascii_are_encoded(tmp_path: Path) -> None:
    name = "pt/pt_PT/tugão/medium/pt_PT-tugão-medium.onnx"
    async with bench({name: b"m" * 100_000, f"{name}.json": b"{}"}) as at_work:
        await at_work.download(at_work.model, tmp_path / "model")
        asked = at_work.server.seen[0].path
        assert asked.endswith("pt/pt_PT/tug%C3%A3o/medium/pt_PT-tug%C3%A3o-medium.onnx")


async def test_proxy_of_the_environment_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(FILES) as at_work:
        monkeypatch.setenv("http_proxy", at_work.server.endpoint)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        at_work.settings = HubSettings.read({"HF_ENDPOINT": "http://hub.invalid"})
        await at_work.download(at_work.model, tmp_path / "model")
        assert at_work.server.seen[0].headers["Host"] == "hub.invalid"
        monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
        with pytest.raises(DownloadError, match="not an http:// proxy"):
            await at_work.download(at_work.config, tmp_path / "config")


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "hub-refused"), (407, "hub-refused"), (502, "hub-unreachable"), (404, "hub-refused")],
)
async def test_proxy_without_tunnel_is_a_named_error(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str
) -> None:
    asked = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    proxy = await asyncio.start_server(refuse, "127.0.0.1", 0)
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
    patience = RetryPolicy(retries=0)
    settings = HubSettings(endpoint="https://hub.invalid", token=TOKEN)
    async with proxy, Hub(settings, retry=patience) as hub:
        with pytest.raises(DownloadError) as raised:
            await hub.resolve()
    assert raised.value.code == code
    assert asked[0].startswith(b"CONNECT hub.invalid:443 ")
    assert TOKEN.encode() not in asked[0]


async def test_unknown_host_is_a_named_error() -> None:
    settings = HubSettings(endpoint="http://hub.invalid")
    async with Hub(settings, retry=RetryPolicy(retries=0), timeouts=Timeouts(connect=5)) as hub:
        with pytest.raises(DownloadError, match="check the network") as raised:
            await hub.resolve()
    assert raised.value.code == "hub-unreachable"


@pytest.mark.parametrize(
    "location",
    [
        "",
        "http://",
        "http:///path",
        "http://[",
        "http://h:99999/",
        "http://me:word@h/",
        "ftp://h/",
        "javascript:1",
        "http://\udcff/",
        "//[",
    ],
)
async def test_invalid_redirect_is_refused(location: str) -> None:
    hub = Hub(HubSettings())
    with pytest.raises(RedirectRefusedError, match=r"^it: "):
        hub._next(URL("https://hub.invalid/a"), location, "it")


@pytest.mark.parametrize(
    ("endpoint", "location", "here"),
    [
        ("https://a.invalid", "https://a.invalid/x", True),
        ("https://a.invalid", "/x", True),
        ("https://a.invalid", "https://a.invalid:8443/x", False),
        ("https://a.invalid", "https://b.invalid/x", False),
        ("https://a.invalid", "https://a.invalid.b.invalid/x", False),
        ("http://a.invalid", "https://a.invalid/x", True),
        ("http://a.invalid:81", "https://a.invalid/x", False),
        ("http://a.invalid:81", "http://a.invalid/x", False),
    ],
)
async def test_token_follows_redirects_within_the_endpoint(
    endpoint: str, location: str, *, here: bool
) -> None:
    hub = Hub(HubSettings(endpoint=endpoint))
    assert hub._is_here(hub._next(URL(endpoint), location, "it")) is here


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a certificate for 127.0.0.1 that is not trusted; its key lies in ``key.pem``."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        (
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=hub", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ),
        check=True,
        capture_output=True,
    )
    return certificate


async def test_certificates_are_verified_and_can_be_added(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = certificate.with_name("key.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    async with faulty_hub(FILES, context) as server:
        environment = {"HF_ENDPOINT": server.endpoint}
        async with Hub(HubSettings.read(environment)) as hub:
            with pytest.raises(CertificateError, match="SSL_CERT_FILE") as raised:
                await hub.resolve()
        assert raised.value.code == "certificate-invalid"
        environment["REQUESTS_CA_BUNDLE"] = str(certificate)
        async with Hub(HubSettings.read(environment)) as hub:
            assert await hub.resolve() == COMMIT
            (voice,) = parse_voices(voices_json(FILES))[0].values()
            with pytest.raises(DownloadError) as refused:  # the store of the tests has no TLS
                await download(hub, voice.model, COMMIT, tmp_path / "model")
            assert refused.value.code == "redirect-refused"
        with monkeypatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(certificate))
            async with Hub(HubSettings(endpoint=server.endpoint)) as hub:
                assert await hub.resolve() == COMMIT
        plain = HubSettings(endpoint=server.endpoint.replace("https", "http"))
        async with Hub(plain, retry=RetryPolicy(retries=0)) as hub:
            with pytest.raises(DownloadError):
                await hub.resolve()
        secured = HubSettings(endpoint=server.store.replace("http", "https"))
        async with Hub(secured) as hub:
            with pytest.raises(CertificateError, match="no secure connection"):
                await hub.resolve()
    with pytest.raises(ConfigError, match="no certificates"):
        async with Hub(HubSettings(ca_bundle=str(key))):
            pass
