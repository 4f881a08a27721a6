"""The state on the page, while the server runs, stops and starts."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Route, expect

from support.browser import OpenPage
from support.hub import faulty_hub
from support.hub_client import amys_files
from support.hub_faults import Fault
from support.voices import SINGLE, SINGLE_CONFIG
from support.web_server import StartServer, WebServer

READY = "Ready to speak as Joe"
JOE, AMY = "en_US-joe-medium", "en_US-amy-medium"
NEEDS_SERVER = [
    re.compile("^Speak$"),
    *(re.compile(f"^{name}: ") for name in ("Check and repair", "Listen", "Install")),
    *(re.compile(f"^{name}$") for name in ("Get the newest list", "Upload", "Restart")),
    *(re.compile(f"^{name}$") for name in ("Add", "Hear it", "Correct: GIF", "Remove: GIF")),
]
LONG = 180_000  # milliseconds for what takes a busy machine many seconds


async def test_state_voices_workers_and_log_are_shown(
    server: WebServer, open_page: OpenPage
) -> None:
    async with open_page(server.url) as watched:
        page = watched.page
        await expect(page.get_by_role("region", name="State")).to_contain_text(READY)
        await expect(page).to_have_title(re.compile(READY))
        row = page.get_by_role("row", name=re.compile("en_US-joe-medium"))
        await expect(row).to_contain_text("English (United States)")
        await expect(row).to_contain_text("Default")
        await expect(page.get_by_text(re.compile(r"^Engine \d+$"))).to_have_count(2)
        await expect(page.get_by_role("region", name="Needs attention")).to_be_hidden()
        line = page.locator("#recent-log-list [data-event=web-listening]")
        await expect(line).to_contain_text("This page is served at http://127.0.0.1:")
        await expect(page.locator("#version")).to_have_text("Version 0.1.0")


async def test_voices_are_searched_and_filtered(server: WebServer, open_page: OpenPage) -> None:
    async with open_page(server.url) as watched:
        page = watched.page
        rows = page.locator("#voice-rows tr")
        await expect(rows).to_have_count(10)
        await page.get_by_role("searchbox").fill("german thorsten")
        await expect(rows).to_have_count(4)
        await page.get_by_label("Quality", exact=True).select_option(label="high")
        await expect(rows).to_have_count(1)
        await expect(rows).to_contain_text("de_DE-thorsten-high")
        await page.get_by_label("Quality", exact=True).select_option(index=0)
        for sought in ("en-GB", "francais", "espanol", "deutschland"):
            await page.get_by_role("searchbox").fill(sought)
            assert await rows.count() > 3
        await page.get_by_role("searchbox").fill("klingon")
        await expect(page.get_by_text("No voices match your search.")).to_be_visible()
        await page.get_by_role("button", name="Show all voices").click()
        await page.locator("#voice-language").select_option(label="Welsh (United Kingdom)")
        await expect(rows).to_have_count(2)
        await page.locator("#voice-language").select_option(index=0)
        await page.get_by_label("Show", exact=True).select_option(label="Installed")
        await expect(rows).to_have_count(1)
        await page.get_by_label("Show", exact=True).select_option(label="All voices")
        await page.get_by_role("button", name=re.compile("more voices")).click()
        assert await rows.count() > 150
        japanese = rows.filter(has_text="Japanese")
        await expect(japanese).to_have_count(1)  # listed with the reason, but not offered
        await expect(japanese).to_contain_text("Cannot be used here")
        await expect(japanese.get_by_role("button", name="Install")).to_have_count(0)


@pytest.mark.parametrize(
    ("languages", "first"),
    [(["en-US"], "en_US-"), (["it-IT", "en-US"], "it_IT-"), (["de-AT", "de"], "de_DE-")],
)
async def test_voices_of_the_readers_languages_come_first(
    server: WebServer, open_page: OpenPage, languages: list[str], first: str
) -> None:
    async with open_page("about:blank") as watched:
        page = watched.page
        await page.add_init_script(
            f"Object.defineProperty(navigator, 'languages', {{ get: () => {languages} }})"
        )
        await page.goto(server.url)
        await expect(page.locator("#voice-rows tr").nth(1)).to_contain_text(first)


async def test_page_without_translation_shows_connecting(
    server: WebServer, open_page: OpenPage
) -> None:
    async with open_page("about:blank") as watched:
        page = watched.page
        watched.allow("status of 502|uncaught")

        async def refuse(route: Route) -> None:
            await route.fulfill(status=502, body="")

        await page.route("**/locales/*", refuse)
        await page.goto(server.url)
        await expect(page.get_by_text("Connecting…")).to_be_visible()


async def test_unreadable_list_of_voices_can_be_read_again(
    server: WebServer, open_page: OpenPage
) -> None:
    async with open_page("about:blank") as watched:
        page = watched.page
        watched.allow("status of 503")

        async def refuse(route: Route) -> None:
            await route.fulfill(status=503, body="")

        await page.route("**/api/voices", refuse)
        await page.goto(server.url)
        await expect(page.get_by_text("The list of voices cannot be read.")).to_be_visible()
        await page.unroute("**/api/voices")
        await page.get_by_role("button", name="Try again").click()
        await expect(page.locator("#voice-rows tr")).to_have_count(10)
        await expect(page.get_by_text("The list of voices cannot be read.")).to_be_hidden()


async def test_caller_without_permission_sees_no_changing_controls(
    server: WebServer, open_page: OpenPage
) -> None:
    """A proxy that says so passes the page on to somebody elsewhere."""
    elsewhere = {"X-Forwarded-For": "192.168.1.9"}
    async with open_page(server.url, extra_http_headers=elsewhere) as watched:
        page = watched.page
        await expect(page.get_by_text("From here you can look and listen.")).to_be_visible()
        await expect(page.locator("#voice-rows tr")).to_have_count(10)
        await expect(page.get_by_role("button", name="Listen: Joe")).to_be_visible()
        for name in ("Install", "Restart", "Check and repair"):
            await expect(page.get_by_role("button", name=name)).to_have_count(0)
        await expect(page.get_by_text("Add a voice of your own")).to_be_hidden()


async def test_default_voice_being_installed_is_shown_and_then_chosen(
    start_web: StartServer, open_page: OpenPage
) -> None:
    async with faulty_hub(amys_files()) as hub:
        hub.fault(Fault.STALL, at=40_000_000, times=1)
        flags = ("--hub-endpoint", hub.endpoint, "--voice", AMY)
        server = await asyncio.to_thread(start_web, *flags)
        async with open_page(server.url) as watched:
            page, state = watched.page, watched.page.locator("#state-text")
            await expect(state).to_have_text("Amy is being installed; Joe speaks until then")
            await expect(page.get_by_role("region", name="Needs attention")).to_be_hidden()
            await expect(page.get_by_label("Voice", exact=True)).to_have_value(JOE)
            hub.release()
            await expect(state).to_have_text("Ready to speak as Amy", timeout=LONG)
            await expect(page.get_by_label("Voice", exact=True)).to_have_value(AMY)


async def test_server_stop_and_start_are_shown(start_web: StartServer, open_page: OpenPage) -> None:
    server = await asyncio.to_thread(start_web)
    async with open_page(server.url) as watched:
        page, state = watched.page, watched.page.get_by_role("region", name="State")
        watched.allow("net::ERR_")
        await expect(state).to_contain_text(READY)
        await page.get_by_text("Correct how words are said").click()
        await page.get_by_label("Word", exact=True).fill("GIF")
        await page.get_by_role("button", name="Add", exact=True).click()
        await expect(page.locator("#dictionary-list")).to_contain_text("GIF")
        await page.get_by_text("Add a voice of your own").click()
        await page.get_by_label("Files of the voice").set_input_files([SINGLE, SINGLE_CONFIG])
        pids = {worker["pid"] for worker in server.get("api/status")["workers"]}
        for _ in range(2):
            assert await asyncio.to_thread(server.stop) == 0
            await expect(state).to_contain_text("Connection lost")
            for name in NEEDS_SERVER:
                await expect(page.get_by_role("button", name=name).first).to_be_disabled()
            await page.get_by_role("searchbox").fill("german")  # new rows, too
            rows = page.locator("#voice-rows tr")
            await expect(rows.first).to_contain_text("German")
            install = page.get_by_role("button", name=re.compile("^Install: "))
            await expect(page.locator("#voice-rows button:enabled")).to_have_count(0)
            await expect(install.first).to_be_disabled()
            await page.get_by_role("searchbox").fill("")
            await asyncio.to_thread(server.start)
            await expect(state).to_contain_text(READY)
            for name in NEEDS_SERVER:
                await expect(page.get_by_role("button", name=name).first).to_be_enabled()
            workers = server.get("api/status")["workers"]
            assert not pids & {worker["pid"] for worker in workers}
            for worker in workers:
                await expect(page.locator("#worker-list")).to_contain_text(str(worker["pid"]))


async def test_workers_are_restarted(start_web: StartServer, open_page: OpenPage) -> None:
    server = await asyncio.to_thread(start_web)
    async with open_page(server.url) as watched:
        page, workers = watched.page, watched.page.locator("#worker-list")
        pids = [str(worker["pid"]) for worker in server.get("api/status")["workers"]]
        for pid in pids:
            await expect(workers).to_contain_text(pid)
        # One that is only starting is fresh already, and left alone.
        await expect(workers.get_by_text("running")).to_have_count(2)
        await page.get_by_role("button", name="Restart").click()
        await expect(page.get_by_role("status", name="Messages")).to_contain_text("successor")
        for pid in pids:
            await expect(workers).not_to_contain_text(pid)
        await expect(workers.get_by_text("running")).to_have_count(2)


async def test_refused_page_shows_that(server: WebServer, open_page: OpenPage) -> None:
    async with open_page(server.url) as watched:
        watched.allow("status of 403")
        page = watched.page

        async def refuse(route: Route) -> None:
            error = {"code": "access-denied", "message": "not from here", "retryable": False}
            await route.fulfill(status=403, json={"error": error})

        await page.route("**/api/*", refuse)
        await page.reload()
        await expect(page.locator("#state-text")).to_have_text(
            "The server does not let this page in"
        )
