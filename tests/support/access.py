"""Decisions about access."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

from wyoming_piper_hardened.errors import HardenedError
from wyoming_piper_hardened.web.access import AccessPolicy, Caller
from wyoming_piper_hardened.web.endpoint import Access


def outcome(
    policy: AccessPolicy,
    address: str,
    access: Access,
    method: str = "",
    headers: Mapping[str, str] | None = None,
) -> str:
    """Return ``ok``, or the code of the error."""
    method = method or ("POST" if access in {Access.SPEAK, Access.CHANGE} else "GET")
    try:
        policy.check(Caller(ip_address(address), method, headers or {}), access)
    except HardenedError as err:
        return err.code
    return "ok"
