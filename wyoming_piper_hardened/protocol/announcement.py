"""Zeroconf: the server in the local network, where Home Assistant looks for its services."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from ipaddress import IPv4Address, ip_address

import psutil

from ..reporting.events import Event

_LOGGER = logging.getLogger(__name__)
_WYOMING = "_wyoming._tcp.local."
_COMPANION = "_piper-hardened._tcp.local."
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class Service:
    """A service to announce.

    Args:
        kind: its DNS-SD type.
        hosts: addresses that it listens on; ``0.0.0.0`` is every one of IPv4, ``::`` of both.
        port: its TCP port.
        properties: its TXT record.
    """

    kind: str
    hosts: Collection[str]
    port: int
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def everywhere(self) -> bool:
        """Return whether it listens on every address."""
        return not _EVERYWHERE.isdisjoint(self.hosts)

    def addresses(self, own: Iterable[str]) -> list[str]:
        """Return the addresses to announce, of a machine with these `own` ones."""
        if self.everywhere:
            return reachable(own, ipv6="::" in self.hosts)
        return sorted(self.hosts)


def wyoming_service(hosts: Collection[str], port: int | None) -> Service | None:
    """Return the Wyoming server to announce; ``None``, and a line in the log, on a Unix socket."""
    if port is None:
        reason = "only a tcp:// address can be announced"
        _LOGGER.warning(Event("announcement-impossible", reason=reason))
        return None
    return Service(_WYOMING, hosts, port)


def companion_service(
    hosts: Collection[str], port: int | None, properties: Mapping[str, str]
) -> Service | None:
    """Return the web server to announce to Home Assistant's integration.

    ``None`` if only this machine reaches it.
    """
    if port is None or all(ip_address(host).is_loopback for host in hosts):
        return None
    return Service(_COMPANION, hosts, port, properties)


@contextlib.asynccontextmanager
async def announced(name: str | None, services: Sequence[Service]) -> AsyncIterator[None]:
    """Announce services under `name` within the context; do nothing without a name.

    When that fails (no network yet, no library) the log says so and the server goes on.
    """
    if name is None or not services:
        yield
    elif find_spec("zeroconf") is None:
        reason = "install wyoming-piper-hardened[zeroconf] to be announced"
        _LOGGER.warning(Event("announcement-impossible", reason=reason))
        yield
    else:
        # Each set of addresses by itself: what only this machine reaches is told to nobody else.
        groups: dict[frozenset[str], list[Service]] = {}
        for service in services:
            groups.setdefault(frozenset(service.hosts), []).append(service)
        async with contextlib.AsyncExitStack() as stack:
            for group in groups.values():
                await stack.enter_async_context(_registered(name, group))
            yield


@contextlib.asynccontextmanager
async def _registered(name: str, services: Sequence[Service]) -> AsyncIterator[None]:
    """Announce services that listen on the same addresses within the context."""
    from zeroconf import Error, InterfaceChoice, IPVersion  # noqa: PLC0415 - an optional extra
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf  # noqa: PLC0415 - likewise

    # It would log a traceback for every interface that has no way to the other family.
    logging.getLogger("zeroconf").setLevel(logging.ERROR)
    addresses = services[0].addresses(await asyncio.to_thread(_own_addresses))
    versions = {ip_address(address).version for address in addresses}
    version = IPVersion.All if len(versions) > 1 else IPVersion.V4Only
    zeroconf = None
    try:
        zeroconf = AsyncZeroconf(
            interfaces=InterfaceChoice.All if services[0].everywhere else addresses,
            ip_version=IPVersion.V6Only if versions == {6} else version,
        )
        for service in services:
            info = AsyncServiceInfo(
                service.kind,
                f"{name}.{service.kind}",
                parsed_addresses=addresses,
                port=service.port,
                properties=dict(service.properties),
            )
            await zeroconf.async_register_service(info, allow_name_change=True)
        _LOGGER.info(Event("announced", name=name, addresses=", ".join(addresses)))
    except (OSError, ValueError, Error) as err:
        _LOGGER.warning(Event("announcement-failed", name=name, reason=str(err)))
    try:
        yield
    finally:
        if zeroconf is not None:
            await zeroconf.async_unregister_all_services()
            await zeroconf.async_close()


def _own_addresses() -> list[str]:
    interfaces = psutil.net_if_addrs().values()
    families = {socket.AF_INET, socket.AF_INET6}
    return [one.address for found in interfaces for one in found if one.family in families]


def reachable(addresses: Iterable[str], *, ipv6: bool) -> list[str]:
    """Return those addresses of a machine that others can reach, IPv4 before IPv6.

    Without IPv6 addresses of a link alone: they mean nothing without the name of an interface,
    and each machine has its own names.
    """
    found = {ip_address(address.partition("%")[0]) for address in addresses}
    wanted = [
        address
        for address in found
        if not address.is_loopback
        and (isinstance(address, IPv4Address) or (ipv6 and not address.is_link_local))
    ]
    return [str(address) for address in sorted(wanted, key=lambda one: (one.version, int(one)))]
