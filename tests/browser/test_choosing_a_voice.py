"""A voice is chosen by ear, from its sample to a preset that is the default and goes again.

The same steps in every language of the page, by keyboard alone or by a finger on a phone.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest
from playwright.async_api import Locator, Page, expect

import wyoming_piper_hardened
from browser.test_accessibility import AXE, axe_findings
from browser.test_phone import PHONE, SMALL
from support.browser import OpenPage, Watched
from support.hub import faulty_hub
from support.hub_voices import AMY, CARD_TEXT, JOE, amys_files, with_speakers
from support.web_server import StartServer

PRESET = "Amy, slowly"
LONG = 120_000  # milliseconds for what takes a busy machine many seconds
TABS = 150  # more than there are controls
KEY_TOWARDS = """(node) => {
  const active = document.activeElement;
  if (node === active) return "";
  const before = node.compareDocumentPosition(active) & Node.DOCUMENT_POSITION_FOLLOWING;
  return before && active !== document.body ? "Shift+Tab" : "Tab";
}"""
LOCALES = Path(wyoming_piper_hardened.__file__).parent / "web" / "static" / "locales"


class Person(Protocol):
    """Someone who uses the page with one device."""

    async def press(self, control: Locator) -> None: ...

    async def write(self, field: Locator, text: str) -> None: ...

    async def choose(self, field: Locator, value: str) -> None: ...


class Keyboard:
    """Reaches every control with the Tab key."""

    options: ClassVar[dict[str, Any]] = {}

    def __init__(self, page: Page) -> None:
        self._page = page

    async def press(self, control: Locator) -> None:
        await expect(control).not_to_have_attribute("aria-disabled", "true")
        await self._reach(control)
        await self._page.keyboard.press("Enter")

    async def write(self, field: Locator, text: str) -> None:
        await self._reach(field)
        await self._page.keyboard.type(text)

    async def choose(self, field: Locator, value: str) -> None:
        await self._reach(field)
        for _ in range(await field.locator("option").count()):
            if await field.input_value() == value:
                break
            await self._page.keyboard.press("ArrowDown")
        await expect(field).to_have_value(value)

    async def _reach(self, control: Locator) -> None:
        await expect(control).to_be_visible()
        for _ in range(TABS):
            key = await control.evaluate(KEY_TOWARDS)
            if not key:
                return
            await self._page.keyboard.press(key)
        raise AssertionError(f"no key leads to {control}")


class Finger:
    """Taps on a phone."""

    options: ClassVar[dict[str, Any]] = PHONE

    def __init__(self, page: Page) -> None:
        self._page = page

    async def press(self, control: Locator) -> None:
        await expect(control).not_to_have_attribute("aria-disabled", "true")
        await control.tap()

    async def write(self, field: Locator, text: str) -> None:
        await field.tap()
        await self._page.keyboard.type(text)

    async def choose(self, field: Locator, value: str) -> None:
        await field.select_option(value)


@dataclass
class Visit:
    """An open page in one language, and its user."""

    watched: Watched
    person: Person
    words: dict[str, str]

    def __post_init__(self) -> None:
        self.page = self.watched.page
        self.row = self.page.get_by_role("row", name=re.compile(AMY))
        self.presets = self.page.locator("#presets")
        self.preset = self.presets.get_by_role("listitem").filter(has_text=PRESET)

    def button(self, within: Locator, text: str, **values: str) -> Locator:
        return within.get_by_role("button", name=self.words[text].format(**values))

    async def check(self) -> None:
        """Look at the page as it is: for axe, and for fingers."""
        assert await axe_findings(self.page) == []
        if isinstance(self.person, Finger):
            assert await self.page.evaluate(SMALL) == []
            assert await self.page.evaluate("document.documentElement.scrollWidth") == 390

    async def hear(self, button: Locator) -> None:
        """Listen to the end."""
        await self.page.evaluate("observed.frames = 0")
        await self.person.press(button)
        await self.watched.until("observed.frames > 5_000", LONG / 1000)
        listen = re.compile(self.words["voice.listen"])
        await expect(button).to_have_accessible_name(listen, timeout=LONG)

    async def speaks(self, name: str) -> None:
        """Wait until the page says that `name` is the default, and can speak."""
        ready = self.words["state.ready"].format(voice=name)
        await expect(self.page.locator("#state-text")).to_have_text(ready)

    async def hear_sample(self) -> None:
        search = self.page.get_by_role("searchbox", name=self.words["voices.search"])
        await self.person.write(search, AMY)
        await self.hear(self.button(self.row, "voice.listen"))
        await self.check()

    async def install(self) -> None:
        await self.person.press(self.row.locator(".voice-title"))
        dialog = self.page.get_by_role("dialog", name=re.compile("Amy"))
        await expect(dialog.get_by_text(self.words["about.license"], exact=True)).to_be_visible()
        await expect(dialog.locator("#about-license")).to_have_text("CC0")
        await self.check()
        await self.person.press(self.button(dialog, "voice.install"))
        installed = self.words["voice.state.installed"]
        await expect(self.row.locator(".badge")).to_have_text(installed, timeout=LONG)

    async def make_preset(self) -> None:
        await self.person.press(self.presets.locator("summary"))
        form = self.presets.locator("form")
        name = form.get_by_label(self.words["presets.name"], exact=True)
        await self.person.write(name, PRESET)
        await self.person.choose(form.get_by_label(self.words["presets.voice"]), AMY)
        await self.hear(self.button(form, "voice.listen"))
        await self.check()
        await self.person.press(self.button(form, "presets.make"))
        saved = self.words["presets.saved"].format(name=PRESET)
        await expect(self.page.locator("#preset-outcome")).to_contain_text(saved)

    async def use_as_default(self) -> None:
        await self.person.press(self.button(self.preset, "voice.default"))
        await expect(self.preset.locator(".badge.default")).to_be_visible()  # now nothing moves
        await self.speaks(PRESET)
        await self.hear(self.button(self.preset, "voice.listen"))
        await self.check()

    async def remove_preset(self) -> None:
        await self.person.press(self.presets.locator("summary"))
        await self.person.press(self.button(self.preset, "presets.remove", name=PRESET))
        await expect(self.preset).to_have_count(0)
        await self.speaks("Joe")

    async def remove_voice(self) -> None:
        search = self.page.get_by_role("searchbox", name=self.words["voices.search"])
        await self.person.write(search, AMY)
        await self.person.press(self.button(self.row, "voice.remove"))
        dialog = self.page.get_by_role("dialog")
        await expect(dialog).to_contain_text(self.words["remove.fromRepository"])
        await self.check()
        await self.person.press(self.button(dialog, "remove.remove"))
        available = self.words["voice.state.available"]
        await expect(self.row.locator(".badge")).to_have_text(available)


@pytest.mark.skipif(not AXE, reason="axe-core could not be had: script/test-web --help")
@pytest.mark.parametrize(
    ("language", "device"),
    [("en", Keyboard), ("de", Finger), ("fr", Keyboard), ("es", Finger), ("nl", Keyboard)],
)
async def test_voice_is_heard_installed_preset_and_made_the_default(
    start_web: StartServer, open_page: OpenPage, language: str, device: type[Keyboard | Finger]
) -> None:
    words = json.loads((LOCALES / f"{language}.json").read_text())
    async with faulty_hub(with_speakers(amys_files(card=CARD_TEXT), 1)) as hub:
        server = await asyncio.to_thread(start_web, "--hub-endpoint", hub.endpoint)
        await asyncio.to_thread(server.post, "api/catalogue/refresh")
        async with open_page(server.url, locale=language, **device.options) as watched:
            visit = Visit(watched, device(watched.page), words)
            await visit.hear_sample()
            await visit.install()
            await visit.make_preset()
            await visit.use_as_default()

            watched.allow("net::ERR_")
            await asyncio.to_thread(server.stop)
            await expect(visit.page.locator("#state-text")).to_have_text(words["state.lost"])
            await asyncio.to_thread(server.start)
            await visit.page.reload()
            await visit.speaks(PRESET)
            assert server.get("api/default-voice")["name"] == PRESET

            await visit.remove_preset()
            await visit.remove_voice()
            assert server.get("api/default-voice")["name"] == JOE
            assert server.get("api/presets")["presets"] == []
