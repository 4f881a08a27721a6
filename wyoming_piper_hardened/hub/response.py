"""One answer of the hub, at the end of its redirects."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiohttp

from ..errors import CaptivePortalError, DownloadInterruptedError, HubAnswerError
from .retry import TransientError
from .status import check_encoding, refuse_status

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_commit(revision: str) -> bool:
    """Whether a revision is a commit, which never moves."""
    return _COMMIT.fullmatch(revision) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds to connect, and seconds in which `least_bytes` must come once a body has begun."""

    connect: float = 15.0
    stall: float = 30.0
    least_bytes: int = 64 * 1024


@dataclass(slots=True)
class HubHeaders:
    """What the endpoint itself said on the way to the file."""

    commit: str | None = None
    sha256: str | None = None
    size: int | None = None

    def add(self, headers: Mapping[str, str]) -> None:
        """Note what one more of its answers says."""
        self.commit = self.commit or headers.get("X-Repo-Commit")
        digest = headers.get("X-Linked-Etag", "").strip('"')
        if _SHA256.fullmatch(digest):
            self.sha256 = digest
            size = headers.get("X-Linked-Size", "")
            self.size = int(size) if size.isdecimal() and len(size) < 16 else None  # noqa: PLR2004

    def check_commit(self, asked: str, what: str) -> None:
        """Raise unless it named a commit, and the one that was asked for if one was."""
        if self.commit is None:
            raise CaptivePortalError(
                f"{what}: it is not the hub that answers; log in to the network with a browser, "
                "let the proxy leave the hub alone, or check hub_endpoint"
            )
        if not is_commit(self.commit) or (is_commit(asked) and self.commit != asked):
            raise HubAnswerError(f"{what}: answered with another commit; check hub_endpoint")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer: `hub_headers` from the endpoint; `signed`: another host sends the body."""

    what: str
    hub_headers: HubHeaders
    signed: bool
    response: aiohttp.ClientResponse = field(repr=False)
    timeouts: Timeouts

    @property
    def status(self) -> int:
        """Its HTTP status."""
        return self.response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers."""
        return self.response.headers

    def refuse(self) -> None:
        """Raise unless the file's own bytes follow; see `refuse_status`."""
        refuse_status(self.status, self.headers, self.what, signed=self.signed, now=time.time())
        check_encoding(self.headers, self.what)

    @property
    def length(self) -> int | None:
        """Bytes that the body announces."""
        return self.response.content_length

    async def body(self) -> AsyncIterator[bytes]:
        """The body as it comes.

        Raises:
            TransientError: it comes too slowly to be of use.
        """
        loop = asyncio.get_running_loop()
        waited, received = 0.0, 0
        while True:
            began = loop.time()
            data = await self.response.content.readany()
            waited += loop.time() - began  # what the reader of this does is not the hub's fault
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
