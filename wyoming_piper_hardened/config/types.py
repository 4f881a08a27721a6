"""Types of setting values: how each is parsed and checked, from a file, a variable or a flag.

Every parser takes what YAML, JSON or a text gave, and returns the value in its proper type or
raises ``ValueError``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import voluptuous as vol

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,200}")
_SWITCHES = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,250}[a-z0-9_])?")
_PORTS = {"http": 80, "https": 443}


class NotAllowedError(vol.Invalid):
    """A value is not allowed, for the reason that its text gives."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check of one value: `allowed` describes what passes, calling it decides."""

    allowed: str
    parse: Callable[[object], Any]

    def __call__(self, value: object) -> Any:
        """Return the value in its proper type, or raise `ValueError`."""
        return self.parse(value)


class TextTreatment(StrEnum):
    """Degree to which a text is changed before it is spoken."""

    ON = "on"
    MARKS = "marks"
    OFF = "off"


def optional(check: Check) -> Check:
    """Return a check that also passes null and the empty text, as ``None``."""

    def parse(value: object) -> Any:
        return None if value is None or value == "" else check(value)

    return Check(f"{check.allowed}; or empty", parse)


def whole_number(low: int, high: int, remark: str = "") -> Check:
    """Return a check of a number, both ends included; `remark` is appended to its description."""

    def parse(value: object) -> int:
        if isinstance(value, str):
            value = int(value.strip())
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError
        return value

    return Check(f"a whole number from {low} to {high}{remark}", parse)


def number(low: float, high: float, remark: str = "") -> Check:
    """Return a check of a number, both ends included; `remark` is appended to its description."""

    def parse(value: object) -> float:
        if isinstance(value, str):
            value = float(value.strip())
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        if not low <= value <= high:  # also refuses NaN
            raise ValueError
        return float(value)

    return Check(f"a number from {low:g} to {high:g}{remark}", parse)


def one_of(choices: type[StrEnum]) -> Check:
    """Return a check of an enumeration's values, in upper or lower case."""

    def parse(value: object) -> StrEnum:
        if isinstance(value, bool):  # YAML reads on and off as that
            value = "on" if value else "off"
        return choices(text(value).lower())

    return Check(f"one of {', '.join(choices)}", parse)


def _switch(value: object) -> bool:
    if isinstance(value, str | int):
        value = _SWITCHES.get(str(value).strip().lower())
    if not isinstance(value, bool):
        raise ValueError
    return value


SWITCH = Check("true or false", _switch)


def text(value: object) -> str:
    """Return a text that is not empty, without blanks around it."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return value.strip()


def texts(value: object) -> tuple[str, ...]:
    """Return a list of texts, or one text with commas between, as a tuple."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple):
        raise ValueError
    return tuple(text(item) for item in value if item != "")


def speaker(value: object) -> str:
    """Return a speaker's name, or number as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return text(value)


def uri(*schemes: str) -> Callable[[object], str]:
    """Return a parser of addresses to listen on: ``tcp://HOST:PORT``, ``http://HOST:PORT``, ``unix:///PATH``.

    The host may be missing.
    """

    def parse(value: object) -> str:
        address = text(value)
        parts = urlsplit(address)
        if parts.scheme not in schemes:
            raise ValueError
        if parts.scheme == "unix":
            if not parts.path or parts.netloc or parts.query or parts.fragment:
                raise ValueError  # unix://tmp/x would leave out tmp
        elif parts.port is None or not (parts.hostname or parts.netloc.startswith(":")):
            raise ValueError  # as .port itself does when out of range
        return address

    return parse


def base_url(value: object) -> str:
    """Return the URL of a server: ``http://HOST:PORT`` or ``https://HOST``, without credentials."""
    address = text(value)
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError
    if parts.query or parts.fragment or parts.port == 0:  # .port raises when out of range
        raise ValueError
    return address


def token(value: object) -> str:
    """Return a bearer token that can stand in a header (RFC 6750, section 2.1), hard to guess."""
    secret = text(value)
    if not _TOKEN.fullmatch(secret):
        raise ValueError
    return secret


def networks(value: object) -> tuple[str, ...]:
    """Return addresses and networks, each as a network."""
    return tuple(str(ip_network(address)) for address in texts(value))


def host_names(value: object) -> tuple[str, ...]:
    """Return names of hosts as browsers send them: in lower case, ASCII, without a port."""
    names = []
    for name in texts(value):
        try:
            encoded = name.lower().encode("idna").decode().rstrip(".")
        except UnicodeError:
            raise ValueError from None
        if not _HOST_NAME.fullmatch(encoded):
            raise ValueError
        names.append(encoded)
    return tuple(names)


def origins(value: object) -> tuple[str, ...]:
    """Return origins of pages as browsers send them: ``SCHEME://HOST`` with a port if unusual."""
    found = []
    for origin in texts(value):
        parts = urlsplit(origin.lower())
        port = parts.port  # raises when out of range
        plain = not (parts.username or parts.query or parts.fragment or parts.path.strip("/"))
        if not (plain and parts.scheme and parts.hostname) or "*" in parts.netloc:
            raise ValueError
        host = parts.hostname.encode("idna").decode()
        host = f"[{host}]" if ":" in host else host
        usual = port is None or port == _PORTS.get(parts.scheme)
        found.append(f"{parts.scheme}://{host}" + ("" if usual else f":{port}"))
    return tuple(found)


def path(value: object) -> Path:
    """Return an absolute path; ``~`` is the user's home."""
    if not isinstance(value, str | Path) or "\0" in str(value):
        raise ValueError
    try:
        return Path(text(str(value))).expanduser().absolute()
    except RuntimeError:  # ~somebody who does not exist
        raise ValueError from None


def paths(value: object) -> tuple[Path, ...]:
    """Return a list of paths, or one text with commas between, as a tuple."""
    return tuple(path(item) for item in texts(value))
