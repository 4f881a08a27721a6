"""Memory, nodes and listeners of a page that is left open."""

from __future__ import annotations

import asyncio

from playwright.async_api import CDPSession, expect

from support.browser import OpenPage, measured, measures
from support.changing_states import ChangingStates, changing_states
from support.web_server import WebServer

WARM_UP, NEWS = 250, 1000
HEAP = 2_500_000  # bytes that a heap of some megabytes may differ by, garbage collected
NODES = 60  # rows that one state has and another has not
LOOKS = 40


async def test_many_statuses_and_reconnections_leave_nothing_behind(
    server: WebServer, open_page: OpenPage
) -> None:
    async with (
        changing_states(server.url, server.get("api/status")) as news,
        open_page("about:blank") as watched,
    ):
        page = watched.page
        watched.allow("net::ERR_|status of 502")

        async def let_it_draw() -> None:
            await page.evaluate("new Promise(requestAnimationFrame)")

        news.frame = let_it_draw  # type: ignore[method-assign]
        await page.goto(news.url)
        session = await measured(page)
        await _send(news, WARM_UP)
        await expect(page.locator("#recent-log-list")).to_contain_text(f"news {WARM_UP}")
        before = await measures(session)
        await _send(news, NEWS)
        await expect(page.locator("#recent-log-list li").first).to_contain_text(f"news {NEWS}")
        assert await page.locator("#recent-log-list li").count() == 200
        after = await _settled(session, before)
    assert after["nodes"] <= before["nodes"] + NODES, (before, after)
    assert after["listeners"] <= before["listeners"] + NODES, (before, after)
    assert after["heap"] <= before["heap"] + HEAP, (before, after)


async def _settled(session: CDPSession, before: dict[str, float]) -> dict[str, float]:
    """Return the measures once what has been replaced is gone, if it goes at all.

    The browser frees nodes when it has drawn what took their place, not when it is asked to.
    """
    after = await measures(session)
    for _ in range(LOOKS):
        if after["nodes"] <= before["nodes"] + NODES and after["heap"] <= before["heap"] + HEAP:
            break
        await asyncio.sleep(0.5)
        after = await measures(session)
    return after


async def _send(news: ChangingStates, limit: int) -> None:
    news.limit = limit
    async with asyncio.timeout(120):
        while news.sent < limit:  # noqa: ASYNC110 - the page takes it when it takes it
            await asyncio.sleep(0.05)


async def test_repeated_speech_leaves_nothing_behind(
    server: WebServer, open_page: OpenPage
) -> None:
    async with open_page(server.url) as watched:
        page = watched.page
        session = await measured(page)
        await page.get_by_label("Text to speak").fill("Yes.")
        found: list[dict[str, float]] = []
        for times in (4, 12):
            for _ in range(times):
                await page.get_by_role("button", name="Speak", exact=True).click()
                await expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
                await expect(page.get_by_role("button", name="Speak", exact=True)).to_be_visible()
            found.append(await measures(session))
        before, after = found
    assert after["nodes"] <= before["nodes"] + NODES, found
    assert after["heap"] <= before["heap"] + HEAP, found
