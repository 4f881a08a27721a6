"""What is spoken is saved as a file; text, voice and volume are remembered; addresses to copy."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import wave
from pathlib import Path

from playwright.async_api import Download, Page, expect

from support.browser import OpenPage
from support.web_server import WebServer

TEXT = "The cooker is still on."


async def save(page: Page, button: str, folder: Path) -> Path:
    """Save what is in the box; return the file."""
    async with page.expect_download() as download:
        await page.get_by_role("button", name=button).click()
    file = await download.value
    target = folder / file.suggested_filename
    await file.save_as(target)
    return target


def seconds(file: Path) -> float:
    """Return the length that the header of a WAV file gives, which is that of what follows."""
    with wave.open(str(file)) as opened:
        frames = opened.getnframes()
        assert len(opened.readframes(frames)) == 2 * frames * opened.getnchannels()
        assert file.stat().st_size == 44 + 2 * frames
        return float(frames / opened.getframerate())


async def test_speech_is_saved_with_its_true_length(
    server: WebServer, open_page: OpenPage, tmp_path: Path
) -> None:
    async with open_page(server.url) as watched:
        page = watched.page
        await page.get_by_label("Text to speak").fill(TEXT)
        file = await save(page, "Save as WAV", tmp_path)
        assert file.name == "en_US-joe-medium.wav"
        length = await asyncio.to_thread(seconds, file)
        assert 0.5 < length < 10
        await expect(page.locator("#say-outcome")).to_have_text("en_US-joe-medium.wav is complete.")
        await page.get_by_label("Speed").fill("2")
        fast = await asyncio.to_thread(seconds, await save(page, "Save as WAV", tmp_path))
        assert 0.35 < fast / length < 0.75
        mp3 = await save(page, "Save as MP3", tmp_path)
        assert mp3.name == "en_US-joe-medium.mp3"
        data = await asyncio.to_thread(mp3.read_bytes)
        assert data[:3] == b"ID3" or data[0] == 0xFF
        assert 0.5 < len(data) / 10_000 / fast < 2  # 80 kbit/s


async def test_nothing_to_say_is_no_file(server: WebServer, open_page: OpenPage) -> None:
    async with open_page(server.url) as watched:
        page = watched.page
        saved: list[Download] = []

        def save_it(download: Download) -> None:  # a method of a list cannot be wrapped
            saved.append(download)

        page.on("download", save_it)
        outcome = page.locator("#say-outcome")
        for text in ("  ", "\N{GRINNING FACE}"):
            for button in ("Save as WAV", "Save as MP3"):
                await page.get_by_label("Text to speak").fill(text)
                await expect(outcome).not_to_contain_text("nothing to say")
                await page.get_by_role("button", name=button).click()
                await expect(outcome).to_have_text("There is nothing to say in this text.")
        assert saved == []


async def test_failed_file_is_explained(server: WebServer, open_page: OpenPage) -> None:
    async with open_page(server.url) as watched:
        watched.allow("status of 4..")
        page = watched.page
        await page.get_by_label("Text to speak").fill("a" * 100_001)
        await page.get_by_role("button", name="Save as MP3").click()
        outcome = page.locator("#say-outcome")
        await expect(outcome).to_contain_text("The file could not be made.")
        await expect(outcome).to_contain_text("The text is too long")
        await expect(page.get_by_role("button", name="Save as MP3")).to_be_enabled()


async def test_text_voice_and_volume_are_remembered(server: WebServer, open_page: OpenPage) -> None:
    async with open_page(server.url) as watched:
        page = watched.page
        text, volume = page.get_by_label("Text to speak"), page.get_by_label("Volume")
        await expect(page.get_by_label("Voice", exact=True)).to_have_value("en_US-joe-medium")
        example = await text.input_value()
        await text.fill(TEXT)
        await volume.fill("50")
        await page.reload()
        await expect(text).to_have_value(TEXT)
        await expect(volume).to_have_value("50")
        await expect(page.locator("#say-volume-value")).to_have_text("50%")
        await text.fill("")
        await page.reload()
        await expect(text).to_have_value(example)
        assert await page.evaluate("localStorage.getItem('piper-hardened.text')") is None


async def test_remembered_voice_is_chosen_when_it_is_there(
    server: WebServer, open_page: OpenPage
) -> None:
    async with open_page("about:blank") as watched:
        page = watched.page
        await page.add_init_script("localStorage.setItem('piper-hardened.voice', 'gone')")
        await page.goto(server.url)
        await expect(page.get_by_label("Voice", exact=True)).to_have_value("en_US-joe-medium")


LOUDNESS = """
window.loudness = [];
const create = AudioContext.prototype.createGain;
AudioContext.prototype.createGain = function () {
  const gain = create.call(this);
  loudness.push(gain);
  return gain;
};
"""


async def test_volume_changes_what_sounds(server: WebServer, open_page: OpenPage) -> None:
    async with open_page("about:blank") as watched:
        page = watched.page
        await page.add_init_script(LOUDNESS)
        await page.goto(server.url)
        await page.get_by_label("Volume").fill("50")
        await page.get_by_label("Text to speak").fill(" ".join([TEXT] * 10))
        await page.get_by_role("button", name="Speak", exact=True).click()
        await watched.until("observed.frames > 10_000")
        assert await page.evaluate("loudness.map(({ gain }) => gain.value)") == [0.25]
        await page.get_by_label("Volume").fill("0")
        assert await page.evaluate("loudness.map(({ gain }) => gain.value)") == [0]
        await page.get_by_role("button", name="Stop", exact=True).click()


async def test_addresses_for_other_programs_are_copied(
    server: WebServer, open_page: OpenPage, tmp_path: Path
) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    async with open_page(server.url, permissions=permissions) as watched:
        page = watched.page
        card = page.get_by_role("region", name="Connect")
        copied = []
        for name in ("Wyoming (Home Assistant)", "Base URL for clients of OpenAI", "command line"):
            row = card.locator(".connect-row", has_text=name)
            await row.get_by_role("button", name="Copy").click()
            await expect(row.get_by_role("button", name="Copied")).to_be_visible()
            copied.append(await page.evaluate("navigator.clipboard.readText()"))
        wyoming, openai, curl = copied
        assert wyoming == f"tcp://127.0.0.1:{server.wyoming_port}"
        assert openai == f"{server.url}v1"
        command = shlex.split(curl)
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=tmp_path, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert 0.2 < await asyncio.to_thread(seconds, tmp_path / "hello.wav") < 5
