"""Fingers on a phone: targets that are large enough, cards that are folded."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from support.browser import OpenPage
from support.page_states import show_failure, show_issues, unfold
from support.web_server import WebServer

PHONE = {"viewport": {"width": 390, "height": 720}, "has_touch": True, "is_mobile": True}

SMALL = """() => {
  // Everything that a finger presses; a check box is pressed by its label, too.
  const selector = "button, a[href], select, input, textarea, summary, [role=button]";
  const small = [];
  for (const node of document.querySelectorAll(selector)) {
    if (!node.checkVisibility() || node.closest(".hidden-text, .skip")) continue;
    const target = node.type === "checkbox" ? node.closest("label") : node;
    const { width, height } = target.getBoundingClientRect();
    if (width < 44 || height < 44) {
      small.push(`${width.toFixed(1)} x ${height.toFixed(1)}: ${target.outerHTML.slice(0, 160)}`);
    }
  }
  return small;
}"""


@pytest.mark.parametrize("language", ["en", "de"])
async def test_targets_are_large_enough_for_fingers(
    server: WebServer, open_page: OpenPage, language: str
) -> None:
    async with open_page(server.url, locale=language, **PHONE) as watched:
        watched.allow("status of 507")
        page = watched.page
        await expect(page.locator("#voice-rows tr")).to_have_count(10)
        assert await page.evaluate(SMALL) == []
        await show_issues(page, server)
        await unfold(page)
        await show_failure(page)
        assert await page.evaluate(SMALL) == []
        await page.evaluate("document.getElementById('remove-dialog').showModal()")
        assert await page.evaluate(SMALL) == []


async def test_targets_of_a_tablet_are_large_enough(server: WebServer, open_page: OpenPage) -> None:
    tablet = {"viewport": {"width": 1024, "height": 1366}, "has_touch": True, "is_mobile": True}
    async with open_page(server.url, **tablet) as watched:
        page = watched.page
        await expect(page.locator("#voice-rows tr")).to_have_count(10)
        await show_issues(page, server)
        await unfold(page)
        assert await page.evaluate(SMALL) == []


async def test_cards_of_operators_are_folded_on_a_phone_and_stay_as_they_were_left(
    server: WebServer, open_page: OpenPage
) -> None:
    async with open_page(server.url, **PHONE) as watched:
        page = watched.page
        cards = page.locator("details.card")
        opened = page.locator("details.card[open]")
        await expect(cards).to_have_count(4)
        await expect(opened).to_have_count(0)
        await expect(page.locator("#recent-log-list")).to_be_hidden()
        await page.get_by_role("heading", name="What happened").tap()
        await expect(page.locator("#recent-log-list")).to_be_visible()
        await page.reload()
        await expect(opened).to_have_count(1)
        await expect(page.locator("#recent-log-list")).to_be_visible()
        await page.get_by_role("heading", name="What happened").tap()
        await page.reload()
        await expect(page.locator("body.loading")).to_have_count(0)
        await expect(opened).to_have_count(0)
    async with open_page(server.url) as watched:
        await expect(watched.page.locator("details.card[open]")).to_have_count(4)
