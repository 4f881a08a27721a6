"""The page within Home Assistant: behind a prefix, and two proxies that change what passes."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path

from playwright.async_api import expect

from support.browser import OpenPage
from support.ingress import PREFIX, ingress
from support.web_server import StartServer

from .test_speech import LONG, speak

TRUSTED = ("--web-trusted", "127.0.0.1")
LONG_WAIT = 180_000  # milliseconds for what takes a busy machine many seconds


async def test_page_works_through_ingress(start_web: StartServer, open_page: OpenPage) -> None:
    server = await asyncio.to_thread(start_web, *TRUSTED)
    async with ingress(server.url) as proxy, open_page(proxy.url) as watched:
        page = watched.page
        await expect(page.get_by_text("Ready to speak as Joe")).to_be_visible()
        await expect(page.locator("#voice-rows tr")).to_have_count(10)
        await speak(page, "Hello.")
        await watched.until("observed.events.includes('end')")
        await page.get_by_role("button", name="Restart").click()
        await expect(page.get_by_role("status", name="Messages")).to_contain_text("successor")
        assert PREFIX in page.url
        assert not proxy.strays
        assert {"api/events", "api/voices", "api/say", "api/workers/restart"} <= set(proxy.paths)


async def test_upload_and_removal_through_ingress(
    start_web: StartServer, open_page: OpenPage, model: Path, tmp_path: Path
) -> None:
    """A model is larger than what the Supervisor takes of other requests."""
    own = tmp_path / "kitchen-robot.onnx"
    own.symlink_to(model)
    config = Path(f"{own}.json")
    config.symlink_to(f"{model}.json")
    server = await asyncio.to_thread(start_web, *TRUSTED)
    async with ingress(server.url) as proxy, open_page(proxy.url) as watched:
        page = watched.page
        await page.get_by_text("Add a voice of your own").click()
        await page.get_by_label("Files of the voice").set_input_files([own, config])
        await page.get_by_role("button", name="Upload").click()
        row = page.get_by_role("row", name=re.compile("kitchen-robot"))
        await expect(row).to_contain_text("Your own", timeout=LONG_WAIT)
        await row.get_by_role("button", name="Remove").click()
        dialog = page.get_by_role("dialog", name="Remove kitchen-robot")
        await dialog.get_by_role("button", name="Remove").click()
        await expect(row).to_have_count(0, timeout=LONG_WAIT)


async def test_status_is_polled_while_events_are_held_back(
    start_web: StartServer, open_page: OpenPage
) -> None:
    server = await asyncio.to_thread(start_web)
    async with (
        ingress(server.url, compresses_events=True) as proxy,
        open_page(proxy.url) as watched,
    ):
        page = watched.page
        for number in range(3):
            await speak(page, f"Number {number}.")
            await expect(page.locator("#first-audio-chart path")).to_have_count(number + 1)
            await expect(page.get_by_role("button", name="Speak", exact=True)).to_be_visible()


async def test_killed_server_shows_incomplete_speech(
    start_web: StartServer, open_page: OpenPage
) -> None:
    """Both proxies end the answer as if it were complete."""
    server = await asyncio.to_thread(start_web)
    async with ingress(server.url) as proxy, open_page(proxy.url) as watched:
        watched.allow("status of 502")
        proxy.hold_after = 60_000
        await speak(watched.page, LONG)
        await watched.until("observed.frames > 10_000")
        os.kill(server.pid, signal.SIGKILL)
        proxy.release()
        outcome = watched.page.locator("#say-outcome")
        await expect(outcome).to_contain_text("That could not be spoken. The answer broke off")
