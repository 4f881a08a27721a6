"""What will be said is shown as it is written, and how words are said is corrected."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from playwright.async_api import Request, expect

from support.browser import OpenPage, take_picture
from support.web_server import StartServer, WebServer

TYPE_FAST = """(box, text) => {
  // However busy the machine is, there is no pause between two keys.
  box.value = "";
  for (const key of text) {
    box.value += key;
    box.dispatchEvent(new InputEvent("input", { bubbles: true, data: key }));
  }
}"""


async def test_what_will_be_said_is_shown_as_it_is_written(
    server: WebServer, open_page: OpenPage
) -> None:
    async with open_page(server.url) as watched:
        page = watched.page
        said = page.get_by_role("group", name="What will be said").locator("li").first
        await expect(said).to_be_visible()  # of the example
        asked: list[Request] = []
        page.on("request", lambda one: asked.append(one) if one.url.endswith("api/text") else None)
        box = page.get_by_label("Text to speak")
        await box.evaluate(TYPE_FAST, "It is -5 °C.")
        await expect(said).to_have_text("It is minus 5 degrees Celsius.")
        assert len(asked) == 1  # not one for each key
        await page.get_by_label("Phonemes").check()
        await expect(said.locator("code")).to_have_text("ɪɾ ɪz mˈaɪnəs fˈaɪv dᵻɡɹˈiːz sˈɛlsɪʲəs.")
        await box.fill('<speak>One. <break time="2s"/> Two.</speak>')
        await expect(page.locator("#preview-list li")).to_have_count(2)
        await expect(said).to_contain_text("One. (pause of 2\u00a0s)")
        await box.fill(" ")
        await expect(page.locator("#preview")).to_be_hidden()


async def test_a_word_is_added_heard_corrected_and_removed(
    start_web: StartServer, open_page: OpenPage, tmp_path: Path, pictures: Path | None
) -> None:
    folder = tmp_path / "voices"
    folder.mkdir()
    file = folder / "dictionary.yaml"
    server = await asyncio.to_thread(start_web, "--custom-voice-dirs", str(folder))
    async with open_page(server.url) as watched:
        page = watched.page
        await page.get_by_label("Text to speak").fill("The Hue is on.")
        said = page.locator("#preview-list li").first
        await expect(said).to_have_text("The Hue is on.")
        await page.get_by_text("Correct how words are said").click()
        await expect(page.locator("#dictionary-more")).to_have_text("There are none yet.")
        await expect(page.locator("#dictionary-file")).to_contain_text(str(file))
        word, spoken = page.get_by_label("Word", exact=True), page.get_by_label("Is said like")
        await word.fill("Hue")
        await spoken.fill("hyoo hyoo")
        async with page.expect_request("**/api/say") as asked:
            await page.get_by_role("button", name="Hear it").click()
        assert json.loads((await asked.value).post_data or "")["text"] == "hyoo hyoo"
        await watched.until("observed.frames > 5_000")
        await page.get_by_role("button", name="Add", exact=True).click()
        outcome = page.locator("#dictionary-outcome")
        await expect(outcome).to_contain_text("Hue is added.")
        await expect(word).to_be_focused()
        await expect(said).to_have_text("The hyoo hyoo is on.")
        assert file.read_text(encoding="utf-8") == "en:\n  Hue: hyoo hyoo\n"
        await take_picture(page, pictures, "dictionary", full_page=True)

        async with page.expect_request("**/api/say") as asked:
            await page.get_by_role("button", name="Listen: Hue").click()
        assert json.loads((await asked.value).post_data or "")["text"] == "Hue"
        await page.get_by_role("button", name="Correct: Hue").click()
        await expect(spoken).to_be_focused()
        await expect(spoken).to_have_value("hyoo hyoo")
        await expect(word).not_to_be_editable()
        await spoken.fill("hew")
        await spoken.press("Enter")
        await expect(outcome).to_contain_text("Hue is corrected.")
        await expect(page.locator("#dictionary-list")).to_contain_text("Hue → hew")
        await expect(said).to_have_text("The hew is on.")
        assert file.read_text(encoding="utf-8") == "en:\n  Hue: hew\n"

        await page.get_by_role("button", name="Remove: Hue").click()
        await expect(outcome).to_contain_text("Hue is removed.")
        await expect(page.locator("#dictionary-list li")).to_have_count(0)
        await expect(said).to_have_text("The Hue is on.")


async def test_what_somebody_else_has_changed_is_shown_and_nothing_is_lost(
    start_web: StartServer, open_page: OpenPage, tmp_path: Path
) -> None:
    folder = tmp_path / "voices"
    folder.mkdir()
    file = folder / "dictionary.yaml"
    server = await asyncio.to_thread(start_web, "--custom-voice-dirs", str(folder))
    async with open_page(server.url) as watched:
        watched.allow("status of 409")
        page = watched.page
        await page.get_by_text("Correct how words are said").click()
        await expect(page.locator("#dictionary-more")).to_have_text("There are none yet.")
        file.write_text("en:\n  Hue: by hand\n  '?': x\n", encoding="utf-8")
        await page.get_by_label("Word", exact=True).fill("Jerry")
        await page.get_by_label("Is said like").fill("Cherry")
        add = page.get_by_role("button", name="Add", exact=True)
        await add.click()
        outcome = page.locator("#dictionary-outcome")
        await expect(outcome).to_contain_text("Jerry: nothing has been changed.")
        await expect(outcome).to_contain_text("has changed meanwhile")
        await expect(page.locator("#dictionary-list li")).to_contain_text("Hue → by hand")
        await expect(page.locator("#dictionary-errors li")).to_contain_text("line 3:")
        await expect(page.locator("#issue-list")).to_contain_text("dictionary.yaml")
        await expect(page.get_by_label("Is said like")).to_have_value("Cherry")
        await add.click()
        await expect(page.locator("#dictionary-list li")).to_have_count(2)
        content = "en:\n  Hue: by hand\n  '?': x\n  Jerry: Cherry\n"
        assert file.read_text(encoding="utf-8") == content


async def test_who_may_only_look_sees_the_words_and_no_form(
    server: WebServer, open_page: OpenPage
) -> None:
    async with open_page(server.url) as watched:
        page = watched.page
        await page.get_by_text("Correct how words are said").click()
        await expect(page.locator("#dictionary-form")).to_be_visible()
        await page.evaluate("document.body.dataset.access = 'look'")
        await expect(page.locator("#dictionary-form")).to_be_hidden()
        await expect(page.locator("#dictionary-about")).to_be_visible()
