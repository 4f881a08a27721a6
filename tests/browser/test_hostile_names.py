"""Names that strangers chose are text on the page, and nothing else."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

from playwright.async_api import expect

from support.browser import OpenPage
from support.voices import SINGLE, SINGLE_CONFIG, VOICES
from support.web_server import StartServer, WebServer

LONG = 180_000  # milliseconds for what takes a busy machine many seconds
MARKUP = (
    "<img src=x onerror=alert(1)>",
    "</option></select><script>document.title='taken'</script>",
    "javascript:alert(1)",
    "&lt;b&gt; ${document.title} {{name}} {name}",
    "\u202eright to left\u2066\u200d",
    "line\nbreak\u2028\x07\x1b[31m",
    "\"'` onmouseover='alert(1)'",
    "__proto__",
    "constructor",
    "e\u0301" * 40,
)


def put_voices(folder: Path) -> None:
    """Put a good voice with hostile speakers into a folder, and files with hostile names."""
    folder.mkdir()
    for name in (*MARKUP[2:6], MARKUP[0]):
        shutil.copy(SINGLE, folder / f"{name.replace('/', '')}.onnx")
        shutil.copy(SINGLE_CONFIG, folder / f"{name.replace('/', '')}.onnx.json")
    config = json.loads((VOICES / "many_speakers.onnx.json").read_bytes())
    config["speaker_id_map"] = {name: number % 5 for number, name in enumerate(MARKUP)}
    config["language"] = {"code": "en_US", "name_native": MARKUP[0], "country_english": MARKUP[1]}
    (folder / "hostile.onnx.json").write_text(json.dumps(config))
    shutil.copy(VOICES / "many_speakers.onnx", folder / "hostile.onnx")
    (folder / "dictionary.yaml").write_text("<script>alert(1)</script>: [\u202e")


async def test_hostile_names_are_only_text(
    start_web: StartServer, open_page: OpenPage, tmp_path: Path
) -> None:
    folder = tmp_path / "<b>own"
    await asyncio.to_thread(put_voices, folder)
    flags = ("--custom-voice-dirs", str(folder), "--offline", "true")
    server: WebServer = await asyncio.to_thread(start_web, *flags)
    async with open_page(server.url) as watched:
        page = watched.page
        page.on("dialog", lambda dialog: watched.complain(f"dialog: {dialog.message}"))
        choice = page.locator("#say-voice option[value=hostile]")
        await expect(choice).to_have_count(1, timeout=LONG)
        await page.locator("#say-voice").select_option("hostile")
        options = page.locator("#say-speaker option")
        await expect(options.filter(has_text="onerror=alert")).to_have_count(1)
        shown = await options.all_text_contents()
        for name in (MARKUP[0], MARKUP[1], MARKUP[3], "__proto__", "constructor"):
            assert name in shown
        await expect(page.get_by_text("<img src=x onerror=alert(1)>").first).to_be_visible()
        assert "taken" not in await page.title()
        for element in ("img[src=x]", "script:not([src])", "b", "[onmouseover]", "[onerror]"):
            assert not await page.locator(element).count(), element
        await page.get_by_role("searchbox").fill("<img")
        await expect(page.locator("body")).to_be_visible()
