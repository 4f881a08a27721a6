"""The default voice is chosen on the page."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import expect

from support.browser import OpenPage
from support.voices import SINGLE, SINGLE_CONFIG
from support.web_server import StartServer

SLOWLY = '[{"name": "Joe, slowly", "voice": "en_US-joe-medium", "length_scale": 1.3}]'


async def test_voice_or_preset_is_made_the_default_and_stays_it(
    start_web: StartServer, open_page: OpenPage
) -> None:
    server = await asyncio.to_thread(start_web, "--offline", "true", "--presets", SLOWLY)
    async with open_page(server.url) as watched:
        page = watched.page
        joe = page.get_by_role("row", name=re.compile("en_US-joe-medium"))
        own = page.get_by_role("row", name=re.compile(SINGLE.stem))
        state = page.locator("#state-text")
        await expect(joe.locator(".badge")).to_have_text("Default")
        await expect(joe.get_by_role("button", name="Use as default")).to_be_hidden()
        await page.get_by_text("Add a voice of your own").click()
        await page.get_by_label("Files of the voice").set_input_files([SINGLE, SINGLE_CONFIG])
        await page.get_by_role("button", name="Upload", exact=True).click()
        await expect(own.locator(".badge")).to_have_text("Your own", timeout=180_000)

        button = own.get_by_role("button", name="Use as default")
        await button.focus()
        await expect(button).not_to_have_attribute("aria-disabled", "true")
        await page.keyboard.press("Enter")
        await expect(own.locator(".badge")).to_have_text("Default")
        await expect(joe.locator(".badge")).not_to_have_text("Default")
        await expect(own.get_by_role("button", name=re.compile("Check and repair"))).to_be_focused()
        await expect(state).to_have_text(f"Ready to speak as {SINGLE.stem}")
        said = page.locator(".notice").filter(has_text="speaks whenever no voice is named")
        await expect(said).to_have_count(1)

        await page.get_by_text("Presets", exact=True).click()
        preset = page.locator("#preset-list li")
        await expect(preset.locator(".badge")).to_be_hidden()
        await preset.get_by_role("button", name="Use as default: Joe, slowly").click()
        await expect(preset.locator(".badge")).to_be_visible()
        await expect(preset.get_by_role("button", name="Use as default")).to_be_hidden()
        await expect(own.locator(".badge")).to_have_text("Your own")
        await expect(state).to_have_text("Ready to speak as Joe, slowly")
        first = page.get_by_label("Voice", exact=True).locator("option").first
        await expect(first).to_contain_text("Joe, slowly")
        await preset.get_by_role("button", name="Listen: Joe, slowly").click()
        await watched.until("observed.frames > 5_000")

        watched.allow("net::ERR_")
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        await page.reload()
        await expect(state).to_have_text("Ready to speak as Joe, slowly")
        assert server.get("api/default-voice")["origin"] == "choice"


async def test_choice_that_fails_says_why_and_changes_nothing(
    start_web: StartServer, open_page: OpenPage
) -> None:
    server = await asyncio.to_thread(start_web, "--offline", "true", "--presets", SLOWLY)
    (server.data_dir / "default-voice.json").mkdir()
    async with open_page(server.url) as watched:
        watched.allow("status of 507")
        page = watched.page
        await page.get_by_text("Presets", exact=True).click()
        await page.get_by_role("button", name="Use as default: Joe, slowly").click()
        await expect(page.locator(".notice")).to_contain_text("could not be made the default")
        await expect(page.locator("#preset-list .badge")).to_be_hidden()
        await expect(page.locator("#state-text")).to_have_text("Ready to speak as Joe")
