"""The files of the page, and the lifetime of the listener."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import aiohttp
import pytest

from conftest import Script
from support.both_servers import Open
from support.web_server import serving
from wyoming_piper_hardened.web.static_files import StaticFiles


async def test_page_files_are_served_with_types_and_tags(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    async with site.client.get("/") as answer:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-cache"
        etag = answer.headers["ETag"]
    async with site.client.get("/", headers={"If-None-Match": etag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
    async with site.client.head("/static/app.js") as answer:
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    async with site.client.get("/static/locales/en.json") as answer:
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    for path in ("types.d.ts", "", "locales", "locales/", "../server.py", "x.js"):
        assert (await site.get(f"/static/{path}"))[0] == 404


def test_package_without_page_files_has_no_files(tmp_path: Path) -> None:
    assert StaticFiles(tmp_path / "none")._files == {}


@pytest.mark.rendering
async def test_taken_port_is_exit_code_3_and_names_the_process(prepared_data: Path) -> None:
    async with serving(prepared_data) as server:
        uri = server.url.rstrip("/")
        second = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "wyoming_piper_hardened", "serve"),
            *("--uri", "tcp://127.0.0.1:0", "--web-uri", uri, "--data-dir", str(prepared_data)),
            stderr=asyncio.subprocess.PIPE,
        )
        _, log = await second.communicate()
        assert second.returncode == 3
        assert f"{uri} is in use by" in log.decode()
        assert f"pid {server.pid}" in log.decode()
        assert "Traceback" not in log.decode()


async def test_stop_ends_speech(open_site: Open, script: Script) -> None:
    site = await open_site(script(stall_timeout=60.0))
    async with site.client.post("/api/say", json={"text": "It is well. HANG."}) as answer:
        await answer.content.readexactly(1000)
        async with asyncio.timeout(20):
            await site.web.stop()
        with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientOSError)):
            await answer.read()
