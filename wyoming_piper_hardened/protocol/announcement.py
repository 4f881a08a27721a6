"""Zeroconf: the server in the local network, where Home Assistant looks for Wyoming servers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from importlib.util import find_spec

import psutil

from ..reporting.events import Event

_LOGGER = logging.getLogger(__name__)
_SERVICE = "_wyoming._tcp.local."


@contextlib.asynccontextmanager
async def announced(name: str | None, host: str, port: int | None) -> AsyncIterator[None]:
    """Announce `host`:`port` under `name` within the context; do nothing without a name.

    When that fails (no network yet, no library) the log says so and the server goes on.
    """
    if name is None:
        yield
        return
    if port is None:
        _LOGGER.warning(
            Event("announcement-impossible", reason="only a tcp:// address can be announced")
        )
    elif find_spec("zeroconf") is None:
        reason = "install wyoming-piper-hardened[zeroconf] to be announced"
        _LOGGER.warning(Event("announcement-impossible", reason=reason))
    else:
        async with _registered(name, host, port):
            yield
        return
    yield


@contextlib.asynccontextmanager
async def _registered(name: str, host: str, port: int) -> AsyncIterator[None]:
    from zeroconf import Error, InterfaceChoice  # noqa: PLC0415 - an optional extra
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf  # noqa: PLC0415 - likewise

    everywhere = host in {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound
    addresses = await asyncio.to_thread(_addresses) if everywhere else [host]
    zeroconf = None
    try:
        zeroconf = AsyncZeroconf(interfaces=InterfaceChoice.All if everywhere else [host])
        service = AsyncServiceInfo(
            _SERVICE, f"{name}.{_SERVICE}", parsed_addresses=addresses, port=port
        )
        await zeroconf.async_register_service(service, allow_name_change=True)
        _LOGGER.info(Event("announced", name=name, addresses=", ".join(addresses)))
    except (OSError, ValueError, Error) as err:
        _LOGGER.warning(Event("announcement-failed", name=name, reason=str(err)))
    try:
        yield
    finally:
        if zeroconf is not None:
            await zeroconf.async_unregister_all_services()
            await zeroconf.async_close()


def _addresses() -> list[str]:
    """Return the IPv4 addresses of this machine that others can reach."""
    return [
        address.address
        for interface in psutil.net_if_addrs().values()
        for address in interface
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    ]
