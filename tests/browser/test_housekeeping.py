"""Voices are found by what they are; newer versions, and the room that voices take."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from playwright.async_api import expect

from support.browser import OpenPage, press
from support.hub import faulty_hub
from support.hub_client import tiny_files
from support.hub_faults import voices_json
from support.web_server import StartServer
from wyoming_piper_hardened.hub.files import CATALOGUE_PATH

LONG = 180_000  # milliseconds for what takes a busy machine many seconds
DATASETS = ("newest", "other")
JOE = "en_US-joe-medium"


def hub_files(more: bytes = b"") -> dict[str, bytes]:
    """Two tiny voices of the repository, `more` behind their models."""
    catalogue: dict[str, object] = {}
    files: dict[str, bytes] = {}
    for dataset in DATASETS:
        own = tiny_files(dataset)
        del own[CATALOGUE_PATH]
        for path in own:
            own[path] += more if path.endswith(".onnx") else b""
        files |= own
        catalogue |= voices_json(own)
    return {**files, CATALOGUE_PATH: json.dumps(catalogue).encode()}


async def test_all_voices_are_updated_and_the_largest_is_removed(
    start_web: StartServer, open_page: OpenPage
) -> None:
    async with faulty_hub(hub_files()) as hub:
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        for dataset in DATASETS:
            path = f"api/voices/en_US-{dataset}-medium/install?wait=true"
            await asyncio.to_thread(server.post, path)
        hub.files = hub_files(b"\x32\x01x")  # another description of the model
        hub.commit = "1" * 40
        async with open_page(server.url) as watched:
            page = watched.page
            updates = page.locator("#updates")
            await expect(page.locator("#voice-count")).to_contain_text("3 installed", timeout=LONG)
            await expect(updates).to_be_hidden()
            await press(page.get_by_role("button", name="Get the newest list"))
            await expect(updates.locator("li")).to_have_count(2, timeout=LONG)
            await press(updates.get_by_role("button", name="Update all"))
            await expect(updates).to_be_hidden(timeout=LONG)
            await expect(page.locator("#voices")).to_be_focused()
            voices = (await asyncio.to_thread(server.get, "api/voices?installed=true"))["voices"]
            newer = [one for one in voices if one["name"] != JOE]
            assert len(newer) == 2
            assert all(one["version"] == one["available_version"] for one in newer)
            disk = page.locator("#disk")
            await disk.locator("summary").press("Enter")
            await expect(disk.locator("li")).to_have_count(3)
            await expect(disk.locator("li").first).to_contain_text("Joe")  # the real one
            await expect(disk.locator("li").first.get_by_role("button")).to_have_count(0)
            total = round(sum(one["bytes"] for one in voices) / 1e6)
            await expect(disk.locator("summary")).to_have_text(f"{total} MB on the disk")
            await press(disk.get_by_role("button", name="Remove: Other"))
            dialog = page.get_by_role("dialog")
            await press(dialog.get_by_role("button", name="Remove"))
            await expect(disk.locator("li")).to_have_count(2, timeout=LONG)


@pytest.mark.parametrize(
    ("locale", "searched", "found"),
    [
        ("en-GB", "904 speakers", "en_US-libritts-high"),
        ("de-DE", "deutsch hoch", "de_DE-thorsten-high"),
        ("nl-NL", "français", "fr_FR-siwis-medium"),
    ],
)
async def test_voice_is_found_by_quality_speakers_and_native_language(
    start_web: StartServer, open_page: OpenPage, locale: str, searched: str, found: str
) -> None:
    server = await asyncio.to_thread(start_web, "--offline", "true")
    async with open_page(server.url, locale=locale) as watched:
        await watched.page.locator("#voice-search").fill(searched)
        await expect(watched.page.get_by_role("row", name=re.compile(found))).to_be_visible()


async def test_voice_that_cannot_be_used_here_says_why(
    start_web: StartServer, open_page: OpenPage
) -> None:
    server = await asyncio.to_thread(start_web, "--offline", "true")
    async with open_page(server.url) as watched:
        page = watched.page
        await page.get_by_role("searchbox").fill("xiao_ya")
        row = page.get_by_role("row", name=re.compile("zh_CN-xiao_ya-medium"))
        await expect(row).to_contain_text("Cannot be used here")
        await expect(row).to_contain_text("needs a language package")
        await expect(row.get_by_role("button", name="Install")).to_be_hidden()
    rows = (await asyncio.to_thread(server.get, "api/voices?installed=false"))["voices"]
    states = {one["state"] for one in rows}
    assert states == {"available", "unusable"}
