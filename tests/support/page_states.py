"""States of the page that a server seldom is in: jobs and issues at once."""

from __future__ import annotations

import json
from typing import Any

from playwright.async_api import Page, Route, expect

from support.web_server import WebServer

ISSUES: dict[str, list[dict[str, Any]]] = {
    "jobs": [
        {
            "id": "1",
            "voice": "en_US-amy-medium",
            "action": "install",
            "progress": {"step": "fetching", "file": "x", "done": 34_000_000, "total": 63_201_294},
        },
        {
            "id": "2",
            "voice": "en_US-ryan-high",
            "action": "install",
            "progress": {"step": "preparing", "file": "", "done": 0, "total": 0},
        },
    ],
    "issues": [
        {
            "id": "damaged:en_US-joe-medium",
            "kind": "damaged",
            "subject": "en_US-joe-medium",
            "code": "files",
            "params": {},
            "message": "English",
            "suggestion": "repair",
            "applicable": True,
            "dismissible": False,
        },
        {
            "id": "no-space:en_GB-northern_english_male-medium",
            "kind": "no-space",
            "subject": "en_GB-northern_english_male-medium",
            "code": "no-space",
            "params": {},
            "message": "English",
            "suggestion": "free-space",
            "applicable": True,
            "dismissible": True,
        },
    ],
}


async def show_issues(page: Page, server: WebServer, **more: Any) -> None:
    """Show a state with jobs and issues; the stream of events is answered by one event."""
    status = {**server.get("api/status"), **ISSUES, **more}

    async def answer(route: Route) -> None:
        await route.fulfill(
            headers={"Content-Type": "text/event-stream"},
            body=f"retry: 600000\nevent: status\ndata: {json.dumps(status)}\n\n",
        )

    async def answer_status(route: Route) -> None:
        await route.fulfill(json=status)

    await page.route("**/api/events", answer)
    await page.route("**/api/status", answer_status)
    await page.reload()
    await expect(page.locator("#issue-list li")).to_have_count(2)
    await expect(page.locator("#voice-rows progress:visible")).to_have_count(2)


async def unfold(page: Page) -> None:
    """Open what is folded."""
    folded = page.locator("details:not([open]) > summary:visible")
    while await folded.count():
        await folded.first.click()


async def show_failure(page: Page) -> None:
    """Show a message about a failure, its details unfolded; complains about a status of 507."""

    async def refuse(route: Route) -> None:
        await route.fulfill(status=507, json={"error": {"code": "no-space", "message": "English"}})

    await page.route("**/api/workers/restart", refuse)
    await page.locator("#restart-workers").click()
    await page.locator(".notice summary").click()
    await expect(page.locator(".notice .detail")).to_be_visible()
