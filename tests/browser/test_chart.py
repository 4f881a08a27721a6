"""Charts of the page, which need a document."""

from __future__ import annotations

import asyncio

from playwright.async_api import expect

from support.browser import OpenPage
from support.web_server import StartServer, WebServer


async def test_lines_show_a_single_moment_and_the_values_of_the_axis(
    server: WebServer, open_page: OpenPage
) -> None:
    async with open_page(server.url) as watched:
        found = await watched.page.evaluate(
            """async () => {
              const { Lines } = await import("./static/chart.js");
              const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
              const lines = new Lines(svg);
              const words = { value: (one) => `${one} MB`, from: "ago", to: "now", label: "" };
              const show = (...moments) => {
                lines.show(moments, [{ name: "a", style: "line-0" }], words);
                return svg.querySelector(".line-mark").getAttribute("d");
              };
              const alone = show({ at: 5, values: { a: 150 } });
              const two = show({ at: 5, values: { a: 150 } }, { at: 35, values: { a: 150 } });
              const texts = [...svg.querySelectorAll("text")].map((text) => text.textContent);
              return [alone, two, texts];
            }"""
        )
        alone, two, texts = found
        assert alone == "M279.0 30.5h0"  # a dot where "now" is, three quarters of the way up
        assert two == "M164.5 30.5h0L279.0 30.5"  # half a minute is half of the least span
        assert texts == ["200 MB", "100 MB", "0", "ago", "now"]


async def test_empty_chart_is_not_drawn(start_web: StartServer, open_page: OpenPage) -> None:
    server = await asyncio.to_thread(start_web, "--offline", "true")
    async with open_page(server.url) as watched:
        page = watched.page
        chart = page.locator("#first-audio-chart")
        speed = page.get_by_role("region", name="Time to the first sound")
        await expect(speed).to_contain_text("Nothing has been spoken yet.")
        await expect(chart).to_be_hidden()
        await page.get_by_role("button", name="Speak", exact=True).click()
        await expect(chart).to_be_visible()
        await expect(chart.locator("path.bar")).to_have_count(1)
