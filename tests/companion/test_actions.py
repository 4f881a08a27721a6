"""Actions: what they send, and what they answer."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import pytest
import voluptuous as vol
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .acting import act, do
from .server import AMY, JOE, Server, issue
from .waiting import until


async def test_repair_ends_when_the_voice_speaks(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    server.automatic = False
    server.state["issues"] = [issue()]
    server.push()
    await until(lambda: loaded.runtime_data.data.state.issues)
    running = asyncio.create_task(
        act(hass, "repair_voice", config_entry_id=loaded.entry_id, voice=JOE)
    )
    await until(lambda: server.state["jobs"])
    await asyncio.sleep(0.1)
    assert not running.done()
    server.finish(server.state["jobs"][0]["id"])
    response = await running
    assert (response["voice"], response["changed"]) == (JOE, True)
    assert response["duration"] >= 0.1
    server.automatic = True
    again = await act(hass, "repair_voice", config_entry_id=loaded.entry_id, voice=JOE)
    assert again["changed"] is False
    assert ("POST", f"/api/voices/{JOE}/repair", None) in server.asked


async def test_every_action_works_without_a_response(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    of_voice = {"config_entry_id": loaded.entry_id, "voice": JOE}
    for action in ("repair_voice", "verify_voice", "install_voice", "remove_voice"):
        await do(hass, action, **of_voice)
    await do(hass, "restart_workers", config_entry_id=loaded.entry_id)
    await do(hass, "reset_breaker", config_entry_id=loaded.entry_id)
    await do(hass, "reset_breaker", **of_voice)
    await do(hass, "set_default_voice", **of_voice)
    asked = [(method, path, body) for method, path, body in server.asked if method != "GET"]
    assert asked == [
        ("POST", f"/api/voices/{JOE}/repair", None),
        ("POST", f"/api/voices/{JOE}/verify", None),
        ("POST", f"/api/voices/{JOE}/install", None),
        ("DELETE", f"/api/voices/{JOE}", None),
        ("POST", "/api/workers/restart", None),
        ("POST", "/api/breakers/reset", {}),
        ("POST", "/api/breakers/reset", {"voice": JOE}),
        ("PUT", "/api/default-voice", {"name": JOE}),
    ]


async def test_damage_is_an_answer_and_no_error(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    of_voice = {"config_entry_id": loaded.entry_id, "voice": JOE}
    whole = await act(hass, "verify_voice", **of_voice)
    assert whole == {"voice": JOE, "intact": True, "damage": []}
    server.state["issues"] = [issue()]
    damaged = await act(hass, "verify_voice", **of_voice)
    assert damaged == {"voice": JOE, "intact": False, "damage": ["x has changed"]}


async def test_install_answers_with_the_version(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    of_voice = {"config_entry_id": loaded.entry_id, "voice": JOE}
    response = await act(hass, "install_voice", **of_voice)
    assert response == {"voice": JOE, "version": None, "bytes": 63_000_000}


async def test_voices_are_listed(hass: HomeAssistant, loaded: ConfigEntry, server: Server) -> None:
    response = await act(
        hass, "list_voices", config_entry_id=loaded.entry_id, language="en", installed=True
    )
    (voice,) = response["voices"]
    assert (voice["name"], voice["state"], voice["speakers"]) == (JOE, "embedded", [])


async def test_voice_is_tried(hass: HomeAssistant, loaded: ConfigEntry, server: Server) -> None:
    response = await act(hass, "try_voice", config_entry_id=loaded.entry_id)
    assert (response["voice"], response["seconds"]) == (JOE, 0.5)
    assert response["first_audio"] >= 0
    assert server.asked[-1] == ("POST", "/api/say", {"text": "1, 2, 3."})
    given = {"voice": AMY, "text": "Hello."}
    await act(hass, "try_voice", config_entry_id=loaded.entry_id, **given)
    assert server.asked[-1] == ("POST", "/api/say", given)


async def test_preset_is_spoken_with_and_made_the_default(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    preset = {"config_entry_id": loaded.entry_id, "voice": "Großmutter, langsam"}
    await act(hass, "try_voice", **preset)
    assert server.asked[-1][2]["voice"] == preset["voice"]
    await do(hass, "set_default_voice", **preset)
    assert server.asked[-1] == ("PUT", "/api/default-voice", {"name": preset["voice"]})


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 201])
async def test_name_that_nobody_has_is_not_sent(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server, name: str
) -> None:
    with pytest.raises(vol.Invalid):
        await do(hass, "set_default_voice", config_entry_id=loaded.entry_id, voice=name)
    assert not any(path == "/api/default-voice" for _, path, _ in server.asked)


async def test_speech_is_written_whole(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server, tmp_path: Path
) -> None:
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    path = tmp_path / "speech.wav"
    manner = {"length_scale": 1.2, "volume": 0.5, "language": "en", "speaker": "joe"}
    response = await act(
        hass,
        "synthesize",
        config_entry_id=loaded.entry_id,
        text="Hello.",
        path=str(path),
        **manner,
    )
    assert response == {"path": str(path), "seconds": 0.5, "bytes": path.stat().st_size}
    with wave.open(str(path)) as audio:
        assert audio.getnframes() == 11025
    assert server.asked[-1][2] == {"text": "Hello.", "stream": False, **manner}
    assert [one.name for one in tmp_path.iterdir()] == ["speech.wav"]


@pytest.mark.parametrize("path", ["/etc/speech.wav", "{}/../speech.wav", "speech.wav", "{}/a\0"])
async def test_speech_is_written_only_where_that_is_allowed(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server, tmp_path: Path, path: str
) -> None:
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    hass.config.allowlist_external_dirs = {str(allowed)}
    with pytest.raises((ServiceValidationError, HomeAssistantError, ValueError)):
        await do(
            hass,
            "synthesize",
            config_entry_id=loaded.entry_id,
            text="Hello.",
            path=path.format(allowed),
        )
    assert not any(one[1] == "/api/say" for one in server.asked)
    assert [one.name for one in tmp_path.iterdir()] == ["allowed"]


async def test_failure_leaves_no_file(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server, tmp_path: Path
) -> None:
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    given = {"config_entry_id": loaded.entry_id, "text": "Hello."}
    server.refusals["/api/say"] = (429, "overloaded", "try again")
    with pytest.raises(HomeAssistantError) as caught:
        await do(hass, "synthesize", path=str(tmp_path / "a.wav"), **given)
    assert caught.value.translation_key == "overloaded"
    server.refusals.clear()
    with pytest.raises(HomeAssistantError) as caught:
        await do(hass, "synthesize", path=str(tmp_path / "missing" / "a.wav"), **given)
    assert caught.value.translation_key == "file_not_written"
    (tmp_path / "folder").mkdir()
    with pytest.raises(HomeAssistantError) as caught:
        await do(hass, "synthesize", path=str(tmp_path / "folder"), **given)
    assert caught.value.translation_key == "file_not_written"
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]
