"""Small screens, keyboards, screen readers, five languages, hostile content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from support.browser import OpenPage, take_picture
from support.page_states import ISSUES, show_failure, show_issues, unfold
from support.web_server import WebServer

FILES = {"onnx", "json", "yaml", "wav"}
AXE = os.environ.get("PAGE_TEST_AXE", "")
LANGUAGES = {
    "en": "Ready to speak as Joe",
    "de": "Bereit: Joe kann sprechen",
    "fr": "Prêt à parler avec la voix Joe",
    "es": "Listo para hablar con la voz Joe",
    "nl": "Klaar om te spreken met de stem Joe",
}
CONTRAST = """
() => {
  // Every piece of text against what lies behind it; 4.5, or 3 for large ones (WCAG 2.2 AA).
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const colour = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const [r, g, b, a = 1] = colour(getComputedStyle(node).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !node.checkVisibility()) continue;
    if (node.closest(".quiet[aria-disabled=true], .hidden-text, title, option")) continue;
    const style = getComputedStyle(node);
    const ground = behind(node);
    const opacity = Number(style.opacity);
    const ink = colour(node.closest("svg") ? style.fill : style.color)
      .slice(0, 3)
      .map((value, index) => value * opacity + ground[index] * (1 - opacity));
    const [high, low] = [luminance(ink), luminance(ground)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) {
      faint.push(`${ratio.toFixed(2)} ${node.className} ${walker.currentNode.textContent.trim()}`);
    }
  }
  return faint;
}
"""


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_language_fits_a_small_phone(
    server: WebServer, open_page: OpenPage, language: str
) -> None:
    viewport = {"width": 320, "height": 640}
    async with open_page(server.url, locale=language, viewport=viewport) as watched:
        page = watched.page
        await expect(page.locator("#state-text")).to_have_text(LANGUAGES[language])
        await expect(page.locator("html")).to_have_attribute("lang", language)
        await show_issues(page, server)
        await unfold(page)
        for width in (320, 352, 480):  # what can be had is laid out otherwise from 352 on
            await page.set_viewport_size({"width": width, "height": 640})
            wide = await page.evaluate(
                "[...document.querySelectorAll('body *')]"
                ".filter((node) => node.getBoundingClientRect().right > innerWidth + 0.5"
                " && !node.closest('.hidden-text, .skip, thead')).map((node) => node.outerHTML)"
            )
            assert wide == []
            assert await page.evaluate("document.documentElement.scrollWidth") == width
        untranslated = await page.evaluate(
            "document.body.innerText.match(/\\b[a-z]+(\\.[a-zA-Z]+)+\\b/g)"
        )
        assert not [key for key in untranslated or [] if key.split(".")[-1] not in FILES]


@pytest.mark.parametrize("language", ["en", "de"])
async def test_table_fits_a_tablet_and_a_side_bar(
    server: WebServer, open_page: OpenPage, language: str
) -> None:
    async with open_page(server.url, locale=language) as watched:
        page = watched.page
        await expect(page.locator("#voice-rows tr")).to_have_count(10)
        await show_issues(page, server)
        for width in (720, 768, 993, 1024, 1100, 1200, 1280):
            await page.set_viewport_size({"width": width, "height": 800})
            heights = await page.evaluate(
                "[...document.querySelectorAll('#voice-rows tr:not([aria-busy])')]"
                ".map((row) => row.offsetHeight)"
            )
            assert max(heights) < 100, (width, heights)
            assert await page.evaluate("document.documentElement.scrollWidth") == width


async def test_long_log_does_not_lengthen_the_page(server: WebServer, open_page: OpenPage) -> None:
    async with open_page(server.url) as watched:
        page = watched.page
        await expect(page.locator("#voice-rows tr")).to_have_count(10)
        line = {"level": "warning", "event": "", "params": {}}
        lines = [{**line, "at": 1.0 + at, "text": f"line {at}"} for at in range(200)]
        await show_issues(page, server, recent_log=lines)
        await expect(page.locator("#recent-log-list li")).to_have_count(200)
        end = await page.evaluate("document.querySelector('main').getBoundingClientRect().bottom")
        assert await page.evaluate("document.documentElement.scrollHeight") < end + 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_has_enough_contrast(
    server: WebServer, open_page: OpenPage, scheme: str, pictures: Path | None
) -> None:
    still = {"color_scheme": scheme, "reduced_motion": "reduce"}
    async with open_page(server.url, **still) as watched:
        page = watched.page
        await expect(page.locator("#voice-rows tr")).to_have_count(10)
        await page.get_by_role("button", name="Listen: Joe").click()
        await watched.until("observed.frames > 10_000")
        await page.get_by_role("button", name="Stop: Joe").click()
        await expect(page.locator("#first-audio-chart path")).not_to_have_count(0)
        await watched.until(  # the memory of a moment ago and of now
            "document.querySelector('#memory-chart .line-mark')?.getAttribute('d')?.includes('L')"
        )
        if scheme == "dark":
            await take_picture(page, pictures, "dark", full_page=True)
        assert await page.evaluate(CONTRAST) == []
        await show_issues(page, server)
        assert await page.evaluate(CONTRAST) == []
        await unfold(page)
        for name in ("Install: Alan, low", "Upload", "Repair: en_US", "Restart", "Dismiss"):
            await page.get_by_role("button", name=name).first.hover(force=True)
            assert await page.evaluate(CONTRAST) == []
        for tone in ("wait", "warn", "bad"):
            await page.evaluate("(tone) => document.body.setAttribute('data-tone', tone)", tone)
            assert await page.evaluate(CONTRAST) == []


@pytest.mark.skipif(not AXE, reason="axe-core could not be had: script/test-web --help")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 900), (768, 1024), (390, 720)])
async def test_axe_finds_nothing(
    server: WebServer, open_page: OpenPage, scheme: str, size: tuple[int, int]
) -> None:
    """With issues, then a message too, then a dialog in front of both; folded and unfolded."""
    viewport = {"width": size[0], "height": size[1]}
    async with open_page(server.url, color_scheme=scheme, viewport=viewport) as watched:
        watched.allow("status of 507")
        page = watched.page
        await expect(page.locator("#voice-rows tr")).to_have_count(10)
        await show_issues(page, server)
        assert await axe_findings(page) == []
        await unfold(page)
        await show_failure(page)
        assert await axe_findings(page) == []
        await page.evaluate(
            "document.getElementById('remove-title').textContent = 'Remove Amy?';"
            "document.getElementById('remove-about').textContent = 'Its files are deleted.';"
            "document.getElementById('remove-dialog').showModal()"
        )
        await expect(page.locator(".notice")).to_be_visible()
        assert await axe_findings(page) == []


async def axe_findings(page: Page) -> list[str]:
    """Return what axe-core finds wrong with a page as it is."""
    await page.evaluate(Path(AXE).read_text())
    found = await page.evaluate("axe.run()")
    return [
        f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes']][:3]}"
        for one in found["violations"]
    ]


async def test_every_control_has_a_name_and_role(server: WebServer, open_page: OpenPage) -> None:
    async with open_page(server.url) as watched:
        page = watched.page
        await expect(page.locator("#voice-rows tr")).to_have_count(10)
        await show_issues(page, server)
        session = await page.context.new_cdp_session(page)
        tree = (await session.send("Accessibility.getFullAXTree"))["nodes"]
        nameless = [
            node
            for node in tree
            if node.get("role", {}).get("value")
            in {"button", "checkbox", "combobox", "image", "progressbar", "region", "searchbox"}
            | {"slider", "table", "textbox", "dialog"}
            and not node.get("ignored")
            and not node.get("name", {}).get("value")
        ]
        assert nameless == []
        for role in ("banner", "main", "search", "table"):
            await expect(page.get_by_role(role)).to_have_count(1)
        await expect(page.get_by_role("heading", level=1)).to_have_count(1)
        await expect(page.get_by_role("progressbar", name="Installation: Amy")).to_be_visible()
        button = page.get_by_role("button", name="Repair: en_US-joe-medium")
        await expect(button).to_be_visible()


async def test_repair_button_needs_no_scrolling_on_a_phone(
    server: WebServer, open_page: OpenPage
) -> None:
    async with open_page(server.url, viewport={"width": 360, "height": 640}) as watched:
        page = watched.page
        await show_issues(page, server)
        button = page.get_by_role("button", name="Repair: en_US-joe-medium")
        await expect(button).to_be_in_viewport(ratio=1)
        await expect(page.get_by_role("region", name="State")).to_contain_text(
            "2 things need attention"
        )


async def test_keyboard_reaches_everything(server: WebServer, open_page: OpenPage) -> None:
    async with open_page(server.url) as watched:
        page = watched.page
        await expect(page.locator("#voice-rows tr")).to_have_count(10)
        await page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the voices")
        await expect(skip).to_be_focused()
        await expect(skip).to_be_in_viewport()
        await page.keyboard.press("Tab")
        await expect(page.get_by_label("Text to speak")).to_be_focused()
        await page.keyboard.press("Control+a")
        await page.keyboard.type("Yes.")
        await page.keyboard.press("Control+Enter")
        await watched.until("observed.events.includes('start')")
        reached = set()
        for _ in range(60):
            await page.keyboard.press("Tab")
            reached.add(await page.evaluate("document.activeElement.id"))
            outlined = await page.evaluate(
                "document.activeElement === document.body"
                " || getComputedStyle(document.activeElement).outlineStyle !== 'none'"
            )
            assert outlined, await page.evaluate("document.activeElement.outerHTML")
        assert {"say-voice", "voice-search", "restart-workers", "voice-more"} <= reached


async def test_hostile_content_is_shown_as_text(server: WebServer, open_page: OpenPage) -> None:
    evil = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
    async with open_page(server.url) as watched:
        page = watched.page
        status = server.get("api/status")
        failure = {"kind": evil, "at": evil, "detail": {evil: evil}, "message": evil}
        removed = {"level": "info", "event": "voice-removed", "text": evil}
        issue = {**ISSUES["issues"][0], "id": evil, "subject": evil, "message": evil, "kind": evil}
        await show_issues(
            page,
            server,
            voice=evil,
            default_voice={**status["default_voice"], "name": evil},
            speaks=evil,
            version=evil,
            issues=[issue, ISSUES["issues"][1]],
            workers=[
                {**one, "state": evil, "last_failure": failure, "last_failure_at": 1.0}
                for one in status["workers"]
            ],
            recent_log=[
                {"at": 1.0, "level": evil, "event": evil, "params": {evil: evil}, "text": evil},
                {**removed, "at": 2.0, "params": {"voice": evil}},
            ],
        )
        await expect(page.locator("#recent-log-list")).to_contain_text("<img src=x")
        await expect(page.locator("#state-text")).to_contain_text("<img src=x")
        assert await page.locator("img").count() == 1  # our own
        assert await page.locator("script").count() == 1
