"""Voices that are not installed are heard by their samples, which come through the server."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import expect

from browser.test_accessibility import AXE, axe_findings
from browser.test_phone import PHONE, SMALL
from support.browser import OpenPage, press
from support.hub import faulty_hub
from support.hub_voices import AMY, amys_files, sample_path, with_speakers
from support.web_server import StartServer


async def test_sample_is_heard_before_installing(
    start_web: StartServer, open_page: OpenPage
) -> None:
    async with faulty_hub(with_speakers(amys_files(), 1)) as hub:
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        await asyncio.to_thread(server.post, "api/catalogue/refresh")
        async with open_page(server.url) as watched:
            page = watched.page
            asked: list[str] = []
            page.on("request", lambda one: asked.append(one.url))
            await page.get_by_role("searchbox").fill(AMY)
            row = page.get_by_role("row", name=re.compile(AMY))
            await press(row.get_by_role("button", name="Listen"))
            await watched.until("observed.frames > 10_000")
            await expect(row.get_by_role("button", name="Listen")).to_be_visible()
            assert (await watched.observed())["peak"] > 0.1
            assert [url for url in asked if url.endswith(".mp3")] == []
            assert all(url.startswith((server.url, "blob:", "data:")) for url in asked)


async def test_speakers_are_stepped_through(start_web: StartServer, open_page: OpenPage) -> None:
    async with faulty_hub(with_speakers(amys_files(), 3)) as hub:
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        await asyncio.to_thread(server.post, "api/catalogue/refresh")
        async with open_page(server.url) as watched:
            watched.allow("status of (404|502)")
            page = watched.page
            await page.get_by_role("searchbox").fill(AMY)
            row = page.get_by_role("row", name=re.compile(AMY))
            await row.locator(".voice-title").click()
            dialog = page.get_by_role("dialog")
            speaker = dialog.get_by_label("Speaker", exact=True)
            await expect(speaker).to_have_value("p0")
            heard = page.locator("#about-heard")
            step = dialog.get_by_role("button", name="Next speaker")
            await step.focus()
            for times, name in enumerate(("p1", "p2", "p0"), 1):
                await page.keyboard.press("Enter")
                await expect(speaker).to_have_value(name)
                await watched.until(f"observed.events.length >= {times}")
            await dialog.get_by_role("button", name="Previous speaker").click()
            await expect(speaker).to_have_value("p2")
            await watched.until("observed.events.length >= 4")
            await expect(heard).to_be_empty()
            asked = [one.path for one in hub.seen if one.path.endswith(".mp3")]
            names = [f"speaker_{number}.mp3" for number in range(3)]
            assert sorted(path.rpartition("/")[2] for path in asked) == names  # each once


async def test_sample_that_cannot_be_played_is_explained(
    start_web: StartServer, open_page: OpenPage
) -> None:
    async with faulty_hub(with_speakers(amys_files(), 1)) as hub:
        del hub.files[sample_path(0)]
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        await asyncio.to_thread(server.post, "api/catalogue/refresh")
        async with open_page(server.url) as watched:
            watched.allow("status of (404|502)")
            page = watched.page
            await page.get_by_role("searchbox").fill(AMY)
            row = page.get_by_role("row", name=re.compile(AMY))
            notices = page.get_by_role("status", name="Messages")
            await row.get_by_role("button", name="Listen").click()
            await expect(notices).to_contain_text("The voice repository has no sample of it")
            hub.files[sample_path(0)] = b"no audio"
            await row.get_by_role("button", name="Listen").click()
            await expect(notices).to_contain_text("is no audio")
            await expect(row.get_by_role("button", name="Listen")).to_be_enabled()


@pytest.mark.skipif(not AXE, reason="axe-core could not be had: script/test-web --help")
@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "nl"])
async def test_speakers_suit_fingers_and_screen_readers(
    start_web: StartServer, open_page: OpenPage, language: str
) -> None:
    async with faulty_hub(with_speakers(amys_files(), 3)) as hub:
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        await asyncio.to_thread(server.post, "api/catalogue/refresh")
        narrow = {**PHONE, "viewport": {"width": 320, "height": 640}}
        async with open_page(server.url, locale=language, **narrow) as watched:
            watched.allow("status of 404")  # it has no model card
            page = watched.page
            await page.get_by_role("searchbox").fill(AMY)
            row = page.get_by_role("row", name=re.compile(AMY))
            await row.locator(".voice-title").click()
            await expect(page.locator("#about-dialog .speakers select")).to_be_visible()
            await expect(page.locator("#about-reason")).not_to_be_empty()
            assert await page.evaluate(SMALL) == []
            assert await axe_findings(page) == []
            assert (
                await page.evaluate(
                    "[...document.querySelectorAll('#about-dialog *')]"
                    ".filter((node) => node.getBoundingClientRect().right > innerWidth)"
                    ".map((node) => node.outerHTML)"
                )
                == []
            )
