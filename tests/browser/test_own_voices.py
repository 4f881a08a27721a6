"""A damaged voice of one's own stays on the page: upload again, download what is left, remove."""

from __future__ import annotations

import asyncio
import contextlib
import re
import urllib.error
from pathlib import Path

from playwright.async_api import Download, Locator, Page, expect

from support.browser import OpenPage
from support.voices import SINGLE, SINGLE_CONFIG
from support.web_server import StartServer, WebServer

NAME = "kitchen-robot"
LONG = 180_000  # milliseconds for what takes a busy machine many seconds


def own_files(folder: Path) -> list[Path]:
    """Write the files of a tiny voice of one's own."""
    model, config = folder / f"{NAME}.onnx", folder / f"{NAME}.onnx.json"
    model.write_bytes(SINGLE.read_bytes())
    config.write_bytes(SINGLE_CONFIG.read_bytes())
    return [model, config]


async def upload(page: Page, files: list[Path]) -> Locator:
    """Upload a voice; return its row."""
    await page.get_by_label("Files of the voice").set_input_files(files)
    await page.get_by_role("button", name="Upload", exact=True).click()
    row = page.get_by_role("row", name=re.compile(NAME))
    await expect(row).to_contain_text("Your own", timeout=LONG)
    return row


def damage(server: WebServer) -> bytes:
    """Flip a byte of the model between two runs of the server; return what is left."""
    server.stop()
    (model,) = server.data_dir.glob(f"voices/{NAME}/*-*/{NAME}.onnx")
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    server.start()
    with contextlib.suppress(urllib.error.HTTPError):  # as the daily verification does
        server.post(f"api/voices/{NAME}/repair?wait=true")
    return bytes(content)


async def test_damaged_own_voice_is_downloaded_and_uploaded_again(
    start_web: StartServer, open_page: OpenPage, tmp_path: Path
) -> None:
    files = own_files(tmp_path)
    server = await asyncio.to_thread(start_web, "--offline", "true")
    async with open_page(server.url) as watched:
        watched.allow("status of 4..|ERR_|Failed to load")
        page = watched.page
        await page.get_by_text("Add a voice of your own").click()
        row = await upload(page, files)
        await expect(row.get_by_role("button", name="Upload again")).to_be_hidden()
        left = await asyncio.to_thread(damage, server)
        await asyncio.to_thread(server.stop)  # the state survives
        await asyncio.to_thread(server.start)
        issues = page.get_by_role("region", name="Needs attention")
        await expect(issues).to_contain_text(f"{NAME} is damaged", timeout=LONG)
        await expect(issues).to_contain_text("there is no copy")
        await expect(row).to_contain_text("Problem")
        for place in (issues, row):
            await expect(place.get_by_role("button", name="Upload again")).to_be_enabled()
            await expect(place.get_by_role("button", name="Download")).to_be_enabled()
            await expect(place.get_by_role("button", name="Remove")).to_be_enabled()
        await expect(row.get_by_role("button", name="Listen")).to_be_hidden()
        await expect(page.locator(f"#say-voice option[value='{NAME}']")).to_have_count(0)
        saved: list[Download] = []

        def save(download: Download) -> None:  # a method of a list cannot be wrapped
            saved.append(download)

        page.on("download", save)
        await issues.get_by_role("button", name="Download what is left").click()
        async with asyncio.timeout(60):
            while len(saved) < 2:  # noqa: ASYNC110 - the page sends them one by one
                await asyncio.sleep(0.05)
        assert {one.suggested_filename for one in saved} == {file.name for file in files}
        (model,) = (one for one in saved if one.suggested_filename.endswith(".onnx"))
        assert await asyncio.to_thread((await model.path()).read_bytes) == left
        await issues.get_by_role("button", name="Upload again").click()
        await expect(page.get_by_label("Files of the voice")).to_be_focused()
        await expect(page.locator("#upload-hint")).to_have_text(
            f"Choose {NAME}.onnx and {NAME}.onnx.json."
        )
        await upload(page, files)
        await expect(issues).to_be_hidden()
        await expect(row.get_by_role("button", name="Listen")).to_be_visible()


async def test_issue_of_a_damaged_own_voice_is_dismissed_for_good(
    start_web: StartServer, open_page: OpenPage, tmp_path: Path
) -> None:
    server = await asyncio.to_thread(start_web, "--offline", "true")
    async with open_page(server.url) as watched:
        page = watched.page
        await page.get_by_text("Add a voice of your own").click()
        await upload(page, own_files(tmp_path))
    await asyncio.to_thread(damage, server)
    async with open_page(server.url, locale="de-DE") as watched:
        watched.allow("ERR_|Failed to load")
        page = watched.page
        issues = page.get_by_role("region", name="Handlungsbedarf")
        await expect(issues).to_contain_text("es gibt keine Kopie", timeout=LONG)
        await issues.get_by_role("button", name=f"Ausblenden: {NAME}").click()
        await expect(issues).to_be_hidden()
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        await page.reload()
        row = page.get_by_role("row", name=re.compile(NAME))
        await expect(row).to_contain_text("Beschädigt", timeout=LONG)
        await expect(issues).to_be_hidden()
        await row.get_by_role("button", name="Entfernen").click()
        dialog = page.get_by_role("dialog", name=f"{NAME} entfernen")
        await dialog.get_by_role("button", name="Entfernen").click()
        await expect(row).to_have_count(0, timeout=LONG)
    assert NAME not in {voice["name"] for voice in server.get("api/voices")["voices"]}
