"""Access control by address, token, origin and host name."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from aiohttp import web

from ..errors import AccessError, OriginError, TokenError
from ..system.pairing import Pairing
from .endpoint import Access
from .origins import Origins

Address = IPv4Address | IPv6Address

_PASSED_ON = (
    *("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"),
    "Via",  # the only one that every proxy has to send
)
_IPV6_HOST_PREFIX = 64
"""A machine has as many IPv6 addresses as it wants, but mostly of one such network."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Caller:
    """The address, the method and the headers of a request."""

    address: Address
    method: str
    headers: Mapping[str, str]


def caller_of(request: web.Request) -> Caller:
    """Return the caller of a request.

    Raises:
        AccessError: the connection is gone.
    """
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if peer is None:
        raise AccessError("the connection is gone")
    return Caller(parsed_address(peer[0]), request.method, request.headers)


class AccessPolicy:
    """Allows or refuses calls.

    ===========================  ========================  =========================
    from                         without `token`           with `token`
    ===========================  ========================  =========================
    a `trusted` proxy            everything                everything
    this machine                 everything                health; all by the token
    elsewhere                    all but changes           health; all by the token
    ===========================  ========================  =========================

    Everybody may ask who the server is, and who has the token of the `pairing` may do everything.
    With `trusted` proxies nobody else gets in; this machine may still ask for health. What a proxy
    that is not trusted passed on counts as from elsewhere if it says so in a header. Not every one
    does, so a `token` is asked of this machine as well.

    Browsers run on this machine, too, and a foreign page can have its own name lead here. So all
    that comes from this machine has to ask for ``localhost``, an address or one of `hosts`. A
    `trusted` proxy on this machine may ask for any name if it sends ``Via``, the only header of
    proxies that no page can send.

    Args:
        hosts: names that this machine goes by, in lower case.
        token: what all callers need that are not trusted.
        trusted: addresses and networks of proxies that let only the right people through.
        pairing: the token of Home Assistant's integration, if it has one.
        origins: pages that may ask for more than to read.
    """

    def __init__(
        self,
        hosts: Collection[str],
        token: str | None,
        trusted: tuple[str, ...],
        pairing: Pairing | None = None,
        origins: Origins | None = None,
    ) -> None:
        self._hosts = frozenset(hosts)
        self._origins = origins or Origins()
        self._token = token
        self._trusted = tuple(ip_network(text) for text in trusted)
        self._pairing = pairing

    def check(self, caller: Caller, access: Access) -> None:
        """Raise AccessError unless the call is allowed."""
        trusted = self._is_trusted(caller.address)
        if not trusted and not self._is_paired(caller):
            self._check_untrusted(caller, access)
        elif trusted and caller.address.is_loopback and "Via" not in caller.headers:
            self._check_host(caller.headers.get("Host"))
        if caller.method not in _SAFE_METHODS:
            self._origins.check(caller.headers, behind_proxy=trusted)

    def may_change(self, request: web.Request) -> bool:
        """Return whether the caller of a request may change anything."""
        try:
            self.check(caller_of(request), Access.CHANGE)
        except AccessError:
            return False
        return True

    def is_privileged(self, request: web.Request) -> bool:
        """Return whether a request is a trusted proxy's or this machine's own."""
        try:
            caller = caller_of(request)
        except AccessError:
            return False
        return self._is_trusted(caller.address) or _is_local(caller)

    def is_privileged_address(self, address: Address) -> bool:
        """Return whether an address is a trusted proxy's or this machine's."""
        return address.is_loopback or self._is_trusted(address)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)

    def _is_paired(self, caller: Caller) -> bool:
        scheme, _, given = caller.headers.get("Authorization", "").partition(" ")
        return (
            self._pairing is not None
            and scheme.lower() == "bearer"
            and self._pairing.matches(given.strip())
        )

    def _check_untrusted(self, caller: Caller, access: Access) -> None:
        local = _is_local(caller)
        if local:
            self._check_host(caller.headers.get("Host"))
        if access is Access.IDENTITY:
            return
        if self._trusted and not (local and access is Access.HEALTH):
            raise AccessError("only the proxies named in web_trusted reach this port")
        if access is Access.HEALTH:
            return
        if self._token is None:
            if access is Access.CHANGE and not local:
                raise AccessError(
                    "changes from another machine need a token, and none is set; set web_token"
                )
        elif not _has_token(caller.headers.get("Authorization", ""), self._token):
            raise TokenError("the right token is needed: Authorization: Bearer TOKEN")

    def _check_host(self, header: str | None) -> None:
        """Refuse names that a foreign page could have made to lead to this machine."""
        if header is None:
            return
        try:
            name = (urlsplit(f"//{header}").hostname or "").rstrip(".")
        except ValueError:  # brackets that do not match
            name = ""
        if name == "localhost" or name.endswith(".localhost") or name in self._hosts:
            return
        if _parsed(name) is None:
            raise OriginError(
                f"this server does not go by the name {name[:100]!r}; use localhost, or add the "
                "name to web_hosts"
            )


def parsed_address(text: str | None) -> Address:
    """Return the address of a peer; an IPv4 one although it came through IPv6."""
    address = _parsed((text or "").partition("%")[0])
    if address is None:
        raise AccessError("an address is needed to be let in")
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def network_of(address: Address) -> str:
    """Return what stands for one caller: an IPv4 address, or the network of an IPv6 one."""
    prefix = _IPV6_HOST_PREFIX if isinstance(address, IPv6Address) else address.max_prefixlen
    return str(ip_network((address, prefix), strict=False))


def _parsed(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_local(caller: Caller) -> bool:
    return caller.address.is_loopback and not any(name in caller.headers for name in _PASSED_ON)


def _has_token(header: str, token: str) -> bool:
    """Return whether ``Authorization`` has the token, as bearer or as the password of anybody."""
    scheme, _, given = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[2]
        except ValueError:  # of both, and for bytes that are not ASCII
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode())
