"""The default voice, chosen while the server runs."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from conftest import Script
from support.both_servers import Open, Site
from support.client import connected
from support.events import logged
from support.voices import SINGLE
from support.waiting import eventually
from wyoming_piper_hardened.config.presets import Preset

PATH = "/api/default-voice"
FILE = "default-voice.json"
JOE = "en_US-joe-medium"
OTHER = SINGLE.stem
SLOWLY = Preset(name="Joe, slowly", voice=JOE, length_scale=1.3)
TEXT = "The cooker is still on."


async def choose(site: Site, name: object, **options: Any) -> tuple[int, Any]:
    return await site.ask("PUT", PATH, json={"name": name}, **options)


async def speaker(site: Site) -> str:
    """Return the voice that has spoken last."""
    _, status = await site.get("/api/status")
    return str(status["requests"][-1]["voice"])


async def spoken_by(site: Site) -> set[str]:
    """Return who speaks without a voice: over both protocols, in both APIs."""
    voices = set()
    await site.hear(text=TEXT)
    voices.add(await speaker(site))
    await site.hear("/v1/audio/speech", input=TEXT, voice="alloy", response_format="wav")
    voices.add(await speaker(site))
    assert site.server.port
    async with connected(site.server.port) as client:
        await client.say(TEXT)
        voices.add(await speaker(site))
        await client.stream(TEXT)
    voices.add(await speaker(site))
    return voices


async def test_chosen_voice_speaks_at_once_and_after_a_restart(
    open_site: Open, script: Script, own_data: Path, tmp_path: Path
) -> None:
    site = await open_site(script(), data_dir=own_data, workers=1)
    await site.server.jobs.import_files(SINGLE)
    assert await spoken_by(site) == {JOE}
    setting = {"name": JOE, "voice": JOE, "origin": "setting", "setting": JOE}
    assert await site.get(PATH) == (200, setting)
    executions = (tmp_path / "executions").read_text()
    chosen = {"name": OTHER, "voice": OTHER, "origin": "choice", "setting": JOE}
    assert await choose(site, OTHER) == (200, chosen)
    # It is loaded before anybody asks for it.
    await eventually(lambda: (tmp_path / "executions").read_text() != executions)
    assert await spoken_by(site) == {OTHER}
    _, status = await site.get("/api/status")
    assert (status["voice"], status["speaks"], status["default_voice"]) == (OTHER, OTHER, chosen)
    _, listed = await site.get("/api/voices")
    assert [one["name"] for one in listed["voices"] if one["default"]] == [OTHER]
    assert site.server.port
    async with connected(site.server.port) as client:
        await client.send("describe")
        info = (await client.until("info")).events[-1]
    assert info.data["tts"][0]["voices"][0]["name"] == OTHER

    again = await open_site(script(), data_dir=own_data)
    assert await again.get(PATH) == (200, chosen)
    assert await spoken_by(again) == {OTHER}
    assert await again.ask("DELETE", PATH) == (200, setting)
    assert await spoken_by(again) == {JOE}
    assert not (own_data / FILE).exists()


async def test_preset_can_be_the_default(open_site: Open, own_data: Path) -> None:
    site = await open_site(data_dir=own_data, presets=(SLOWLY,))
    slow = await site.hear(text=TEXT, voice=SLOWLY.name)
    plain = await site.hear(text=TEXT)
    status, shown = await choose(site, "joe, SLOWLY")
    assert (status, shown["name"], shown["voice"]) == (200, SLOWLY.name, JOE)
    assert await site.hear(text=TEXT) == slow != plain
    assert await site.hear(text=TEXT, language="en") == slow
    assert await site.hear(text=TEXT, voice=JOE) == plain
    openai = {"input": TEXT, "voice": "alloy", "response_format": "wav"}
    assert await site.hear("/v1/audio/speech", **openai) == slow
    assert await site.hear("/v1/audio/speech", speed=1.3, **openai) == plain
    assert site.server.port
    async with connected(site.server.port) as client:
        assert slow.endswith((await client.say(TEXT)).pcm)
    _, listed = await site.get("/api/voices")
    assert [one["name"] for one in listed["voices"] if one["default"]] == []
    assert [one["default"] for one in listed["presets"]] == [True]
    # Without the preset it is a default that is missing: another voice speaks.
    again = await open_site(data_dir=own_data)
    assert await again.hear(text=TEXT) == plain


async def test_changed_setting_wins_over_an_earlier_choice_for_good(
    open_site: Open, script: Script, own_data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site = await open_site(script(), data_dir=own_data)
    await site.server.jobs.import_files(SINGLE)
    assert (await choose(site, OTHER))[0] == 200
    changed = await open_site(script(), data_dir=own_data, voice="en_GB-alan-low", offline=True)
    _, shown = await changed.get(PATH)
    assert (shown["name"], shown["origin"]) == ("en_GB-alan-low", "setting")
    assert logged(caplog, "default-voice-choice-over")
    back = await open_site(script(), data_dir=own_data)
    assert (await back.get(PATH))[1]["name"] == JOE


async def test_chosen_voice_that_is_removed_is_a_missing_default(
    open_site: Open, script: Script, own_data: Path
) -> None:
    site = await open_site(script(), data_dir=own_data)
    await site.server.jobs.import_files(SINGLE)
    await choose(site, OTHER)
    assert (await site.ask("DELETE", f"/api/voices/{OTHER}"))[0] == 200
    assert await spoken_by(site) == {JOE}
    again = await open_site(script(), data_dir=own_data, auto_install=False)
    await eventually(lambda: f"missing:{OTHER}" in {i.id for i in again.server.status.issues()})
    (issue,) = again.server.status.issues()
    assert issue.needed
    assert await spoken_by(again) == {JOE}
    assert (await again.get(PATH))[1]["name"] == OTHER


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("en_GB-alan-low", 404, "voice-not-found"),
        ("", 404, "voice-not-found"),
        (" ", 404, "voice-not-found"),
        ("../../etc", 404, "voice-not-found"),
        ("x" * 10_000, 404, "voice-not-found"),
        ("Thorsten", 404, "voice-not-found"),
        (None, 400, "bad-request"),
        (5, 400, "bad-request"),
    ],
)
async def test_what_cannot_speak_is_refused_and_nothing_changes(
    open_site: Open, script: Script, own_data: Path, name: object, status: int, code: str
) -> None:
    missing = Preset(name="Thorsten", voice="de_DE-thorsten-medium")
    site = await open_site(script(), data_dir=own_data, presets=(missing,), offline=True)
    answer, body = await choose(site, name)
    assert (answer, body["error"]["code"]) == (status, code)
    assert len(body["error"]["message"]) < 400
    assert (await site.get(PATH))[1]["origin"] == "setting"
    assert not (own_data / FILE).exists()


async def test_foreign_pages_and_callers_from_elsewhere_change_nothing(
    open_site: Open, script: Script, own_data: Path
) -> None:
    site = await open_site(script(), data_dir=own_data, presets=(SLOWLY,))
    for headers, code in (
        ({"Origin": "http://evil.example"}, "foreign-origin"),
        ({"X-Forwarded-For": "192.0.2.1"}, "access-refused"),
    ):
        status, body = await choose(site, SLOWLY.name, headers=headers)
        assert (status, body["error"]["code"]) == (403, code)
        status, body = await site.ask("DELETE", PATH, headers=headers)
        assert (status, body["error"]["code"]) == (403, code)
    assert (await site.get(PATH))[1]["origin"] == "setting"


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        json.dumps({"name": OTHER}),
        json.dumps({"name": 5, "setting": JOE}),
        json.dumps({"name": "", "setting": JOE}),
        json.dumps({"name": "a\nb", "setting": JOE}),
        json.dumps({"name": "x" * 5000, "setting": JOE}),
        json.dumps({"name": OTHER, "setting": JOE, "more": 1}),
    ],
)
async def test_broken_file_is_an_event_and_ignored(
    open_site: Open,
    script: Script,
    own_data: Path,
    caplog: pytest.LogCaptureFixture,
    content: str,
) -> None:
    await asyncio.to_thread((own_data / FILE).write_text, content)
    site = await open_site(script(), data_dir=own_data, presets=(SLOWLY,))
    assert (await site.get(PATH))[1]["origin"] == "setting"
    (event,) = logged(caplog, "kept-file-ignored")
    assert event.params["path"] == own_data / FILE
    assert (await choose(site, SLOWLY.name))[0] == 200  # which replaces it


async def test_choice_that_cannot_be_kept_is_refused(
    open_site: Open, script: Script, own_data: Path
) -> None:
    site = await open_site(script(), data_dir=own_data, presets=(SLOWLY,))
    await asyncio.to_thread((own_data / FILE).mkdir)
    status, body = await choose(site, SLOWLY.name)
    assert (status, body["error"]["code"]) == (507, "store-unusable")
    assert (await site.get(PATH))[1]["origin"] == "setting"


async def test_speaker_of_the_settings_is_not_that_of_a_chosen_voice(
    open_site: Open, script: Script, own_data: Path
) -> None:
    several = SINGLE.with_name("many_speakers.onnx")
    settings = {"voice": several.stem, "speaker": "1", "offline": True}
    site = await open_site(script(), data_dir=own_data, **settings)
    await site.server.jobs.import_files(several)
    resolve = site.server.resolver.resolve
    assert resolve().options.speaker_id == 1
    assert (await choose(site, JOE))[0] == 200
    assert resolve().options.speaker_id is None
    assert resolve(several.stem).options.speaker_id == 1
