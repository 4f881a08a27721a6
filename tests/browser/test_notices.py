"""Messages: a failure is reported once, where it is seen, and covers no button."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import expect

from support.browser import OpenPage
from support.page_states import show_issues
from support.web_server import StartServer, WebServer

AMY = "en_US-amy-medium"
SIZES: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "tablet": {"viewport": {"width": 768, "height": 1024}, "has_touch": True},
    "phone": {"viewport": {"width": 390, "height": 720}, "has_touch": True, "is_mobile": True},
}

COVERED = """() => {
  const [notice] = document.querySelectorAll(".notice");
  const one = notice.getBoundingClientRect();
  const covers = (other) => one.left < other.right && other.left < one.right
    && one.top < other.bottom && other.top < one.bottom;
  const outside = one.left < 0 || one.right > innerWidth || one.top < 0 || one.bottom > innerHeight;
  return (outside ? ["the edge"] : []).concat(
    [...document.querySelectorAll("button, a[href], input, select, textarea, summary")]
      .filter((node) => !notice.contains(node) && node.checkVisibility())
      .filter((node) => !node.closest(".hidden-text, .skip"))
      .filter((node) => !node.matches(".voice-title"))  // a name: a phone has no other room
      .filter((node) => covers(node.getBoundingClientRect()))
      .map((node) => node.outerHTML.slice(0, 120)));
}"""


async def test_failure_with_its_card_on_the_screen_is_reported_by_the_card_alone(
    start_web: StartServer, open_page: OpenPage
) -> None:
    server = await asyncio.to_thread(start_web, "--offline", "true")
    viewport = {"width": 1280, "height": 1600}  # the card and the row at once
    async with open_page(server.url, viewport=viewport) as watched:
        watched.allow("status of 4..")
        page = watched.page
        await page.get_by_role("searchbox").fill("amy medium")
        await page.get_by_role("button", name="Install: Amy").click()
        issues = page.get_by_role("region", name="Needs attention")
        await expect(issues.get_by_role("heading", name=f"Amy ({AMY})")).to_be_in_viewport(ratio=1)
        state = page.get_by_role("region", name="State")
        await expect(state).to_contain_text("1 thing needs attention")
        await expect(page.locator("body")).to_have_attribute("data-tone", "good")  # Joe speaks
        await asyncio.sleep(1)  # a message would have come by now
        await expect(page.get_by_role("status", name="Messages")).to_be_empty()


@pytest.mark.parametrize("size", SIZES)
async def test_failure_with_its_card_off_the_screen_is_a_message_that_covers_no_button(
    start_web: StartServer, open_page: OpenPage, size: str
) -> None:
    server = await asyncio.to_thread(start_web, "--offline", "true")
    async with open_page(server.url, **SIZES[size]) as watched:
        watched.allow("status of 4..")
        page = watched.page
        await page.get_by_role("button", name=re.compile("more voices")).click()
        button = page.get_by_role("button", name="Install: Pavoque, low")
        await button.evaluate("(node) => node.scrollIntoView({ block: 'center' })")
        await button.click()
        notices = page.get_by_role("status", name="Messages")
        await expect(notices.locator(".notice")).to_have_count(1)
        await expect(notices).to_contain_text("Pavoque could not be installed.")
        assert await page.evaluate(COVERED) == []
        await notices.get_by_text("Details").click()
        # The browser tells of opened details in a task of its own, and the message moves then.
        await page.wait_for_function(f"() => !({COVERED})().length")
        issues = page.get_by_role("region", name="Needs attention")
        await expect(issues).to_contain_text("(de_DE-pavoque-low) is not installed")
        await page.evaluate("scrollTo(0, 0)")
        # The next status finds the card on the screen: once is enough.
        await expect(notices).to_be_empty()


@pytest.mark.parametrize("connection", ["secure", "insecure"])
async def test_technical_details_are_folded_and_copied(
    server: WebServer, open_page: OpenPage, connection: str
) -> None:
    options: dict[str, Any] = {"permissions": ["clipboard-read", "clipboard-write"]}
    async with open_page("about:blank", **options) as watched:
        page = watched.page
        if connection == "insecure":  # there browsers have no clipboard
            await page.add_init_script(
                "Object.defineProperty(navigator, 'clipboard', { get: () => undefined })"
            )
        await page.goto(server.url)
        await show_issues(page, server)
        card = page.locator("#issue-list li").first
        detail = card.locator(".technical .detail")
        await expect(detail).to_be_hidden()
        await card.get_by_text("Details").click()
        await expect(detail).to_be_visible()
        await page.evaluate(  # as without a connection: a report is wanted most then
            "document.querySelectorAll('fieldset').forEach((one) => { one.disabled = true; })"
        )
        await expect(card.get_by_role("button", name="Repair")).to_be_disabled()
        await card.get_by_role("button", name="Copy").click()
        await expect(card.get_by_role("button", name="Copied")).to_be_focused()
        search = page.get_by_role("searchbox")
        await search.focus()
        await page.keyboard.press("Control+v")
        await expect(search).to_have_value("English")
        await expect(card.get_by_role("button", name="Copy", exact=True)).to_be_visible()
