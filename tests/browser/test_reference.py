"""The reference of the API in a real browser, under the policy of every page."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from browser.test_accessibility import AXE, axe_findings
from support.browser import OpenPage
from support.web_server import WebServer


@pytest.mark.skipif(not AXE, reason="axe-core could not be had: script/test-web --help")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
async def test_reference_is_readable_everywhere(
    server: WebServer, open_page: OpenPage, scheme: str, width: int
) -> None:
    viewport = {"width": width, "height": 900}
    async with open_page(server.url, color_scheme=scheme, viewport=viewport) as watched:
        page = watched.page
        await page.get_by_role("link", name="The API, for programs").click()
        await expect(page.locator("h1")).to_contain_text("API")
        await page.get_by_role("link", name="Voices", exact=True).click()
        await expect(page.locator("#of-Voices")).to_be_in_viewport()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert await axe_findings(page) == []
