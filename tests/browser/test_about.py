"""The licence and the model card of a voice are shown before it is installed and afterwards."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from browser.test_accessibility import AXE, axe_findings
from browser.test_phone import PHONE, SMALL
from support.browser import OpenPage, press
from support.hub import faulty_hub
from support.hub_voices import AMY, CARD, CARD_TEXT, amys_files
from support.web_server import StartServer, WebServer

LONG = 180_000  # milliseconds for what takes a busy machine many seconds
EVIL = b"<img src=x onerror='document.title=1'>\x1b[2J\n* License: <b>CC0</b>\x07\n"


async def show(page: Page, name: str) -> None:
    """Find a voice that the newest list has, and open what is known of it, by keyboard alone."""
    await page.get_by_role("searchbox").fill(name)
    row = page.get_by_role("row", name=re.compile(name))
    await row.locator(".voice-title").focus()
    await page.keyboard.press("Enter")


async def test_licence_is_shown_before_installing_and_afterwards(
    start_web: StartServer, open_page: OpenPage
) -> None:
    async with faulty_hub(amys_files(card=CARD_TEXT)) as hub:
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        await asyncio.to_thread(server.post, "api/catalogue/refresh")
        async with open_page(server.url) as watched:
            page = watched.page
            await show(page, AMY)
            dialog = page.get_by_role("dialog", name=re.compile("Amy"))
            await expect(dialog.locator("#about-license")).to_have_text("CC0")
            await expect(dialog.get_by_role("group", name="Model card")).to_contain_text(
                "https://github.com/MycroftAI/mimic3-voices"
            )
            await page.keyboard.press("Escape")
            await expect(dialog).to_be_hidden()
            await expect(page.locator(".voice-title:focus")).to_have_text("Amy")
            await page.keyboard.press("Enter")
            install = dialog.get_by_role("button", name="Install")
            await press(install)
            await expect(dialog).to_be_hidden()
            row = page.get_by_role("row", name=re.compile(AMY))
            await expect(row).to_contain_text("Installed", timeout=LONG)
            hub.files.clear()
            await row.locator(".voice-title").click()
            await expect(dialog.locator("#about-license")).to_have_text("CC0")
            await expect(install).to_be_hidden()
            await dialog.get_by_role("button", name="Close").click()
            await expect(dialog).to_be_hidden()


async def test_voice_is_installed_from_a_dialog_that_was_opened_again_at_once(
    start_web: StartServer, open_page: OpenPage
) -> None:
    async with faulty_hub(amys_files(card=CARD_TEXT)) as hub:
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        await asyncio.to_thread(server.post, "api/catalogue/refresh")
        async with open_page(server.url) as watched:
            page = watched.page
            await show(page, AMY)
            await expect(page.locator("#about-dialog")).to_be_visible()
            asked: list[str] = []
            page.on("request", lambda request: asked.append(request.url))
            # Within one frame, as on a machine that draws few: the events of both closings wait.
            await page.locator("#about-dialog").evaluate(
                """(dialog) => {
                  const title = document.querySelector("tr.available .voice-title");
                  dialog.close();
                  title.click();
                }"""
            )
            await watched.until("new Promise((done) => requestAnimationFrame(() => done(true)))")
            await press(page.locator("#about-dialog").get_by_role("button", name="Install"))
            row = page.get_by_role("row", name=re.compile(AMY))
            await expect(row).to_contain_text("Installed", timeout=LONG)
            assert len([one for one in asked if one.endswith("/install")]) == 1


async def test_only_the_voice_that_was_asked_about_last_is_removed(
    start_web: StartServer, open_page: OpenPage
) -> None:
    server = await asyncio.to_thread(start_web)
    async with open_page(server.url) as watched:
        answers = await watched.page.evaluate(
            """async () => {
              const { ask } = await import("./static/dialog.js");
              const dialog = document.getElementById("remove-dialog");
              const kept = ask(dialog);
              dialog.close("keep");
              const removed = ask(dialog);
              dialog.close("remove");
              const left = ask(dialog);
              await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
              dialog.close();
              return Promise.all([kept, removed, left]);
            }"""
        )
        assert answers == ["keep", "remove", ""]


async def test_markup_of_a_card_is_shown_as_text(
    start_web: StartServer, open_page: OpenPage
) -> None:
    async with faulty_hub(amys_files(card=EVIL)) as hub:
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        await asyncio.to_thread(server.post, "api/catalogue/refresh")
        async with open_page(server.url) as watched:
            page = watched.page
            await show(page, AMY)
            await expect(page.locator("#about-license")).to_have_text("<b>CC0</b>")
            await expect(page.locator(".model-card")).to_contain_text("<img src=x")
            assert await page.locator("#about-dialog :is(img, b)").count() == 0


async def test_failure_is_explained_and_the_licence_said_to_be_unknown(
    start_web: StartServer, open_page: OpenPage
) -> None:
    async with faulty_hub(amys_files(card=CARD_TEXT)) as hub:
        del hub.files[CARD]
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        await asyncio.to_thread(server.post, "api/catalogue/refresh")
        async with open_page(server.url, locale="de-DE") as watched:
            watched.allow("status of 502")
            page = watched.page
            await show(page, AMY)
            await expect(page.locator("#about-license")).to_have_text("unbekannt")
            await expect(page.locator("#about-reason")).to_contain_text("hub_endpoint")
            await expect(page.locator(".model-card")).to_be_hidden()


async def test_nothing_is_fetched_offline(server: WebServer, open_page: OpenPage) -> None:
    async with open_page(server.url) as watched:
        watched.allow("status of 409")
        page = watched.page
        await show(page, AMY)
        await expect(page.locator("#about-license")).to_have_text("unknown")
        await expect(page.locator("#about-reason")).to_contain_text("stay offline")


@pytest.mark.skipif(not AXE, reason="axe-core could not be had: script/test-web --help")
@pytest.mark.parametrize("options", [{}, {**PHONE, "locale": "de-DE"}], ids=["desktop", "phone"])
async def test_dialog_suits_fingers_and_screen_readers(
    server: WebServer, open_page: OpenPage, options: dict[str, object]
) -> None:
    async with open_page(server.url, **options) as watched:
        page = watched.page
        await expect(page.locator("#voice-rows tr")).to_have_count(10)
        await page.locator(".voice-title", has_text="Joe").click()
        await expect(page.locator("#about-license")).to_have_text("CC0")
        await expect(page.locator(".model-card")).to_be_visible()
        assert await axe_findings(page) == []
        if options:
            assert await page.evaluate(SMALL) == []
