"""Actions: what is wrong with them, in words."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers.translation import async_get_translations
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.piper_hardened.timings import Timings

from .acting import DOMAIN, act, do
from .server import AMY, JOE, Server
from .waiting import until


@pytest.mark.parametrize(
    "voice", ["../../etc/passwd", "a/b", "..", "", "x" * 200, "-x", "en_US\0", 7]
)
async def test_voice_that_is_no_name_is_refused_before_it_is_sent(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server, voice: object
) -> None:
    with pytest.raises(vol.Invalid):
        await do(hass, "repair_voice", config_entry_id=loaded.entry_id, voice=voice)
    assert all(method == "GET" for method, _, _ in server.asked)


async def test_server_has_to_be_named_and_loaded(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    other = MockConfigEntry(domain="demo", title="Demo")
    other.add_to_hass(hass)
    await hass.config_entries.async_unload(loaded.entry_id)
    wrong = {
        "nobody": "entry_not_found",
        other.entry_id: "entry_of_another",
        loaded.entry_id: "entry_not_loaded",
    }
    for entry_id, key in wrong.items():
        with pytest.raises(ServiceValidationError) as caught:
            await do(hass, "restart_workers", config_entry_id=entry_id)
        assert caught.value.translation_key == key
    with pytest.raises(vol.Invalid):
        await do(hass, "restart_workers")


@pytest.mark.parametrize(
    ("refusal", "kind", "key"),
    [
        ((404, "voice-not-installed", "x"), ServiceValidationError, "voice_not_installed"),
        ((404, "voice-not-found", "x"), ServiceValidationError, "voice_not_found"),
        ((409, "offline", "x"), ServiceValidationError, "offline"),
        ((507, "no-space", "x"), HomeAssistantError, "no_space"),
        ((429, "too-many-requests", "x"), HomeAssistantError, "overloaded"),
        ((500, "internal-error", "x"), HomeAssistantError, "server_error"),
        ((400, "something-new", "x"), ServiceValidationError, "server_error"),
        ((403, "access-refused", "x"), ServiceValidationError, "read_only"),
        ((401, "token-needed", "x"), HomeAssistantError, "invalid_auth"),
    ],
)
async def test_refusals_are_translated(
    hass: HomeAssistant,
    loaded: ConfigEntry,
    server: Server,
    refusal: tuple[int, str, str],
    kind: type[HomeAssistantError],
    key: str,
) -> None:
    server.refusals[f"/api/voices/{JOE}/repair"] = refusal
    with pytest.raises(HomeAssistantError) as caught:
        await do(hass, "repair_voice", config_entry_id=loaded.entry_id, voice=JOE)
    assert (type(caught.value), caught.value.translation_key) == (kind, key)


WRONG_USE: list[tuple[str, dict[str, str], tuple[int, str, str] | None]] = [
    ("entry_not_found", {"config_entry_id": "nobody"}, None),
    ("voice_not_installed", {}, (404, "voice-not-installed", f"{JOE} is not installed")),
    ("read_only", {}, (403, "access-refused", "changes need a token")),
    ("server_error", {}, (400, "something-new", "that is not possible")),
]


@pytest.mark.parametrize(("key", "changed", "refusal"), WRONG_USE)
async def test_wrong_use_is_told_in_the_languages_of_people_and_not_in_the_log(
    hass: HomeAssistant,
    loaded: ConfigEntry,
    server: Server,
    hass_ws_client: Any,
    caplog: pytest.LogCaptureFixture,
    key: str,
    changed: dict[str, str],
    refusal: tuple[int, str, str] | None,
) -> None:
    if refusal is not None:
        server.refusals[f"/api/voices/{JOE}/repair"] = refusal
    page = await hass_ws_client(hass)
    data = {"config_entry_id": loaded.entry_id, "voice": JOE, **changed}
    await page.send_json_auto_id(
        {"type": "call_service", "domain": DOMAIN, "service": "repair_voice", "service_data": data}
    )
    error = (await page.receive_json())["error"]
    assert (error["code"], error["translation_key"]) == ("service_validation_error", key)
    texts = {}
    for language in ("en", "de"):
        found = await async_get_translations(hass, language, "exceptions", [DOMAIN])
        message = found[f"component.{DOMAIN}.exceptions.{key}.message"]
        texts[language] = message.format(**error["translation_placeholders"])
    assert texts["en"].removesuffix(".") in error["message"]  # core leaves the last one out
    assert texts["de"] != texts["en"]
    if refusal is not None and key != "read_only":
        assert all(refusal[2] in text or JOE in text for text in texts.values())
    assert not [one for one in caplog.records if one.levelno > logging.DEBUG and one.exc_info]


@pytest.mark.parametrize(("outcome", "key"), [("failed", "job_failed"), ("cancelled", "cancelled")])
async def test_job_that_does_not_succeed_is_an_error(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server, outcome: str, key: str
) -> None:
    await until(lambda: server.followers == 1)
    server.outcome = outcome
    with pytest.raises(HomeAssistantError) as caught:
        await do(hass, "install_voice", config_entry_id=loaded.entry_id, voice=AMY)
    assert caught.value.translation_key == key
    message = "no room for the voice" if outcome == "failed" else ""
    assert caught.value.translation_placeholders == {"voice": AMY, "message": message}


async def test_job_of_a_server_that_was_started_anew_is_lost(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    server.automatic = False
    running = asyncio.create_task(
        do(hass, "install_voice", config_entry_id=loaded.entry_id, voice=AMY)
    )
    await until(lambda: server.state["jobs"])
    await asyncio.sleep(0.1)
    await server.stop()
    server.state |= {"jobs": [], "started_at": 1_790_000_500.0}
    await server.start()
    with pytest.raises(HomeAssistantError) as caught:
        await running
    assert caught.value.translation_key == "job_lost"


async def test_job_survives_a_lost_connection(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    server.automatic = False
    running = asyncio.create_task(
        do(hass, "install_voice", config_entry_id=loaded.entry_id, voice=AMY)
    )
    await until(lambda: server.state["jobs"])
    await asyncio.sleep(0.1)
    await server.stop()
    server.finish(server.state["jobs"][0]["id"])
    await server.start()
    await running


@pytest.mark.parametrize("timings", [Timings(job=0.1)])
async def test_job_that_takes_too_long_goes_on(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await until(lambda: server.followers == 1)
    server.automatic = False
    with pytest.raises(HomeAssistantError) as caught:
        await do(hass, "install_voice", config_entry_id=loaded.entry_id, voice=AMY)
    assert caught.value.translation_key == "still_running"
    assert server.state["jobs"]


async def test_server_that_does_not_answer_is_told(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    await server.stop()
    with pytest.raises(HomeAssistantError) as caught:
        await do(hass, "restart_workers", config_entry_id=loaded.entry_id)
    assert caught.value.translation_key == "cannot_connect"


@pytest.mark.parametrize("text", ["", " \n", "x" * 100_001])
async def test_text_that_cannot_be_spoken_is_refused_before_it_is_sent(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server, text: str
) -> None:
    with pytest.raises(vol.Invalid):
        await act(hass, "try_voice", config_entry_id=loaded.entry_id, text=text)
    assert all(method == "GET" for method, _, _ in server.asked)


async def test_answer_that_names_no_job_is_an_error(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    server.refusals[f"/api/voices/{JOE}/repair"] = (200, "", "")
    with pytest.raises(HomeAssistantError) as caught:
        await do(hass, "repair_voice", config_entry_id=loaded.entry_id, voice=JOE)
    assert caught.value.translation_key == "server_error"


async def test_speech_that_breaks_off_or_never_ends_leaves_no_file(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server, tmp_path: Path
) -> None:
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    given = {"config_entry_id": loaded.entry_id, "text": "Hello.", "path": str(tmp_path / "a.wav")}
    server.spoken_bytes = 1000
    with pytest.raises(HomeAssistantError) as caught:
        await do(hass, "synthesize", **given)
    assert caught.value.translation_key == "server_error"
    server.speech, server.spoken_bytes = bytes(65 << 20), None
    with pytest.raises(HomeAssistantError) as caught:
        await do(hass, "synthesize", **given)
    assert caught.value.translation_key == "speech_too_long"
    assert list(tmp_path.iterdir()) == []


async def test_two_servers_do_not_touch_each_other(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server
) -> None:
    second = Server()
    second.info["server_id"] = second.state["server_id"] = "e" * 32
    async with second.listening():
        other = MockConfigEntry(
            domain=DOMAIN,
            title="Second",
            unique_id="e" * 32,
            data={"host": "127.0.0.1", "port": second.port, "token": second.token},
        )
        other.add_to_hass(hass)
        assert await hass.config_entries.async_setup(other.entry_id)
        await until(lambda: server.followers == second.followers == 1)
        second.state |= {"ready": False}
        second.push()
        await until(lambda: hass.states.is_state("binary_sensor.second_speech", "on"))
        assert hass.states.is_state("binary_sensor.piper_speech", "off")
        await do(hass, "restart_workers", config_entry_id=other.entry_id)
        assert not any(path == "/api/workers/restart" for _, path, _ in server.asked)
        assert any(path == "/api/workers/restart" for _, path, _ in second.asked)
        assert await hass.config_entries.async_unload(other.entry_id)


async def test_only_administrators_change_what_is_installed(
    hass: HomeAssistant, loaded: ConfigEntry, server: Server, hass_read_only_user: MockUser
) -> None:
    await until(lambda: server.followers == 1)
    user: User = hass_read_only_user
    context = Context(user_id=user.id)
    of_voice = {"config_entry_id": loaded.entry_id, "voice": JOE}
    for action in ("install_voice", "remove_voice"):
        with pytest.raises(Unauthorized):
            await hass.services.async_call(DOMAIN, action, of_voice, blocking=True, context=context)
    await hass.services.async_call(DOMAIN, "repair_voice", of_voice, blocking=True, context=context)
    await hass.services.async_call(DOMAIN, "install_voice", of_voice, blocking=True)
