"""Client of the voice repository (the hub): revisions become commits, paths become bytes.

Redirects are followed here, hop by hop: the token goes to the endpoint alone, the commit and the
digest are believed from the endpoint alone, and the signed address that the hub hands out is never
kept, logged or shown. Proxies of the environment apply to each hop; ``~/.netrc`` is not read.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Self
from urllib.parse import quote

import aiohttp
from yarl import URL

from .. import __version__
from .errors import DownloadCorruptError, HubAnswerError, OfflineError, RedirectRefusedError
from .files import CATALOGUE_PATH, MIRROR_PATH, REPOSITORY, is_commit, mirror_commit
from .response import HEAD_BYTES, HubHeaders, HubResponse, Timeouts, refuse_other_content
from .retry import RetryPolicy
from .settings import HubSettings
from .transport import Resolver, failures_named, proxy_for, trusted_certificates

_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_REDIRECTS = 8
_MAX_MARK_BYTES = 1024
_ENCODED = re.compile(r"[!-~]+")


class Hub:
    """Client of the hub; use as ``async with Hub(settings) as hub``."""

    def __init__(
        self,
        settings: HubSettings,
        *,
        retry: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.settings = settings
        self.retry = retry or RetryPolicy()
        self._timeouts = timeouts or Timeouts()
        self._endpoint = URL(settings.endpoint)
        self._mirror: str | None = None  # what stands for its commit, once it is known to be one
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        context = await asyncio.to_thread(trusted_certificates, self.settings.ca_bundle)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, resolver=Resolver()),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(
                total=None,
                connect=self._timeouts.connect,
                sock_connect=self._timeouts.connect,
                sock_read=self._timeouts.stall,
            ),
            headers={
                "User-Agent": f"wyoming-piper-hardened/{__version__}",
                "Accept-Encoding": "identity",
            },
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def resolve(self, revision: str | None = None) -> str:
        """Return the commit that `revision` (default: the setting) stands for at this moment.

        Raises:
            DownloadError: the hub cannot be reached, or it is not the hub that responds.
        """
        wanted = revision or self.settings.revision

        async def attempt() -> str:
            async with self.get(CATALOGUE_PATH, wanted, method="HEAD") as response:
                response.refuse()
                assert response.hub_headers.commit is not None
                return response.hub_headers.commit

        return wanted if is_commit(wanted) else await self.retry.run(attempt)

    async def read(self, path: str, revision: str, *, limit: int, md5: str | None = None) -> bytes:
        """Return a small file of at most `limit` bytes; with `md5` it may begin with anything."""

        async def attempt() -> bytes:
            data = bytearray()
            async with self.get(path, revision) as response:
                response.refuse()
                async for piece in response.body():
                    data += piece
                    if len(data) > limit:
                        raise HubAnswerError(f"{response.what}: has more than {limit} bytes")
                if md5 is None or hashlib.md5(data, usedforsecurity=False).hexdigest() != md5:
                    refuse_other_content(bytes(data[:HEAD_BYTES]), response.what)
                    if md5 is not None:
                        raise DownloadCorruptError(
                            f"{response.what}: differs from the catalogue's; refresh the catalogue"
                        )
                return bytes(data)

        return await self.retry.run(attempt)

    @contextlib.asynccontextmanager
    async def get(
        self,
        path: str,
        revision: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[HubResponse]:
        """Request a file once; failures within the block get their names, too.

        Raises:
            DownloadError: another attempt does not help.
            TransientError: it may help; see `RetryPolicy.run`.
        """
        what = f"{path} from {self._endpoint.host}"
        if self.settings.offline:
            raise OfflineError(f"{what}: not fetched, `offline` (HF_HUB_OFFLINE) is switched on")
        assert self._session is not None, "used outside its `async with`"
        url, hub_headers, seen = self._url(path, revision), HubHeaders(), set[URL]()
        with failures_named(what):
            while url not in seen and len(seen) <= _MAX_REDIRECTS:
                seen.add(url)
                trusted = all(self._is_here(hop) for hop in seen)
                async with self._session.request(
                    method,
                    url,
                    headers=dict(headers or {}) | self._authorization(trusted=trusted),
                    proxy=proxy_for(url),
                    allow_redirects=False,
                ) as http:
                    if trusted:
                        hub_headers.add(http.headers)
                        if hub_headers.commit is None and await self._is_mirror(http.status):
                            hub_headers.commit = revision if is_commit(revision) else self._mirror
                            if (there := self._url(path, revision)) not in seen:
                                url = there
                                continue
                    if http.status not in _REDIRECTS:
                        if http.status < 300:  # noqa: PLR2004
                            hub_headers.check_commit(revision, what)
                        yield HubResponse(
                            what=what,
                            hub_headers=hub_headers,
                            signed=not trusted,
                            http=http,
                            timeouts=self._timeouts,
                        )
                        return
                    url = self._next(url, http.headers.get("Location", ""), what)
                    if not self._is_here(url):
                        hub_headers.check_commit(revision, what)
            raise RedirectRefusedError(f"{what}: redirected in circles; check hub_endpoint")

    async def _is_mirror(self, status: int) -> bool:
        """Return whether the endpoint, which named no commit, is a mirror; see `mirror_mark`.

        Its files are what the catalogue's digests say, or refused.
        """
        if self._mirror is None and status in (200, 206, 404):
            assert self._session is not None
            url = self._url(MIRROR_PATH, self.settings.revision)
            async with self._session.get(
                url,
                headers=self._authorization(trusted=True),
                proxy=proxy_for(url),
                allow_redirects=False,
            ) as http:
                if http.status == 200 and (http.content_length or 0) <= _MAX_MARK_BYTES:  # noqa: PLR2004
                    self._mirror = mirror_commit(await http.content.read(_MAX_MARK_BYTES))
        return self._mirror is not None

    def _url(self, path: str, revision: str) -> URL:
        if self._mirror is not None and is_commit(revision):
            revision = self.settings.revision  # a mirror has its files in one place
        file = f"{REPOSITORY}/resolve/{quote(revision, safe='')}/{quote(path)}"
        return URL(f"{self.settings.endpoint}/{file}", encoded=True)

    def _is_here(self, url: URL) -> bool:
        """Return whether `url` belongs to the endpoint; its encrypted side does."""
        here = self._endpoint
        upgraded = here.scheme == "http" and here.is_default_port() and url.is_default_port()
        return url.host == here.host and (
            url.origin() == here.origin() or (upgraded and url.scheme == "https")
        )

    def _authorization(self, *, trusted: bool) -> dict[str, str]:
        token = self.settings.token
        return {"Authorization": f"Bearer {token}"} if trusted and token else {}

    def _next(self, url: URL, location: str, what: str) -> URL:
        try:  # a signature holds for exactly these characters
            target = URL(location, encoded=bool(_ENCODED.fullmatch(location)))
            following = url.join(target).with_fragment(None)
            fits = location and following.host and following.port and not following.user
        except ValueError:  # UnicodeError and a port out of range included
            fits = None
            following = url
        schemes = ("https",) if self._endpoint.scheme == "https" else ("http", "https")
        if not fits or following.scheme not in schemes:
            raise RedirectRefusedError(
                f"{what}: redirected to an address that no file is fetched from; check hub_endpoint"
            )
        return following
