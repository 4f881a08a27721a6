"""The app on this machine: found and paired by way of the Supervisor.

What only installations with a Supervisor have is imported where it is needed.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.hassio import is_hassio

from .client import Client, ClientError, Info, UnsupportedApiError
from .const import APP_PORT, APP_SLUG_SUFFIX, LOGGER
from .timings import Timings, timings_of

if TYPE_CHECKING:
    from aiohasupervisor import SupervisorClient

_TOKEN_BYTES = 32


class PairingError(HomeAssistantError):
    """The app cannot be reached or does not take the token."""


@dataclass(frozen=True, slots=True)
class App:
    """An installed app of this kind."""

    slug: str
    name: str
    started: bool


@dataclass(frozen=True, slots=True)
class Paired:
    """An app that knows a token of ours."""

    slug: str
    host: str
    port: int
    token: str
    info: Info


async def async_apps(hass: HomeAssistant) -> list[App]:
    """Return the installed apps of this kind; none without a Supervisor."""
    if not is_hassio(hass):
        return []
    from aiohasupervisor import SupervisorError  # noqa: PLC0415 - see the module

    try:
        installed = await _supervisor(hass).addons.list()
    except SupervisorError as err:
        LOGGER.warning("The Supervisor does not name its apps: %s", err)
        return []
    return [
        App(app.slug, app.name, str(app.state) == "started")
        for app in installed
        if app.slug.endswith(APP_SLUG_SUFFIX)
    ]


async def async_start_app(hass: HomeAssistant, slug: str) -> None:
    """Start an app.

    Raises:
        PairingError: the Supervisor refuses.
    """
    from aiohasupervisor import SupervisorError  # noqa: PLC0415 - see the module

    try:
        await _supervisor(hass).addons.start_addon(slug)
    except SupervisorError as err:
        raise PairingError(str(err)) from err


async def async_pair(hass: HomeAssistant, slug: str, *, just_started: bool = False) -> Paired:
    """Give an app a new token, on its standard input, and wait until it knows that.

    Not by the action `hassio.app_stdin`: its data are fired as an event, which the recorder keeps.

    Raises:
        PairingError: it does not come to that.
        UnsupportedApiError: the app is too old or too new.
    """
    from aiohasupervisor import SupervisorError  # noqa: PLC0415 - see the module

    token = secrets.token_urlsafe(_TOKEN_BYTES)
    command = json.dumps({"command": "pair", "token": token}).encode()
    supervisor, timings = _supervisor(hass), timings_of(hass)
    try:
        info = await supervisor.addons.addon_info(slug)
        host, port = info.hostname, info.ingress_port or APP_PORT
        client = Client(async_get_clientsession(hass), host, port, token)
        if just_started:
            await _until_it_answers(client, timings)
        await supervisor.addons.write_addon_stdin(slug, command)
    except SupervisorError as err:
        raise PairingError("the Supervisor refuses") from err
    return Paired(slug, host, port, token, await _until_paired(client, timings))


async def async_unpair(hass: HomeAssistant, slug: str) -> None:
    """Have an app forget its token, if it is still there."""
    if not is_hassio(hass):
        return
    from aiohasupervisor import SupervisorError  # noqa: PLC0415 - see the module

    try:
        await _supervisor(hass).addons.write_addon_stdin(slug, b'{"command": "unpair"}')
    except SupervisorError:
        LOGGER.debug("The app %s is not there any more", slug)


def _supervisor(hass: HomeAssistant) -> SupervisorClient:
    from homeassistant.components.hassio.handler import (  # noqa: PLC0415 - see above
        get_supervisor_client,
    )

    return get_supervisor_client(hass)


async def _until_it_answers(client: Client, timings: Timings) -> None:
    try:
        async with asyncio.timeout(timings.start):
            while True:
                try:
                    await client.info()
                except UnsupportedApiError:
                    raise
                except ClientError:
                    await asyncio.sleep(timings.ask_every)
                else:
                    return
    except TimeoutError:
        raise PairingError("the app does not answer") from None


async def _until_paired(client: Client, timings: Timings) -> Info:
    last: ClientError | None = None
    try:
        async with asyncio.timeout(timings.pair):
            while True:
                try:
                    info = await client.info()
                    if await client.may_change():
                        return info
                except UnsupportedApiError:  # it stays what it is
                    raise
                except ClientError as err:
                    last = err
                await asyncio.sleep(timings.ask_every)
    except TimeoutError:
        raise PairingError(str(last or "the app does not take the token")) from None
