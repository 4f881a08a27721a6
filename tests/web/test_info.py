"""The identity of the server over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Script
from support.both_servers import Open, own_address
from wyoming_piper_hardened import __version__


async def test_identity_is_told_to_everybody(
    open_site: Open, script: Script, prepared_data: Path
) -> None:
    if (address := own_address()) is None:
        pytest.skip("this machine has no address but loopback")
    site = await open_site(script(), web_uri="http://0.0.0.0:0", web_trusted=["192.0.2.1"])
    far = f"http://{address}:{site.web.port}"
    status, info = await site.get(f"{far}/api/info")
    assert status == 200
    server_id = (prepared_data / "server-id").read_text(encoding="utf-8").strip()
    assert info == {
        "server_id": server_id,
        "name": "Piper Hardened",
        "version": __version__,
        "api": 1,
        "features": [
            "job-ids",
            "companion-events",
            "voice-versions",
            "say-language",
            "default-voice",
        ],
        "app": False,
        "auth": "none",
        "wyoming_port": site.server.port,
    }
    assert (await site.get(f"{far}/api/status"))[0] == 403
    assert (await site.get(f"{far}/health/ready"))[0] == 403


async def test_identity_names_the_need_of_a_token(open_site: Open, script: Script) -> None:
    site = await open_site(script(), web_token="correct-horse-battery")  # noqa: S106 - of this test
    assert (await site.get("/api/info"))[1]["auth"] == "token"
