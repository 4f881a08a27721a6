"""Actions for automations and scripts; each names the server that it concerns."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
import wave
from dataclasses import asdict
from pathlib import Path
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_register_admin_service

from .calls import async_run_job, errors_translated
from .client import Action
from .const import DOMAIN
from .coordinator import PiperHardenedConfigEntry, PiperHardenedCoordinator

_ENTRY, _VOICE, _LANGUAGE, _TEXT, _PATH = "config_entry_id", "voice", "language", "text", "path"
_VOICE_NAME = re.compile(r"[^\W\d_][\w.+-]{0,99}")
_MAX_NAME = 200
_MAX_TEXT = 100_000
_MAX_FILE = 64 << 20
_TRIAL_TEXT = "1, 2, 3."
_HEADER = 44


def _voice(value: Any) -> str:
    """Return a name that a voice may have; it is never made into a path."""
    name = cv.string(value).strip()
    if not _VOICE_NAME.fullmatch(name):
        raise vol.Invalid("this is not the name of a voice")
    return name


def _voice_or_preset(value: Any) -> str:
    """Return a name that a voice or a preset may have; it is never made into a path."""
    name = cv.string(value).strip()
    if not 0 < len(name) <= _MAX_NAME or not name.isprintable():
        raise vol.Invalid("this is not the name of a voice or a preset")
    return name


def _spoken(value: Any) -> str:
    text = cv.string(value)
    if not text.strip() or len(text) > _MAX_TEXT:
        raise vol.Invalid(f"a text of 1 to {_MAX_TEXT} characters is needed")
    return text


def _range(low: float, high: float) -> Any:
    return vol.All(vol.Coerce(float), vol.Range(min=low, max=high))


_BASE: dict[Any, Any] = {vol.Required(_ENTRY): cv.string}
_OF_SERVER = vol.Schema(_BASE)
_OF_VOICE = vol.Schema({**_BASE, vol.Required(_VOICE): _voice})
_OF_SOME_VOICE = vol.Schema({**_BASE, vol.Optional(_VOICE): _voice})
_OF_CHOICE = vol.Schema({**_BASE, vol.Required(_VOICE): _voice_or_preset})
_OF_LIST = vol.Schema(
    {**_BASE, vol.Optional(_LANGUAGE): cv.string, vol.Optional("installed"): cv.boolean}
)
_OF_TRIAL = vol.Schema(
    {**_BASE, vol.Optional(_VOICE): _voice_or_preset, vol.Optional(_TEXT): _spoken}
)
_OF_SPEECH = vol.Schema(
    {
        **_BASE,
        vol.Required(_TEXT): _spoken,
        vol.Required(_PATH): cv.string,
        vol.Optional(_VOICE): _voice_or_preset,
        vol.Optional(_LANGUAGE): cv.string,
        vol.Optional("speaker"): cv.string,
        vol.Optional("length_scale"): _range(0.25, 4.0),
        vol.Optional("noise_scale"): _range(0.0, 2.0),
        vol.Optional("noise_w_scale"): _range(0.0, 2.0),
        vol.Optional("volume"): _range(0.0, 4.0),
    }
)


@callback
def async_register_actions(hass: HomeAssistant) -> None:
    """Register every action; those that change what is installed are for administrators."""
    register = hass.services.async_register
    optional, only = SupportsResponse.OPTIONAL, SupportsResponse.ONLY
    register(DOMAIN, "repair_voice", _repair_voice, _OF_VOICE, optional)
    register(DOMAIN, "verify_voice", _verify_voice, _OF_VOICE, optional)
    register(DOMAIN, "restart_workers", _restart_workers, _OF_SERVER)
    register(DOMAIN, "reset_breaker", _reset_breaker, _OF_SOME_VOICE)
    register(DOMAIN, "set_default_voice", _set_default_voice, _OF_CHOICE)
    register(DOMAIN, "list_voices", _list_voices, _OF_LIST, only)
    register(DOMAIN, "try_voice", _try_voice, _OF_TRIAL, only)
    register(DOMAIN, "synthesize", _synthesize, _OF_SPEECH, optional)
    admin = async_register_admin_service
    admin(hass, DOMAIN, "install_voice", _install_voice, _OF_VOICE, supports_response=optional)
    admin(hass, DOMAIN, "remove_voice", _remove_voice, _OF_VOICE)


def _server(call: ServiceCall) -> PiperHardenedCoordinator:
    """Return the server that is named; raises ServiceValidationError."""
    entry_id = call.data[_ENTRY]
    entry: PiperHardenedConfigEntry | None = call.hass.config_entries.async_get_entry(entry_id)
    key = None
    if entry is None:
        key = "entry_not_found"
    elif entry.domain != DOMAIN:
        key = "entry_of_another"
    elif entry.state is not ConfigEntryState.LOADED:
        key = "entry_not_loaded"
    if key is not None or entry is None:
        title = entry.title if entry is not None else str(entry_id)[:50]
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key=key,
            translation_placeholders={"entry": title},
        )
    return entry.runtime_data


async def _repair_voice(call: ServiceCall) -> ServiceResponse:
    server, voice = _server(call), call.data[_VOICE]
    begin = time.monotonic()
    damaged = any(voice == one.subject for one in server.data.state.issues)
    await async_run_job(server, Action.REPAIR, voice)
    duration = round(time.monotonic() - begin, 1)
    return {"voice": voice, "changed": damaged, "duration": duration}


async def _verify_voice(call: ServiceCall) -> ServiceResponse:
    server, voice = _server(call), call.data[_VOICE]
    await async_run_job(server, Action.VERIFY, voice)
    issue = server.issue(f"damaged:{voice}")
    damage: list[Any] = [] if issue is None else list(issue.damage) or [issue.message]
    return {"voice": voice, "intact": not damage, "damage": damage}


async def _install_voice(call: ServiceCall) -> ServiceResponse:
    server, voice = _server(call), call.data[_VOICE]
    await async_run_job(server, Action.INSTALL, voice)
    with errors_translated():
        listed = await server.client.voices(installed=True)
    found = next((one for one in listed if one.name == voice), None)
    return {
        "voice": voice,
        "version": found.version if found else None,
        "bytes": found.bytes if found else None,
    }


async def _remove_voice(call: ServiceCall) -> None:
    with errors_translated():
        await _server(call).client.remove(call.data[_VOICE])


async def _restart_workers(call: ServiceCall) -> None:
    with errors_translated():
        await _server(call).client.restart_workers()


async def _reset_breaker(call: ServiceCall) -> None:
    with errors_translated():
        await _server(call).client.reset_breaker(call.data.get(_VOICE))


async def _set_default_voice(call: ServiceCall) -> None:
    with errors_translated():
        await _server(call).client.set_default_voice(call.data[_VOICE])


async def _list_voices(call: ServiceCall) -> ServiceResponse:
    with errors_translated():
        voices = await _server(call).client.voices(
            call.data.get(_LANGUAGE), installed=call.data.get("installed")
        )
    return {"voices": [_plain(asdict(voice)) for voice in voices]}


async def _try_voice(call: ServiceCall) -> ServiceResponse:
    server = _server(call)
    body: dict[str, Any] = {_TEXT: call.data.get(_TEXT, _TRIAL_TEXT)}
    if (voice := call.data.get(_VOICE)) is not None:
        body[_VOICE] = voice
    begin, first, size, header = time.monotonic(), None, 0, b""
    with errors_translated():
        async with server.client.speak(body) as pieces:
            async for piece in pieces:
                header = (header + piece)[:_HEADER] if len(header) < _HEADER else header
                size += len(piece)
                if first is None and size > _HEADER:
                    first = time.monotonic() - begin
    rate = int.from_bytes(header[24:28], "little") or 1
    return {
        "voice": voice or server.data.state.speaks,
        "seconds": round(max(size - _HEADER, 0) / 2 / rate, 2),
        "first_audio": None if first is None else round(first, 3),
    }


async def _synthesize(call: ServiceCall) -> ServiceResponse:
    hass, server = call.hass, _server(call)
    path = Path(call.data[_PATH])
    allowed = path.is_absolute() and str(path).isprintable()
    if not allowed or not await hass.async_add_executor_job(hass.config.is_allowed_path, str(path)):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="path_not_allowed",
            translation_placeholders={"path": str(path)},
        )
    body = {key: value for key, value in call.data.items() if key not in {_ENTRY, _PATH}}
    content = bytearray()
    with errors_translated():
        async with server.client.speak({**body, "stream": False}) as pieces:
            async for piece in pieces:
                content += piece
                if len(content) > _MAX_FILE:
                    raise HomeAssistantError(
                        translation_domain=DOMAIN, translation_key="speech_too_long"
                    )
    try:
        seconds = await hass.async_add_executor_job(_write, path, bytes(content))
    except (OSError, wave.Error, EOFError) as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="file_not_written",
            translation_placeholders={"path": str(path), "message": str(err)},
        ) from err
    return {"path": str(path), "seconds": seconds, "bytes": len(content)}


def _write(path: Path, content: bytes) -> float:
    """Write a WAV file whole or not at all; return its seconds of audio."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".speech-", suffix=".wav")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        with wave.open(name) as audio:
            seconds: float = audio.getnframes() / audio.getframerate()
        os.chmod(name, 0o644)  # noqa: PTH101 - players of the network read it
        os.replace(name, path)  # noqa: PTH105 - of what mkstemp has named
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - likewise
        raise
    return round(seconds, 2)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "speakers": list(row["speakers"]), "state": str(row["state"])}
