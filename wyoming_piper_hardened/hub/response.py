"""Responses of the voice repository: status, headers, the first bytes, the body."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime

import aiohttp

from .errors import (
    CaptivePortalError,
    DownloadInterruptedError,
    HubAnswerError,
    HubRefusedError,
    HubUnreachableError,
    NotAModelError,
    NotOnHubError,
    RateLimitedError,
)
from .files import is_commit
from .retry import TransientError

HEAD_BYTES = 1024
"""So many first bytes distinguish a web page or a pointer from a file."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SECONDS = re.compile(r"[0-9]+")
_RESET = re.compile(r";\s*t=([0-9]+)")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_LFS_POINTER = b"version https://git-lfs"
_STRONG_ETAG = re.compile(r'"[!#-~]{1,200}"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds to connect, and seconds in which `least_bytes` must come once a body has begun."""

    connect: float = 15.0
    stall: float = 30.0
    least_bytes: int = 64 * 1024


@dataclass(slots=True)
class HubHeaders:
    """Facts that the endpoint itself gave on the way to the file."""

    commit: str | None = None
    sha256: str | None = None
    size: int | None = None

    def add(self, headers: Mapping[str, str]) -> None:
        """Add the facts of one more of its responses."""
        self.commit = self.commit or headers.get("X-Repo-Commit")
        digest = headers.get("X-Linked-Etag", "").strip('"')
        if _SHA256.fullmatch(digest):
            self.sha256 = digest
            size = headers.get("X-Linked-Size", "")
            self.size = int(size) if size.isdecimal() and len(size) < 16 else None  # noqa: PLR2004

    def check_commit(self, asked: str, what: str) -> None:
        """Raise unless the endpoint named a commit, and the one that was asked for if one was."""
        if self.commit is None:
            raise CaptivePortalError(
                f"{what}: it is not the hub that answers; log in to the network with a browser, "
                "let the proxy leave the hub alone, or check hub_endpoint"
            )
        if not is_commit(self.commit) or (is_commit(asked) and self.commit != asked):
            raise HubAnswerError(f"{what}: answered with another commit; check hub_endpoint")


@dataclass(frozen=True, slots=True, kw_only=True)
class HubResponse:
    """The response at the end of the redirects.

    `hub_headers` are from the endpoint; `signed`: another host sends the body.
    """

    what: str
    hub_headers: HubHeaders
    signed: bool
    http: aiohttp.ClientResponse = field(repr=False)
    timeouts: Timeouts

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.http.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers."""
        return self.http.headers

    def refuse(self) -> None:
        """Raise unless the file's own bytes follow; see `refuse_status`."""
        refuse_status(self.status, self.headers, self.what, signed=self.signed, now=time.time())
        check_encoding(self.headers, self.what)

    @property
    def length(self) -> int | None:
        """Length of the body in bytes, if it is announced."""
        return self.http.content_length

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes.

        Raises:
            TransientError: it comes too slowly to be of use.
        """
        loop = asyncio.get_running_loop()
        waited, received = 0.0, 0
        while True:
            began = loop.time()
            data = await self.http.content.readany()
            waited += loop.time() - began  # the time that the consumer takes does not count
            received += len(data)
            if not data:
                return
            if waited >= self.timeouts.stall:
                if received < self.timeouts.least_bytes:
                    raise TransientError(
                        DownloadInterruptedError(
                            f"{self.what}: only {received} bytes in {waited:.0f} s; try later"
                        )
                    )
                waited, received = 0.0, 0
            yield data


def refuse_status(
    status: int, headers: Mapping[str, str], what: str, *, signed: bool, now: float
) -> None:
    """Raise the error that an HTTP status other than 200 and 206 means.

    Args:
        status: of the last response, redirects followed.
        headers: of that response; names are compared without regard to case by their type.
        what: the request, for messages.
        signed: it comes from a redirect's signed address, not from the endpoint.
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
    wait = retry_after(headers, now)
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


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds of ``Retry-After`` (or a date), else of ``RateLimit: …;t=55``."""
    if (text := headers.get("Retry-After", "").strip()) and (
        wait := _parsed_retry_after(text, now)
    ):
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
    """Return whether a 206 continues at `start`, a file of `size` bytes and of the same ETag."""
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if match is None or int(match[1]) != start or match[3] not in ("*", str(size)):
        return False
    if not start <= int(match[2]) < size:
        return False
    return etag is None or headers.get("ETag", etag) == etag


def strong_etag(headers: Mapping[str, str]) -> str | None:
    """Return the ETag, if ``If-Range`` may use it."""
    etag = headers.get("ETag", "")
    return etag if _STRONG_ETAG.fullmatch(etag) else None


def refuse_other_content(head: bytes, what: str) -> None:
    """Raise if the first bytes are not those of a model or a configuration, but of a page.

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


def _parsed_retry_after(text: str, now: float) -> float | None:
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
