"""Reading what a hub answers: status, headers, the first bytes. No network in here."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from ..errors import (
    CaptivePortalError,
    HubAnswerError,
    HubRefusedError,
    HubUnreachableError,
    NotAModelError,
    NotOnHubError,
    RateLimitedError,
)
from .retry import TransientError

HEAD_BYTES = 1024
"""So many first bytes tell a web page or a pointer from a file."""

_SECONDS = re.compile(r"[0-9]+")
_RESET = re.compile(r";\s*t=([0-9]+)")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_LFS_POINTER = b"version https://git-lfs"
_STRONG_ETAG = re.compile(r'"[!#-~]{1,200}"')


def refuse_status(
    status: int, headers: Mapping[str, str], what: str, *, signed: bool, now: float
) -> None:
    """Raise what an HTTP status other than 200 and 206 means.

    Args:
        status: of the last answer, redirects followed.
        headers: of that answer; names are compared without regard to case by their type.
        what: what was asked of whom, for messages.
        signed: a redirect's signed address gave the answer, not the hub itself.
        now: seconds since the epoch.

    Raises:
        DownloadError: asking again does not help.
        TransientError: it may.
    """
    if status in (200, 206):
        return
    if status == 403 and signed:  # noqa: PLR2004 - the signature has expired: resolve again
        raise TransientError(HubRefusedError(f"{what}: its store refuses the signed address (403)"))
    if status in (401, 403):
        raise HubRefusedError(f"{what}: refused ({status}); set HF_TOKEN to a token that may read")
    if status == 407:  # noqa: PLR2004
        raise HubRefusedError(f"{what}: the proxy wants a password; put it into HTTPS_PROXY")
    if status == 511:  # noqa: PLR2004
        raise CaptivePortalError(f"{what}: the network wants a login; log in with a browser")
    if status in (404, 410):
        raise NotOnHubError(
            f"{what}: not there ({status}); check the voice's name, hub_revision and hub_endpoint"
        )
    wait = wait_asked(headers, now)
    asks = "" if wait is None else f" and asks to wait {min(wait, 1e9):.0f} s"
    if status == 429:  # noqa: PLR2004
        raise TransientError(
            RateLimitedError(f"{what}: too many requests (429){asks}; try later or set HF_TOKEN"),
            wait=wait,
        )
    if status in (408, 425) or status >= 500:  # noqa: PLR2004
        raise TransientError(
            HubUnreachableError(f"{what}: the hub is out of order ({status}){asks}; try later"),
            wait=wait,
        )
    raise HubAnswerError(f"{what}: unexpected status {status}; check hub_endpoint and the proxy")


def wait_asked(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that ``Retry-After`` (seconds or a date) or else ``RateLimit: …;t=55`` ask for."""
    if (text := headers.get("Retry-After", "").strip()) and (wait := _retry_after(text, now)):
        return wait
    if match := _RESET.search(headers.get("RateLimit", "")):
        return _seconds(match[1])
    return None


def check_encoding(headers: Mapping[str, str], what: str) -> None:
    """Refuse a body that is not the file's own bytes."""
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", ""):
        raise HubAnswerError(
            f"{what}: came compressed although that was declined; a proxy changes what passes, "
            "let it leave the hub alone"
        )


def continues(headers: Mapping[str, str], start: int, size: int, etag: str | None) -> bool:
    """Whether a 206 goes on exactly at `start`, of a file of `size` bytes and of the same ETag."""
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if match is None or int(match[1]) != start or match[3] not in ("*", str(size)):
        return False
    if not start <= int(match[2]) < size:
        return False
    return etag is None or headers.get("ETag", etag) == etag


def strong_etag(headers: Mapping[str, str]) -> str | None:
    """The ETag, if ``If-Range`` may use it."""
    etag = headers.get("ETag", "")
    return etag if _STRONG_ETAG.fullmatch(etag) else None


def refuse_other_content(head: bytes, what: str) -> None:
    """Raise when the first bytes are not a model's or a configuration's but somebody's page.

    A model never begins so: ``<`` and ``{`` are no field that an ONNX file may begin with.
    """
    if head.startswith(_LFS_POINTER):
        raise NotAModelError(
            f"{what}: a Git LFS pointer came instead of the file; the mirror lacks the real files, "
            "set hub_endpoint to one that has them"
        )
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"<?xml", b"<Error")):
        raise NotAModelError(f"{what}: an error page came instead of the file; try later")
    if text.startswith(b"<"):
        raise CaptivePortalError(
            f"{what}: a web page came instead of the file; log in to the network with a browser, "
            "or let the proxy leave the hub alone"
        )
    if text.startswith(b"{") and (what_is_wrong := _error_said(text)):
        raise NotAModelError(f"{what}: an error message came instead of it ({what_is_wrong})")


def _error_said(text: bytes) -> str | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    error = said.get("error") if isinstance(said, dict) else None
    return None if error is None else ascii(error)[:100]


def _retry_after(text: str, now: float) -> float | None:
    if _SECONDS.fullmatch(text):
        return _seconds(text)
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(moment.timestamp() - now, 0.0)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _seconds(digits: str) -> float:
    return float(digits) if len(digits) < 10 else math.inf  # noqa: PLR2004
