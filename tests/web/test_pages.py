"""The files of the page, and the lifetime of the listener."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from conftest import Script
from support.ports import free_port
from support.site import Open
from support.waiting import eventually
from test_cli import run, server
from wyoming_piper_hardened.web import server as server_module
from wyoming_piper_hardened.web.pages import Pages, read_pages


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    (tmp_path / "index.html").write_text("<!doctype html>", encoding="utf-8")
    (tmp_path / "app.js").write_text("1", encoding="utf-8")
    (tmp_path / "notes.py").write_text("secret", encoding="utf-8")
    (tmp_path / "translations").mkdir()
    (tmp_path / "translations" / "en.json").write_text("{}", encoding="utf-8")
    return read_pages(tmp_path)


async def test_the_page(
    open_site: Open, script: Script, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "read_pages", lambda: pages)
    site = await open_site(script())
    async with site.client.get("/") as answer:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-cache"
        etag = answer.headers["ETag"]
    async with site.client.get("/", headers={"If-None-Match": etag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
    async with site.client.head("/static/app.js") as answer:
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    async with site.client.get("/static/translations/en.json") as answer:
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    for path in ("notes.py", "", "translations", "translations/", "../server.py", "x.js"):
        assert (await site.get(f"/static/{path}"))[0] == 404


def test_a_package_without_a_page(tmp_path: Path) -> None:
    router = web.UrlDispatcher()
    read_pages(tmp_path / "none").add_to(router)
    assert len(list(router.resources())) == 2


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_a_taken_port_is_exit_3_and_names_who(prepared_data: Path) -> None:
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    async with server(prepared_data, "--web-uri", uri) as (process, _):
        await eventually(lambda: listens(port))
        code, _, stderr = await run("serve", "--uri", "tcp://127.0.0.1:0", "--web-uri", uri)
    assert code == 3
    assert f"{uri} is in use by" in stderr
    assert f"pid {process.pid}" in stderr
    assert "Traceback" not in stderr


async def test_a_stop_ends_what_is_spoken(open_site: Open, script: Script) -> None:
    site = await open_site(script(stall_timeout=60.0))
    async with site.client.post("/api/say", json={"text": "It is well. HANG."}) as answer:
        await answer.content.readexactly(1000)
        async with asyncio.timeout(20):
            await site.web.stop()
        with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientOSError)):
            await answer.read()
