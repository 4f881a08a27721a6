"""Speech is played while it is made, can be stopped, and its failures are shown."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playwright.async_api import Page, Route, expect

from support.browser import OpenPage, take_picture
from support.ingress import ingress
from support.web_server import StartServer, WebServer

LONG = "The washing machine has finished, and the dryer is waiting for you. " * 6


async def speak(page: Page, text: str) -> None:
    await page.get_by_label("Text to speak").fill(text)
    await page.get_by_role("button", name="Speak", exact=True).click()


async def test_speech_plays_before_the_answer_has_ended(
    server: WebServer, open_page: OpenPage, pictures: Path | None
) -> None:
    async with ingress(server.url) as proxy, open_page(proxy.url) as watched:
        page = watched.page
        await expect(page.locator("#voice-rows tr")).to_have_count(10)
        proxy.hold_after = 150_000  # 3.4 s of audio; the rest waits until we say so
        await speak(page, LONG)
        await watched.until("observed.frames > 60_000")
        observed = await watched.observed()
        assert "end" not in observed["events"]
        assert observed["peak"] > 0.05  # it is no silence
        outcome = page.locator("#say-outcome")
        await expect(outcome).to_contain_text("made so far")
        await expect(outcome).to_have_attribute("aria-live", "off")  # it changes all the time
        await watched.until(
            "document.getElementById('say-wave').getContext('2d')"
            ".getImageData(0, 0, 4, 200).data.some((value) => value)"
        )
        await take_picture(page, pictures, "speaking")
        proxy.release()
        await expect(outcome).to_contain_text("in all", timeout=120_000)  # real speech
        await expect(outcome).to_have_attribute("aria-live", "polite")
        await watched.until("observed.frames > 300_000")
        await page.get_by_role("button", name="Stop", exact=True).click()
        await expect(page.get_by_role("button", name="Speak", exact=True)).to_be_enabled()


async def test_speech_plays_to_its_end(server: WebServer, open_page: OpenPage) -> None:
    async with open_page(server.url) as watched:
        await speak(watched.page, "Yes.")
        await watched.until("observed.events.includes('end')")
        await expect(watched.page.get_by_role("button", name="Speak", exact=True)).to_be_visible()
        events = (await watched.observed())["events"]
        assert events[0] == "start"


async def test_preset_is_chosen_like_a_voice_and_heard(
    start_web: StartServer, open_page: OpenPage
) -> None:
    slowly = '[{"name": "Joe, slowly", "voice": "en_US-joe-medium", "length_scale": 1.3}]'
    server = await asyncio.to_thread(start_web, "--offline", "true", "--presets", slowly)
    async with open_page(server.url) as watched:
        page = watched.page
        lengths = []
        for choice in (0, "Joe, slowly – English (United States)"):
            choose = page.get_by_label("Voice", exact=True)
            if isinstance(choice, str):
                await choose.select_option(label=choice)
            before = (await watched.observed())["frames"]
            await speak(page, "The cooker is still on.")
            await expect(page.locator("#say-outcome")).to_contain_text("in all")
            await expect(page.get_by_role("button", name="Speak", exact=True)).to_be_visible()
            lengths.append((await watched.observed())["frames"] - before)
        assert 1.15 < lengths[1] / lengths[0] < 1.45


async def test_double_click_speaks_once(server: WebServer, open_page: OpenPage) -> None:
    async with open_page(server.url) as watched:
        page = watched.page
        await page.get_by_label("Text to speak").fill("Yes.")
        await page.get_by_role("button", name="Speak", exact=True).dblclick()
        await expect(page.locator("#say-outcome")).to_contain_text("in all")


async def test_text_without_words_is_no_failure(
    start_web: StartServer, open_page: OpenPage
) -> None:
    server = await asyncio.to_thread(start_web)
    async with open_page(server.url) as watched:
        page = watched.page
        await speak(page, "🙂")
        outcome = page.locator("#say-outcome")
        await expect(outcome).to_have_text("There is nothing to say in this text. ")
        await speak(page, "Yes.")
        await expect(page.locator("#first-audio-chart .bar")).to_have_count(1)
        await expect(page.locator("#first-audio-chart .cross")).to_have_count(0)
        await expect(page.locator("#first-audio-summary")).not_to_contain_text("failed")


async def test_empty_text_is_told_of_and_outcomes_end_with_their_text(
    server: WebServer, open_page: OpenPage
) -> None:
    async with open_page(server.url) as watched:
        page = watched.page
        outcome = page.locator("#say-outcome")
        await speak(page, "  ")
        await expect(outcome).to_have_text("There is nothing to say in this text. ")
        await speak(page, "Yes.")
        await expect(outcome).to_contain_text("in all")
        await expect(page.get_by_role("button", name="Speak", exact=True)).to_be_visible()
        await page.get_by_label("Text to speak").press_sequentially("No.")
        await expect(outcome).to_have_text("You hear it while it is still being made. ")


async def test_speech_is_stopped(server: WebServer, open_page: OpenPage) -> None:
    async with ingress(server.url) as proxy, open_page(proxy.url) as watched:
        page = watched.page
        proxy.hold_after = 60_000
        await speak(page, LONG)
        await watched.until("observed.frames > 10_000")
        await page.get_by_role("button", name="Stop", exact=True).click()
        await expect(page.get_by_role("button", name="Speak", exact=True)).to_be_visible()
        await expect(page.locator("#say-outcome")).not_to_have_class("failed")
        await expect(page.locator("#say-outcome")).to_have_text("Stopped.")


async def test_sample_of_a_voice_plays_and_stops(server: WebServer, open_page: OpenPage) -> None:
    async with open_page(server.url) as watched:
        page = watched.page
        await page.get_by_role("button", name="Listen: Joe").click()
        await expect(page.get_by_role("button", name="Stop: Joe")).to_be_visible()
        await watched.until("observed.frames > 10_000")
        await page.get_by_role("button", name="Stop: Joe").click()
        await expect(page.get_by_role("button", name="Listen: Joe")).to_be_visible()


async def test_broken_connection_shows_incomplete_speech(
    server: WebServer, open_page: OpenPage
) -> None:
    async with ingress(server.url) as proxy, open_page(proxy.url) as watched:
        watched.allow("net::ERR_")
        proxy.hold_after, proxy.cut = 60_000, True
        await speak(watched.page, LONG)
        await watched.until("observed.frames > 10_000")
        proxy.release()
        outcome = watched.page.locator("#say-outcome")
        await expect(outcome).to_contain_text("That could not be spoken. The answer broke off")
        await expect(watched.page.get_by_role("button", name="Speak", exact=True)).to_be_visible()


async def test_silent_server_does_not_block_the_button(
    server: WebServer, open_page: OpenPage
) -> None:
    async with open_page(server.url) as watched:
        page = watched.page
        await expect(page.locator("#voice-rows tr")).to_have_count(10)

        async def never(_: Route) -> None:
            pass

        await page.route("**/api/status", never)
        await speak(page, "Yes.")
        outcome = page.locator("#say-outcome")
        await expect(outcome).to_contain_text("The answer broke off")
        await expect(page.get_by_role("button", name="Speak", exact=True)).to_be_visible()
        await page.unroute("**/api/status")


async def test_refused_speech_is_explained(server: WebServer, open_page: OpenPage) -> None:
    async with open_page(server.url) as watched:
        watched.allow("status of 404")
        page = watched.page
        await expect(page.locator("#say-voice option")).to_have_count(1)
        # The voice is removed by somebody else in the very moment.
        await page.evaluate("document.querySelector('#say-voice option').value = 'en_US-gone-low'")
        await speak(page, "Hello.")
        outcome = page.locator("#say-outcome")
        await expect(outcome).to_contain_text("could not be spoken. This voice is not there.")
