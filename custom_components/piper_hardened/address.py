"""Where a server is, and whether it answers there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.const import CONF_HOST, CONF_PORT, CONF_TOKEN
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .client import (
    CannotConnectError,
    Client,
    ClientError,
    Info,
    InvalidAuthError,
    ReadOnlyError,
    UnsupportedApiError,
)

READ_ONLY: Final = {"base": "read_only"}
"""The errors of a form whose server may be looked at, but not changed."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is, and the token that it wants."""

    host: str
    port: int
    token: str | None = None

    @classmethod
    def of(cls, user_input: Mapping[str, Any]) -> Address:
        """Read a form; an IPv6 address may be in brackets."""
        host = user_input[CONF_HOST].strip().removeprefix("[").removesuffix("]")
        return cls(host, user_input[CONF_PORT], (user_input.get(CONF_TOKEN) or "").strip() or None)

    def data(self) -> dict[str, Any]:
        """Return the data of an entry."""
        return {CONF_HOST: self.host, CONF_PORT: self.port, CONF_TOKEN: self.token}

    def client(self, hass: HomeAssistant) -> Client:
        """Return a client; raises ValueError for what is no host."""
        return Client(async_get_clientsession(hass), self.host, self.port, self.token)


async def async_try(hass: HomeAssistant, address: Address) -> tuple[Info | None, dict[str, str]]:
    """Return who is there, and what is wrong by field; both if it may only be looked at."""
    try:
        client = address.client(hass)
    except ValueError:
        return None, {CONF_HOST: "invalid_host"}
    try:
        info = await client.info()
        if info.needs_token and address.token is None:
            return None, {CONF_TOKEN: "invalid_auth"}
        may_change = await client.may_change()
    except (InvalidAuthError, ReadOnlyError):
        return None, {CONF_TOKEN: "invalid_auth"}
    except ClientError as err:
        return None, {"base": reason_of(err)}
    return info, {} if may_change else READ_ONLY


def reason_of(err: ClientError, *, app: bool = False) -> str:
    """Return the key of what is wrong."""
    match err:
        case CannotConnectError():
            return "cannot_connect"
        case UnsupportedApiError():
            return "update_app" if app and not err.newer else "unsupported_api"
        case _:
            return "not_piper_hardened"
