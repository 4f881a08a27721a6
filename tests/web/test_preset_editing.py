"""Presets that are made, changed and removed while the server runs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from conftest import Script
from support.both_servers import Open, Site
from support.client import connected
from support.events import logged
from support.voices import SINGLE
from wyoming_piper_hardened.config.presets import MOST, Preset

FILE = "presets.json"
JOE = "en_US-joe-medium"
SLOWLY: dict[str, Any] = {"voice": JOE, "length_scale": 1.3}
FIXED = Preset(name="Joe at night", voice=JOE, volume=0.3)
TEXT = "The cooker is still on."


async def put(site: Site, name: str, query: str = "", **body: Any) -> tuple[int, Any]:
    return await site.ask("PUT", f"/api/presets/{quote(name, safe='')}{query}", json=body)


async def remove(site: Site, name: str) -> tuple[int, Any]:
    return await site.ask("DELETE", f"/api/presets/{quote(name, safe='')}")


async def names(site: Site) -> list[str]:
    _, listed = await site.get("/api/presets")
    return [one["name"] for one in listed["presets"]]


async def announced(site: Site) -> list[str]:
    """Return the names of the voices that the Wyoming server offers."""
    assert site.server.port
    async with connected(site.server.port) as client:
        await client.send("describe")
        info = (await client.until("info")).events[-1]
    return [voice["name"] for voice in info.data["tts"][0]["voices"]]


async def test_dictionary_of_a_preset_wins_over_the_general_one_for_it_alone(
    open_site: Open, own_data: Path
) -> None:
    site = await open_site(data_dir=own_data, auto_install=False)
    _, shown = await site.get("/api/dictionary")
    word = {"language": "en", "word": "cooker", "spoken": "kettle", "version": shown["version"]}
    assert (await site.ask("PUT", "/api/dictionary", json=word))[0] == 200
    words = ["COOKER = stove", "still = quiet"]
    status, listed = await put(site, "Cook", voice=JOE, dictionary=words)
    assert (status, listed["presets"][0]["dictionary"]) == (200, words)

    async def spoken(**more: str) -> str:
        _, body = await site.post("/api/text", json={"text": TEXT, "phonemes": False, **more})
        return " ".join(one["spoken"] for one in body["segments"])

    assert await spoken() == "The kettle is still on."
    assert await spoken(voice="Cook") == "The kettle is quiet on."  # this cooker is no COOKER
    assert (await put(site, "Cook", voice=JOE, dictionary=["cooker = stove"]))[0] == 200
    assert await spoken(voice="Cook") == "The stove is still on."
    assert await site.hear(text=TEXT, voice="Cook") == await site.hear(
        text="The stove is still on."
    )
    again = await open_site(data_dir=own_data, auto_install=False)
    _, listed = await again.get("/api/presets")
    assert listed["presets"][0]["dictionary"] == ["cooker = stove"]
    for wrong in (["stove"], ["a = b"] * 51, [7], "a = b", {"a": "b"}):
        status, error = await put(again, "Cook", voice=JOE, dictionary=wrong)
        assert (status, error["error"]["code"]) == (400, "bad-request")
    assert (await put(again, "Cook", voice=JOE))[1]["presets"][0]["dictionary"] == []


async def test_preset_is_made_heard_changed_and_removed(open_site: Open, own_data: Path) -> None:
    site = await open_site(data_dir=own_data, presets=(FIXED,), auto_install=False)
    assert await announced(site) == [JOE, FIXED.name]
    _, before = await site.get("/api/status")
    status, listed = await put(site, "Joe, slowly", **SLOWLY)
    assert (status, listed["most"]) == (200, MOST)
    fixed, made = listed["presets"]
    assert (fixed["name"], fixed["fixed"]) == (FIXED.name, True)
    assert (made["name"], made["fixed"], made["length_scale"]) == ("Joe, slowly", False, 1.3)
    _, after = await site.get("/api/status")
    assert after["voices_revision"] != before["voices_revision"]  # by which pages notice
    assert await announced(site) == [JOE, FIXED.name, "Joe, slowly"]
    _, voices = await site.get("/v1/audio/voices")
    assert [one["id"] for one in voices["voices"]] == [JOE, FIXED.name, "Joe, slowly"]
    _, voices = await site.get("/api/voices")
    assert voices["presets"] == listed["presets"]
    slow = await site.hear(text=TEXT, voice="joe, slowly")
    assert slow == await site.hear(text=TEXT, length_scale=1.3)

    again = await open_site(data_dir=own_data, auto_install=False)
    assert await names(again) == ["Joe, slowly"]
    assert await again.hear(text=TEXT, voice="Joe, slowly") == slow
    assert (await put(again, "JOE, SLOWLY", voice=JOE, volume=0.5))[0] == 200
    assert await names(again) == ["JOE, SLOWLY"]
    assert await again.hear(text=TEXT, voice="Joe, slowly") == await again.hear(
        text=TEXT, volume=0.5
    )
    assert await remove(again, "Joe, slowly") == (200, {"removed": "Joe, slowly"})
    assert await names(again) == []
    assert await announced(again) == [JOE]
    assert not (own_data / FILE).exists()
    status, error = await remove(again, "Joe, slowly")
    assert (status, error["error"]["code"]) == (404, "preset-not-found")


async def test_removed_default_leaves_it_to_the_setting(
    open_site: Open, script: Script, own_data: Path
) -> None:
    site = await open_site(script(), data_dir=own_data)
    await put(site, "Joe, slowly", **SLOWLY)
    await site.ask("PUT", "/api/default-voice", json={"name": "Joe, slowly"})
    again = await open_site(script(), data_dir=own_data)
    _, shown = await again.get("/api/default-voice")
    assert (shown["name"], shown["voice"], shown["origin"]) == ("Joe, slowly", JOE, "choice")
    assert (await remove(again, "joe, slowly"))[0] == 200
    _, shown = await again.get("/api/default-voice")
    assert (shown["name"], shown["origin"]) == (JOE, "setting")


@pytest.mark.parametrize(
    "name", ["Großmutter", "おばあちゃん", "جدة", "a/b?c#d%e", "🌙", "👩‍🦳", "é"]
)
async def test_name_may_be_in_any_script(
    open_site: Open, script: Script, own_data: Path, name: str
) -> None:
    site = await open_site(script(), data_dir=own_data, offline=True)
    status, _ = await put(site, name, **SLOWLY)
    if name.isprintable():
        assert status == 200
        assert await announced(site) == [JOE, name]
        again = await open_site(script(), data_dir=own_data)
        assert await names(again) == [name]
        assert (await remove(again, name))[0] == 200
    else:
        assert status == 409


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        (JOE, SLOWLY, 409, "preset-name-taken"),
        ("en_GB-alan-low", SLOWLY, 409, "preset-name-taken"),
        ("single", SLOWLY, 409, "preset-name-taken"),
        ("JOE at night", SLOWLY, 409, "preset-fixed"),
        ("a", {"voice": "a"}, 409, "preset-name-taken"),
        ("a", {"voice": FIXED.name}, 404, "voice-not-found"),
        ("a", {"voice": "en_GB-alan-low"}, 404, "voice-not-found"),
        ("a", {"voice": JOE, "speaker": "bert"}, 404, "speaker-not-found"),
        ("a", {}, 400, "bad-request"),
        ("a", {"voice": 5}, 400, "bad-request"),
        ("a", {"voice": " "}, 400, "bad-request"),
        ("a", {**SLOWLY, "pitch": 2}, 400, "bad-request"),
        ("a", {"voice": JOE, "length_scale": 9}, 400, "bad-request"),
        ("a", {"voice": JOE, "volume": -1}, 400, "bad-request"),
        ("a", {"voice": JOE, "silence_before": 5.1}, 400, "bad-request"),
        ("a", {"voice": JOE, "noise_scale": True}, 400, "bad-request"),
        ("x" * 61, SLOWLY, 409, "preset-name-invalid"),
        (" ", SLOWLY, 409, "preset-name-invalid"),
        ("a\u202eb", SLOWLY, 409, "preset-name-invalid"),
        ("a\nb", SLOWLY, 409, "preset-name-invalid"),
    ],
)
async def test_bad_preset_is_named_and_nothing_changes(
    open_site: Open,
    script: Script,
    own_data: Path,
    name: str,
    body: dict[str, Any],
    status: int,
    code: str,
) -> None:
    site = await open_site(script(), data_dir=own_data, presets=(FIXED,))
    if name == "single":
        await site.server.jobs.import_files(SINGLE)
    answer, error = await put(site, name, **body)
    assert (answer, error["error"]["code"]) == (status, code)
    assert len(error["error"]["message"]) < 400
    assert await names(site) == [FIXED.name]
    assert not (own_data / FILE).exists()


async def test_one_that_exists_is_refused_to_who_makes_a_new_one(
    open_site: Open, script: Script, own_data: Path
) -> None:
    site = await open_site(script(), data_dir=own_data)
    assert (await put(site, "Night", "?create=true", voice=JOE, volume=0.5))[0] == 200
    status, error = await put(site, "NIGHT", "?create=true", voice=JOE)
    assert (status, error["error"]["code"]) == (409, "preset-exists")
    _, listed = await site.get("/api/presets")
    assert [(one["name"], one["volume"]) for one in listed["presets"]] == [("Night", 0.5)]


async def test_dictionaries_that_could_not_be_read_again_are_refused(
    open_site: Open, script: Script, own_data: Path
) -> None:
    site = await open_site(script(), data_dir=own_data)
    long = [f"{number} = {',' * 245}" for number in range(50)]
    for name in ("1", "2", "3", "4"):
        assert (await put(site, name, voice=JOE, dictionary=long))[0] == 200
    status, error = await put(site, "5", voice=JOE, dictionary=long)
    assert (status, error["error"]["code"]) == (409, "presets-too-large")
    assert (await put(site, "5", voice=JOE))[0] == 200
    again = await open_site(script(), data_dir=own_data)
    assert await names(again) == ["1", "2", "3", "4", "5"]


async def test_no_more_than_a_hundred_together_with_those_of_the_settings(
    open_site: Open, script: Script, own_data: Path
) -> None:
    made = [{"name": f"{number}", "voice": JOE} for number in range(MOST - 1)]
    await asyncio.to_thread((own_data / FILE).write_text, json.dumps(made))
    site = await open_site(script(), data_dir=own_data, presets=(FIXED,))
    status, error = await put(site, "one more", **SLOWLY)
    assert (status, error["error"]["code"]) == (409, "too-many-presets")
    assert (await put(site, "7", **SLOWLY))[0] == 200
    assert (await remove(site, "8"))[0] == 200
    assert (await put(site, "one more", **SLOWLY))[0] == 200
    assert len(await names(site)) == MOST


async def test_preset_of_the_settings_cannot_be_removed(
    open_site: Open, script: Script, own_data: Path
) -> None:
    site = await open_site(script(), data_dir=own_data, presets=(FIXED,))
    status, error = await remove(site, FIXED.name)
    assert (status, error["error"]["code"]) == (409, "preset-fixed")


async def test_setting_goes_before_one_that_was_made_earlier(
    open_site: Open, script: Script, own_data: Path
) -> None:
    site = await open_site(script(), data_dir=own_data)
    await put(site, FIXED.name, voice=JOE, volume=0.9)
    again = await open_site(script(), data_dir=own_data, presets=(FIXED,))
    _, listed = await again.get("/api/presets")
    assert [(one["volume"], one["fixed"]) for one in listed["presets"]] == [(FIXED.volume, True)]


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "{}",
        "[5]",
        json.dumps([{"name": "a"}]),
        json.dumps([{"name": "a", "voice": JOE, "length_scale": 9}]),
        json.dumps([{"name": f"{number}", "voice": JOE} for number in range(1000)]),
        "[" + " " * (1 << 20) + "]",
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
    site = await open_site(script(), data_dir=own_data)
    (event,) = logged(caplog, "kept-file-ignored")
    assert event.params["path"] == own_data / FILE
    assert await names(site) == []
    assert (await put(site, "a", **SLOWLY))[0] == 200  # which replaces it
    assert await names(await open_site(script(), data_dir=own_data)) == ["a"]


async def test_disk_that_refuses_is_an_error_and_nothing_changes(
    open_site: Open, script: Script, own_data: Path
) -> None:
    site = await open_site(script(), data_dir=own_data)
    await asyncio.to_thread((own_data / FILE).mkdir)
    status, error = await put(site, "a", **SLOWLY)
    assert (status, error["error"]["code"]) == (507, "store-unusable")
    assert await names(site) == []


async def test_foreign_pages_and_callers_from_elsewhere_change_nothing(
    open_site: Open, script: Script, own_data: Path
) -> None:
    site = await open_site(script(), data_dir=own_data)
    await put(site, "a", **SLOWLY)
    for headers, code in (
        ({"Origin": "http://evil.example"}, "foreign-origin"),
        ({"X-Forwarded-For": "192.0.2.1"}, "access-refused"),
    ):
        for method in ("PUT", "DELETE"):
            status, error = await site.ask(
                method, "/api/presets/a", json={"voice": JOE}, headers=headers
            )
            assert (status, error["error"]["code"]) == (403, code)
    _, listed = await site.get("/api/presets")
    assert [one["length_scale"] for one in listed["presets"]] == [1.3]
