"""Presets are made, heard, changed and removed on the page."""

from __future__ import annotations

import asyncio
import json

import pytest
from playwright.async_api import Locator, Page, expect

from support.browser import OpenPage, press
from support.web_server import StartServer

FIXED = '[{"name": "Joe at night", "voice": "en_US-joe-medium", "volume": 0.3}]'


async def opened(page: Page) -> Locator:
    """Open the presets; return the form."""
    await page.get_by_text("Presets", exact=True).click()
    await expect(page.locator("#preset-voice option")).not_to_have_count(0)
    return page.locator("#preset-form")


async def test_preset_is_made_the_default_heard_and_removed_with_the_keyboard(
    start_web: StartServer, open_page: OpenPage
) -> None:
    server = await asyncio.to_thread(start_web, "--offline", "true")
    async with open_page(server.url) as watched:
        page = watched.page
        keys = page.keyboard
        form = await opened(page)
        await expect(page.locator("#preset-none")).to_contain_text("none yet")
        await form.get_by_label("Name").focus()
        await keys.type("Oma, langsam")
        await form.get_by_label("How fast").focus()
        for _ in range(4):
            await keys.press("ArrowLeft")
        await expect(page.locator("#preset-speed-value")).to_have_text("0.8")
        await expect(page.locator("#preset-volume-value")).to_have_text("as set")
        await form.get_by_label("After the last word").focus()
        await keys.type("0.5")
        hear = form.get_by_role("button", name="Listen")
        await hear.focus()
        async with page.expect_request("**/api/say") as asked:
            await keys.press("Enter")
        said = json.loads((await asked.value).post_data or "")
        assert (said["length_scale"], said["silence_after"], said["volume"]) == (1.25, 0.5, None)
        await watched.until("observed.frames > 5_000")
        await expect(hear).to_be_visible()  # again, once it has been heard
        await form.get_by_role("button", name="Make it").focus()
        await keys.press("Enter")
        outcome = page.locator("#preset-outcome")
        await expect(outcome).to_contain_text("Oma, langsam is saved.")
        await expect(form.get_by_label("Name")).to_be_focused()
        (preset,) = server.get("api/presets")["presets"]
        assert (preset["name"], preset["length_scale"]) == ("Oma, langsam", 1.25)
        assert (preset["silence_after"], preset["volume"]) == (0.5, None)

        row = page.locator("#preset-list li")
        await row.get_by_role("button", name="Use as default: Oma, langsam").focus()
        await keys.press("Enter")
        await expect(row.locator(".badge")).to_be_visible()
        state = page.locator("#state-text")
        await expect(state).to_have_text("Ready to speak as Oma, langsam")
        async with page.expect_request("**/api/say") as asked:
            await press(row.get_by_role("button", name="Listen: Oma, langsam"))
        assert json.loads((await asked.value).post_data or "")["voice"] == "Oma, langsam"

        watched.allow("net::ERR_|api/text")  # of who has just been removed
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        await page.reload()
        await expect(state).to_have_text("Ready to speak as Oma, langsam")
        await opened(page)
        await press(row.get_by_role("button", name="Remove: Oma, langsam"))
        await expect(outcome).to_contain_text("Oma, langsam is removed.")
        await expect(row).to_have_count(0)
        await expect(state).to_have_text("Ready to speak as Joe")
        await expect(form.get_by_label("Name")).to_be_focused()


async def test_preset_is_changed_and_what_is_not_on_the_form_stays(
    start_web: StartServer, open_page: OpenPage
) -> None:
    server = await asyncio.to_thread(start_web, "--offline", "true", "--presets", FIXED)
    async with open_page(server.url) as watched:
        watched.allow("status of 409")
        page = watched.page
        form = await opened(page)
        fixed = page.locator("#preset-list li", has_text="Joe at night")
        await expect(fixed).to_contain_text("from the settings")
        for name in ("Change", "Remove"):
            await expect(fixed.get_by_role("button", name=name)).to_be_hidden()
        # Somebody else makes one, and it is here at once.
        options = {"voice": "en_US-joe-medium", "length_scale": 3, "noise_scale": 0.1}
        options |= {"dictionary": ["a = b", "c = d"]}
        made = await page.evaluate(
            """async (options) => (await fetch("api/presets/Mine", { method: "PUT",
              headers: { "Content-Type": "application/json" },
              body: JSON.stringify(options) })).status""",
            options,
        )
        assert made == 200
        await page.get_by_role("button", name="Change: Mine").click()
        await expect(form.get_by_label("Name")).not_to_be_editable()
        await form.get_by_label("How loud").press("ArrowLeft")
        words = form.get_by_label("Words said otherwise")
        await expect(words).to_have_value("a = b\nc = d")
        await words.fill("a = b\n\n e = f ")
        await form.get_by_role("button", name="Save").click()
        outcome = page.locator("#preset-outcome")
        await expect(outcome).to_contain_text("Mine is saved.")
        mine = server.get("api/presets")["presets"][1]
        assert (mine["length_scale"], mine["noise_scale"], mine["volume"]) == (3, 0.1, 0.95)
        assert mine["dictionary"] == ["a = b", "e = f"]

        for name, why in (("mine", "already"), ("Joe at night", "settings")):
            await form.get_by_label("Name").fill(name)
            await form.get_by_role("button", name="Make it").click()
            await expect(outcome).to_contain_text(f"{name}: nothing has been changed.")
            await expect(outcome).to_contain_text(why)
            await expect(form.get_by_label("Name")).to_have_value(name)
        assert server.get("api/presets")["presets"][1] == mine


@pytest.mark.parametrize("width", [320, 390])
async def test_form_fits_a_phone(start_web: StartServer, open_page: OpenPage, width: int) -> None:
    long = [{"name": "W" * 60, "voice": "en_US-joe-medium"}]
    server = await asyncio.to_thread(start_web, "--offline", "true", "--presets", json.dumps(long))
    viewport = {"width": width, "height": 720}
    phone = {"viewport": viewport, "has_touch": True, "is_mobile": True, "locale": "de"}
    async with open_page(server.url, **phone) as watched:
        page = watched.page
        await page.get_by_text("Voreinstellungen", exact=True).tap()
        await expect(page.locator("#preset-list li")).to_have_count(1)
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        small = await page.evaluate(
            "[...document.querySelectorAll('#presets :is(button, input, select)')]"
            ".filter((node) => node.checkVisibility())"
            ".map((node) => node.getBoundingClientRect())"
            ".filter(({ width, height }) => width < 44 || height < 44).length"
        )
        assert small == 0
