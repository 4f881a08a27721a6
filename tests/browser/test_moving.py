"""A voice moves from one machine's page to another's, in one file."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from support.browser import OpenPage, press
from support.bundles import NAME, bundle, flipped
from support.web_server import StartServer

LONG = 180_000  # milliseconds for what takes a busy machine many seconds


async def choose(page: Page, file: Path) -> None:
    """Open the form, choose a file and send it, without a mouse."""
    form = page.locator("details:has(#upload-form)")
    if await form.get_attribute("open") is None:
        await form.locator("summary").press("Enter")
    await page.get_by_label("Files of the voice").set_input_files(file)
    await press(page.get_by_role("button", name="Upload", exact=True))


async def test_voice_moves_from_page_to_page(
    start_web: StartServer, open_page: OpenPage, tmp_path: Path
) -> None:
    given, moved = tmp_path / "given.tar", tmp_path / "moved.tar"
    given.write_bytes(bundle())
    server = await asyncio.to_thread(start_web, "--offline", "true")
    async with open_page(server.url) as watched:
        page = watched.page
        await choose(page, given)
        row = page.get_by_role("row", name=re.compile(NAME))
        await expect(row).to_contain_text("Installed", timeout=LONG)
        async with page.expect_download(timeout=LONG) as saving:
            await press(row.get_by_role("button", name="Export"))
        download = await saving.value
        assert download.suggested_filename == f"{NAME}.tar"
        await download.save_as(moved)
        assert await asyncio.to_thread(moved.read_bytes) == bytes(await exported(server.url))
        await row.get_by_role("button", name="Remove").click()
        await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        await expect(row).to_have_count(0, timeout=LONG)
        await choose(page, moved)
        await expect(row).to_contain_text("Installed", timeout=LONG)
        await expect(row.get_by_role("button", name="Listen")).to_be_enabled()


async def exported(url: str) -> bytes:
    """Return the bundle as a program gets it."""
    process = await asyncio.create_subprocess_exec(
        *("curl", "--silent", "--fail", "--noproxy", "*", f"{url}api/voices/{NAME}/export"),
        stdout=asyncio.subprocess.PIPE,
    )
    return (await process.communicate())[0]


@pytest.mark.parametrize(
    ("locale", "content", "key"),
    [
        ("en-GB", bundle()[:90_000], "error.bundle-broken"),
        ("de-DE", flipped(bundle(), 90_000), "error.bundle-broken"),
        ("fr-FR", b"x" * 5000, "error.no-bundle"),
    ],
)
async def test_file_that_is_not_sound_is_named(
    start_web: StartServer,
    open_page: OpenPage,
    tmp_path: Path,
    locale: str,
    content: bytes,
    key: str,
) -> None:
    file = tmp_path / "voice.tar"
    file.write_bytes(content)
    server = await asyncio.to_thread(start_web, "--offline", "true")
    async with open_page(server.url, locale=locale) as watched:
        watched.allow("status of 4..")
        page = watched.page
        await page.locator("details:has(#upload-form) summary").press("Enter")
        await page.locator("#upload-files").set_input_files(file)
        await press(page.locator("#upload-button"))
        texts = await page.evaluate(
            "async (url) => await (await fetch(url)).json()",
            f"{server.url}static/locales/{locale[:2]}.json",
        )
        await expect(page.locator("#notices")).to_contain_text(texts[key], timeout=LONG)
        await expect(page.get_by_role("row", name=re.compile(NAME))).to_have_count(0)
