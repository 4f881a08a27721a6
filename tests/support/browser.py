"""A real browser, and pages that record every complaint of it."""

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
    Locator,
    Page,
    async_playwright,
    expect,
)

CHROMIUM = os.environ.get("PAGE_TEST_BROWSER", "")
"""The browser's program; set by ``script/test-web``."""

_TIMEOUT = 30.0

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
    """A page whose complaints are kept; a test names those that it expects in `allow`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._allowed: list[str] = []
        self._complaints: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._complaints.append(f"uncaught: {error}"))

    def allow(self, pattern: str) -> None:
        """Expect complaints like this from now on."""
        self._allowed.append(pattern)

    def complain(self, text: str) -> None:
        """Keep a complaint of the test's own."""
        self._complaints.append(text)

    async def observed(self) -> dict[str, Any]:
        """Return what the page gave to the loudspeaker."""
        found: dict[str, Any] = await self.page.evaluate("observed")
        return found

    async def until(self, condition: str, seconds: float = _TIMEOUT) -> None:
        """Wait for an expression of the page; Playwright's own wait breaks the page's policy."""
        async with asyncio.timeout(seconds):
            while not await self.page.evaluate(condition):  # noqa: ASYNC110 - it sends no event
                await asyncio.sleep(0.05)

    async def complaints(self) -> list[str]:
        """Return every complaint that was not expected."""
        found = [*(await self.observed())["violations"], *self._complaints]
        return [text for text in found if not any(re.search(one, text) for one in self._allowed)]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            where = message.location.get("url", "")
            self._complaints.append(f"{message.type}: {message.text} ({where})")


OpenPage = Callable[..., contextlib.AbstractAsyncContextManager[Watched]]
"""Opens an address; further arguments are Playwright's for a context."""


@contextlib.asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Run Chromium without a window."""
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
    """Open a page in a context of its own; fail on leaving if it complained."""
    options = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **options}
    context = await chromium.new_context(**options)
    try:
        await context.add_init_script(_OBSERVE)
        page = await context.new_page()
        watched = Watched(page)
        yield watched
        complaints = await watched.complaints()
        assert not complaints, complaints
    finally:
        with contextlib.suppress(Error):
            await context.close()


async def press(button: Locator) -> None:
    """Press a button by keyboard once it can be pressed; Playwright waits for that with a mouse."""
    await expect(button).to_be_enabled()
    await button.press("Enter")


async def measures(session: CDPSession) -> dict[str, float]:
    """Return what the page holds after a garbage collection: heap in bytes, nodes, listeners."""
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
    """Return a session for `measures`."""
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
