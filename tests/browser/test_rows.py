"""Rows of the list of voices keep their place while something is installed."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from support.browser import OpenPage
from support.hub import faulty_hub
from support.hub_client import amys_files, every_voice
from support.hub_faults import Fault
from support.web_server import StartServer

AMY = "en_US-amy-medium"
VOICE = "de_DE-pavoque-low"
LONG = 180_000  # milliseconds for what takes a busy machine many seconds

WATCH = """([name, x, y]) => {
  // Every frame: the row under the finger, and the buttons of the voice's own row.
  const rows = [...document.querySelectorAll("#voice-rows tr")];
  const named = (row) => row?.querySelector(".voice-name")?.textContent ?? "";
  const own = rows.find((row) => named(row) === name);
  const found = { under: new Set(), shown: [] };
  const look = () => {
    found.under.add(named(document.elementFromPoint(x, y)?.closest("tr")));
    const visible = [...own.querySelectorAll(".voice-actions button")]
      .filter((button) => button.checkVisibility())
      .map((button) => button.dataset.act);
    const shown = visible.join(" ");
    if (found.shown.at(-1) !== shown) found.shown.push(shown);
    requestAnimationFrame(look);
  };
  look();
  return found;
}"""


@pytest.mark.parametrize(
    "size", [(1280, 900), (768, 1024), (390, 720)], ids=["desktop", "tablet", "phone"]
)
async def test_double_tap_installs_one_voice_whose_row_stays_under_the_finger(
    start_web: StartServer, open_page: OpenPage, size: tuple[int, int]
) -> None:
    viewport = {"width": size[0], "height": size[1]}
    async with faulty_hub(await asyncio.to_thread(every_voice)) as hub:
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        async with open_page(server.url, viewport=viewport, has_touch=True) as watched:
            page = watched.page
            await page.get_by_role("button", name=re.compile("more voices")).tap()
            every = len(server.get("api/voices")["voices"])  # those that can be spoken
            assert every > 170
            await expect(page.locator("#voice-rows tr")).to_have_count(every)
            row = page.get_by_role("row", name=re.compile(VOICE))
            button = row.get_by_role("button", name="Install")
            await button.evaluate("(node) => node.scrollIntoView({ block: 'center' })")
            box = await button.bounding_box()
            assert box is not None
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            found = await page.evaluate_handle(WATCH, [VOICE, x, y])
            await page.touchscreen.tap(x, y)
            await page.touchscreen.tap(x, y)
            await expect(row.get_by_role("progressbar")).to_be_visible()
            await expect(row).to_contain_text("Installed", timeout=LONG)
            await expect(page.get_by_label("Voice", exact=True).locator("option")).to_have_count(2)
            assert await found.evaluate("({ under }) => [...under]") == [VOICE]
            shown = await found.evaluate("({ shown }) => shown")
            installed = "default repair export remove listen"
            assert shown == ["listen install", "listen cancel", installed]
            here = server.get("api/voices?installed=true")["voices"]
            assert {voice["name"] for voice in here} == {"en_US-joe-medium", VOICE}
            assert server.get("api/status")["jobs"] == []
            await page.reload()  # from then on it is with the other installed voices
            await expect(page.locator("#voice-rows tr").nth(1)).to_contain_text(VOICE)


async def test_row_follows_the_answer_although_older_statuses_come_after_it(
    start_web: StartServer, open_page: OpenPage
) -> None:
    """Statuses from before an installation began, and from before it was cancelled, come late."""
    told: dict[str, Any] | None = None
    asked = 0

    async def answer(route: Route) -> None:
        nonlocal asked
        asked += 1
        await (route.continue_() if told is None else route.fulfill(json=told))

    async def late_statuses(page: Page) -> None:
        seen = asked
        while asked < seen + 4:
            await page.clock.fast_forward(6000)
            await asyncio.sleep(0.1)

    async with faulty_hub(amys_files()) as hub:
        hub.fault(Fault.STALL, at=40_000_000)
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        async with open_page(server.url) as watched:
            page = watched.page
            await page.route("**/api/events", lambda _: None)  # so the status is asked for
            await page.route("**/api/status", answer)
            await page.clock.install()
            await page.reload()
            await page.get_by_role("searchbox").fill("amy medium")
            row = page.get_by_role("row", name=re.compile(AMY))
            install, cancel = (row.get_by_role("button", name=one) for one in ("Install", "Cancel"))
            told = await asyncio.to_thread(server.get, "api/status")
            found = await page.evaluate_handle(WATCH, [AMY, 0, 0])
            await install.click()
            await expect(cancel).to_be_visible()
            await late_statuses(page)
            told = None
            await expect(row).to_contain_text("40 of 63 MB", timeout=LONG)
            told = await asyncio.to_thread(server.get, "api/status")
            await cancel.click()
            await expect(install).to_be_visible()
            await late_statuses(page)
            shown = await found.evaluate("({ shown }) => shown")
            assert shown == ["listen install", "listen cancel", "listen install"]
            told = None
            notices = page.get_by_role("status", name="Messages")
            await expect(notices).to_contain_text("The installation of Amy was cancelled.")
            await expect(install).to_be_enabled()
