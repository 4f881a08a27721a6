"""A real browser, and a page of it that tells of everything that is not as it should be."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from playwright.async_api import (
    Browser,
    CDPSession,
    ConsoleMessage,
    Error,
    Page,
    async_playwright,
)

CHROMIUM = os.environ.get("PAGE_TEST_BROWSER", "")
"""The browser's program; set by ``script/test-web``."""

_PATIENCE = 30.0

_OBSERVE = """
// Before anything of the page runs: note what its policy stopped, and what was given to the
// loudspeaker. The page itself is not changed.
window.observed = { violations: [], events: [], peak: 0, frames: 0 };
document.addEventListener("securitypolicyviolation", (event) =>
  observed.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when) {
  const samples = this.buffer.getChannelData(0);
  observed.peak = Math.max(observed.peak, ...samples.map(Math.abs));
  observed.frames += samples.length;
  observed.events.push("start");
  return start.call(this, when);
};
const read = ReadableStreamDefaultReader.prototype.read;
ReadableStreamDefaultReader.prototype.read = async function () {
  const result = await read.call(this);
  if (result.done) observed.events.push("end");
  return result;
};
"""


class Watched:
    """A page whose rate_limit are kept. What a test expects, it names in `allow`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._allowed: list[str] = []
        self._rate_limit: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._rate_limit.append(f"uncaught: {error}"))

    def allow(self, pattern: str) -> None:
        """From now on such rate_limit are expected."""
        self._allowed.append(pattern)

    async def observed(self) -> dict[str, Any]:
        """What the page gave to the loudspeaker."""
        found: dict[str, Any] = await self.page.evaluate("observed")
        return found

    async def until(self, condition: str) -> None:
        """Wait for an expression of the page; Playwright's own wait breaks the page's policy."""
        async with asyncio.timeout(_PATIENCE):
            while not await self.page.evaluate(condition):  # noqa: ASYNC110 - it sends no event
                await asyncio.sleep(0.05)

    async def rate_limit(self) -> list[str]:
        """Everything that nobody expected."""
        found = [*(await self.observed())["violations"], *self._rate_limit]
        return [text for text in found if not any(re.search(one, text) for one in self._allowed)]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            where = message.location.get("url", "")
            self._rate_limit.append(f"{message.type}: {message.text} ({where})")


OpenPage = Callable[..., contextlib.AbstractAsyncContextManager[Watched]]
"""Opens an address; further arguments are Playwright's for a context."""


@contextlib.asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    arguments = ["--autoplay-policy=no-user-gesture-required", "--no-proxy-server"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # it refuses to start as root with one
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM or None, args=arguments)
        try:
            yield started
        finally:
            await started.close()


@contextlib.asynccontextmanager
async def watched_page(chromium: Browser, **options: Any) -> AsyncIterator[Watched]:
    """A page in a context of its own; on leaving nothing unexpected may have happened."""
    options = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **options}
    context = await chromium.new_context(**options)
    try:
        await context.add_init_script(_OBSERVE)
        page = await context.new_page()
        watched = Watched(page)
        yield watched
        rate_limit = await watched.rate_limit()
        assert not rate_limit, rate_limit
    finally:
        with contextlib.suppress(Error):
            await context.close()


async def figures(session: CDPSession) -> dict[str, float]:
    """What the page holds after a collection of garbage: heap in bytes, nodes, listeners."""
    for _ in range(2):
        await session.send("HeapProfiler.collectGarbage")
    metrics = (await session.send("Performance.getMetrics"))["metrics"]
    values = {one["name"]: one["value"] for one in metrics}
    return {
        "heap": values["JSHeapUsedSize"],
        "nodes": values["Nodes"],
        "listeners": values["JSEventListeners"],
        "frames": values["Frames"],
    }


async def measured(page: Page) -> CDPSession:
    """A session for `figures`."""
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    await session.send("HeapProfiler.enable")
    return session


async def take_picture(page: Page, folder: Path | None, name: str, **options: Any) -> None:
    """Write a picture for the documentation, if a folder was asked for."""
    if folder is not None:
        await page.evaluate("document.activeElement?.blur()")
        await page.mouse.move(0, 0)
        await page.screenshot(path=folder / f"{name}.png", animations="disabled", **options)
