"""Voices are installed, cancelled, repaired, added and removed on the page."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from playwright.async_api import Page, expect

from support.browser import OpenPage, take_picture
from support.hub import faulty_hub
from support.hub_client import NEWEST, amys_files, tiny_files
from support.hub_faults import Fault
from support.web_server import StartServer, WebServer

AMY = "en_US-amy-medium"
LONG = 180_000  # milliseconds for what takes a busy machine many seconds


async def count_requests(page: Page, path: str) -> list[str]:
    """Return a list that fills with the requested addresses that end so."""
    found: list[str] = []
    page.on("request", lambda one: found.append(one.url) if one.url.endswith(path) else None)
    return found


async def test_installation_shows_progress(
    start_web: StartServer, open_page: OpenPage, pictures: Path | None
) -> None:
    async with faulty_hub(amys_files()) as hub:
        hub.fault(Fault.STALL, at=40_000_000, times=1)
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        async with open_page(server.url) as watched:
            page = watched.page
            await page.get_by_role("searchbox").fill("amy medium")
            row = page.get_by_role("row", name=re.compile(AMY))
            asked = await count_requests(page, "/install")
            await row.get_by_role("button", name="Install").dblclick()
            progress = row.get_by_role("progressbar")
            await expect(progress).to_have_attribute("value", "0.633", timeout=LONG)
            await expect(row).to_contain_text("40 of 63 MB")
            await page.get_by_role("searchbox").fill("")
            await take_picture(page, pictures, "installing")
            await row.get_by_role("button", name="Cancel").focus()
            hub.release()
            notices = page.get_by_role("status", name="Messages")
            await expect(notices).to_contain_text("Amy is installed", timeout=LONG)
            assert len(asked) == 1
            await expect(row).to_contain_text("Installed")
            await expect(row.get_by_role("button", name="Use as default")).to_be_focused()
            await expect(progress).to_be_hidden()
            await row.get_by_role("button", name="Listen").click()
            await watched.until("observed.frames > 10_000")
            options = page.locator("#say-voice option")
            await expect(options).to_have_count(2)
            assert not [one for one in server.get("api/status")["issues"] if AMY in one["subject"]]


async def test_newer_voice_is_found_by_the_search_and_installed(
    start_web: StartServer, open_page: OpenPage
) -> None:
    async with faulty_hub(tiny_files("newest")) as hub:
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        async with open_page(server.url) as watched:
            page = watched.page
            voices = page.get_by_role("region", name="Voices")
            await expect(voices).to_contain_text("that came with this version")
            row = page.get_by_role("row", name=re.compile(NEWEST))
            await expect(row).to_have_count(0)
            await page.get_by_role("searchbox").fill("newest")
            await row.get_by_role("button", name="Install").click(timeout=LONG)
            await expect(row).to_contain_text("Installed", timeout=LONG)
            await expect(voices).to_contain_text("from just now")
            fetched = len(hub.seen)
            await page.get_by_role("searchbox").fill("nobody at all")
            await expect(voices).to_contain_text("The newest list of the voice repository has none")
            assert len(hub.seen) == fetched  # within the same minute


async def test_list_is_refreshed_by_the_button(start_web: StartServer, open_page: OpenPage) -> None:
    async with faulty_hub(tiny_files("newest")) as hub:
        hub.fault(Fault.NOT_FOUND, times=1)
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        async with open_page(server.url, locale="de-DE") as watched:
            watched.allow("status of (4|5)..")
            page = watched.page
            notices = page.get_by_role("status", name="Meldungen")
            refresh = page.get_by_role("button", name="Neueste Liste holen")
            await refresh.click()
            await expect(notices).to_contain_text("konnte nicht geholt werden", timeout=LONG)
            await refresh.click()
            await expect(notices).to_contain_text("auf dem neuesten Stand", timeout=LONG)
            await expect(page.locator("#voice-age")).to_contain_text("gerade geholt")
            row = page.get_by_role("row", name=re.compile(NEWEST))
            await page.get_by_role("searchbox").fill("newest")
            await expect(row).to_be_visible()


async def test_offline_list_is_not_refreshed(server: WebServer, open_page: OpenPage) -> None:
    async with open_page(server.url) as watched:
        page = watched.page
        voices = page.get_by_role("region", name="Voices")
        stays = "The server is set to stay offline, so no newer list is fetched."
        await expect(page.locator("#voice-age")).to_contain_text(stays)
        await expect(page.get_by_role("button", name="Get the newest list")).to_be_hidden()
        asked = await count_requests(page, "/catalogue/refresh?if_due=true")
        await page.get_by_role("searchbox").fill("nobody at all")
        await expect(page.locator("#voice-further")).to_contain_text(stays)
        await expect(voices).not_to_contain_text("Asking")
        assert asked == []


PRESS_AS_SOON_AS_SEEN = """(label) => {
  const pressed = { times: 0 };
  const observer = new MutationObserver(() => {
    const button = document.querySelector(`button[aria-label="${label}"]:not([hidden])`);
    if (!button) return;
    observer.disconnect();
    pressed.times += 1;
    button.click();
  });
  observer.observe(document.body, { subtree: true, attributes: true });
  return pressed;
}"""


async def test_an_installation_is_cancelled(start_web: StartServer, open_page: OpenPage) -> None:
    """The second click of a double click does not cancel; only what happened is shown."""
    async with faulty_hub(amys_files()) as hub:
        hub.fault(Fault.NOT_FOUND, times=1)
        hub.fault(Fault.STALL, at=40_000_000)
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        async with open_page(server.url) as watched:
            page = watched.page
            await page.get_by_role("searchbox").fill("amy medium")
            row = page.get_by_role("row", name=re.compile(AMY))
            notices = page.get_by_role("status", name="Messages")
            await row.get_by_role("button", name="Install").click()
            issues = page.get_by_role("region", name="Needs attention")
            await expect(issues).to_contain_text(f"Amy ({AMY}) is not installed", timeout=LONG)
            cancel = row.get_by_role("button", name="Cancel")
            cancels = await count_requests(page, "/cancel")
            pressed = await page.evaluate_handle(PRESS_AS_SOON_AS_SEEN, "Cancel: Amy, medium")
            await row.get_by_role("button", name="Install").click()
            await expect(row).to_contain_text("40 of 63 MB", timeout=LONG)
            assert await pressed.evaluate("({ times }) => times") == 1
            assert cancels == []
            await cancel.dblclick()
            await expect(notices).to_contain_text("The installation of Amy was cancelled.")
            await expect(notices).not_to_contain_text("could not be")
            await expect(row.get_by_role("button", name="Install")).to_be_enabled()
            assert server.get("api/status")["jobs"] == []


async def test_failed_installation_becomes_an_issue_with_a_button(
    start_web: StartServer, open_page: OpenPage
) -> None:
    async with faulty_hub(amys_files()) as hub:
        hub.fault(Fault.NOT_FOUND)
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        async with open_page(server.url) as watched:
            watched.allow("status of (4|5)..")  # the answer that says so
            page = watched.page
            await page.get_by_role("searchbox").fill("amy medium")
            await page.get_by_role("button", name="Install: Amy").click()
            issues = page.get_by_role("region", name="Needs attention")
            await expect(issues).to_contain_text(f"Amy ({AMY}) is not installed", timeout=LONG)
            await expect(issues.get_by_role("button", name=f"Install: {AMY}")).to_be_enabled()
            await issues.get_by_role("button", name=f"Dismiss: {AMY}").click()
            await expect(issues).to_be_hidden()
            assert server.get("api/status")["issues"] == []


async def test_immediate_failure_is_explained_in_the_readers_language(
    start_web: StartServer, open_page: OpenPage
) -> None:
    server = await asyncio.to_thread(start_web, "--offline", "true")
    async with open_page(server.url, locale="de-DE") as watched:
        watched.allow("status of (4|5)..")
        page = watched.page
        await page.get_by_role("searchbox").fill("amy medium")
        await page.get_by_role("button", name="Installieren: Amy").click()
        issues = page.get_by_role("region", name="Handlungsbedarf")
        await expect(issues).to_contain_text(f"Amy ({AMY}) ist nicht installiert")
        await expect(issues).to_contain_text("Der Server soll offline bleiben.")
        await expect(issues).not_to_contain_text("Das hat nicht geholfen.")
        await issues.get_by_role("button", name=f"Installieren: {AMY}").click()
        await expect(issues).to_contain_text("Das hat nicht geholfen.")
        await expect(issues).to_contain_text("Der Server soll offline bleiben.")
        await page.get_by_role("button", name="Installieren: Amy").click()  # nothing new to show
        notices = page.get_by_role("status", name="Meldungen")
        await expect(notices).to_contain_text("Amy konnte nicht installiert werden.")
        await expect(notices).to_contain_text("Der Server soll offline bleiben.")
        await notices.get_by_role("button", name="Schließen").click()
        await expect(notices).to_be_empty()


async def test_damaged_voice_is_repaired_by_the_button(
    start_web: StartServer, open_page: OpenPage, pictures: Path | None
) -> None:
    server = await asyncio.to_thread(start_web, "--auto-repair", "false")
    (part,) = server.data_dir.glob("voices/en_US-joe-medium/*-*/encoder.onnx")
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 0xFF
    part.write_bytes(data)
    async with open_page(server.url) as watched:
        page = watched.page
        issues = page.get_by_role("region", name="Needs attention")
        await expect(page.get_by_text("Ready to speak")).to_be_visible()
        await expect(issues).to_be_hidden()
        await asyncio.to_thread(server.post, "api/voices/en_US-joe-medium/verify")
        await expect(issues).to_contain_text("Joe (en_US-joe-medium) is damaged", timeout=LONG)
        state = page.get_by_role("region", name="State")
        await expect(state).to_contain_text("1 thing needs attention")
        await take_picture(page, pictures, "issue")
        await page.set_viewport_size({"width": 390, "height": 720})
        await take_picture(page, pictures, "phone")
        await page.set_viewport_size({"width": 1280, "height": 900})
        await issues.get_by_role("button", name="Repair").click()
        await expect(issues).to_be_hidden(timeout=LONG)
        notices = page.get_by_role("status", name="Messages")
        await expect(notices).to_contain_text("Joe is in order.", timeout=LONG)
        await page.get_by_role("button", name="Listen: Joe").click()
        await watched.until("observed.frames > 10_000")


async def test_custom_voice_is_uploaded_and_removed(
    start_web: StartServer, open_page: OpenPage, model: Path, tmp_path: Path
) -> None:
    own = tmp_path / "kitchen-robot.onnx"
    own.write_bytes(model.read_bytes())
    config = Path(f"{own}.json")
    config.write_bytes(Path(f"{model}.json").read_bytes())
    (tmp_path / "other.json").write_text("{}")
    server = await asyncio.to_thread(start_web)
    async with open_page(server.url) as watched:
        page = watched.page
        await page.get_by_text("Add a voice of your own").click()
        files = page.get_by_label("Files of the voice")
        await files.set_input_files([own])
        await expect(page.locator("#upload-hint")).to_contain_text(
            "kitchen-robot.onnx.json is missing"
        )
        await files.set_input_files([own, tmp_path / "other.json"])
        await expect(page.locator("#upload-hint")).to_contain_text("do not match")
        upload = page.get_by_role("button", name="Upload")
        await expect(upload).to_be_disabled()
        await files.set_input_files([own, config])
        await upload.click()
        row = page.get_by_role("row", name=re.compile("kitchen-robot"))
        await expect(row).to_contain_text("Your own", timeout=LONG)
        await row.get_by_role("button", name="Remove").click()
        dialog = page.get_by_role("dialog", name="Remove kitchen-robot")
        await dialog.press("Escape")
        await expect(dialog).to_be_hidden()
        await expect(row).to_be_visible()
        await row.get_by_role("button", name="Remove").click()
        await dialog.get_by_role("button", name="Remove").click()
        await expect(row).to_have_count(0, timeout=LONG)
        await expect(page.get_by_role("region", name="Voices")).to_be_focused()
        names = [voice["name"] for voice in server.get("api/voices")["voices"]]
        assert "kitchen-robot" not in names


async def test_invalid_upload_is_explained(
    start_web: StartServer, open_page: OpenPage, tmp_path: Path
) -> None:
    own = tmp_path / "robot.onnx"
    own.write_bytes(b"<html>" * 1000)
    config = Path(f"{own}.json")
    config.write_text("{}")
    server = await asyncio.to_thread(start_web)
    async with open_page(server.url) as watched:
        watched.allow("status of 4..")
        page = watched.page
        await page.get_by_text("Add a voice of your own").click()
        await page.get_by_label("Files of the voice").set_input_files([own, config])
        await page.get_by_role("button", name="Upload").click()
        notices = page.get_by_role("status", name="Messages")
        await expect(notices).to_contain_text("robot.onnx was not accepted.", timeout=LONG)
        reason = notices.locator(".reason")
        await expect(reason).to_contain_text("no usable Piper voice")
        await expect(reason).to_contain_text("web page")
        happened = page.get_by_role("region", name="What happened")
        await expect(happened).to_contain_text("robot could not be installed")
        await expect(notices.locator(".notice")).to_have_count(1)  # and none says otherwise
        await expect(page.get_by_role("region", name="Needs attention")).to_be_hidden()
