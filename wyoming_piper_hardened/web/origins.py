"""Origins: which pages may have a browser ask for something, and CORS for those of others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from aiohttp import web

from ..errors import OriginError

_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,2000}")
_MAX_AGE = "600"
"""Seconds for which a browser need not ask again."""


class Origins:
    """The server's own pages, and those of the origins that are `allowed`.

    Args:
        allowed: as browsers send them: ``https://HOST``, ``chrome-extension://ID``.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset(allowed)

    def check(self, headers: Mapping[str, str], *, behind_proxy: bool) -> None:
        """Raise OriginError for what a browser does on behalf of somebody else's page."""
        origin = headers.get("Origin")
        if self._allows(origin):
            return
        site = headers.get("Sec-Fetch-Site")  # no page can forge it
        if site is not None:
            if site not in {"same-origin", "none"}:
                raise OriginError("a page of another origin may not ask for this")
            return
        if origin is None:
            return  # not a browser
        names = {headers.get("Host", "").lower()}
        if behind_proxy:
            names.add(headers.get("X-Forwarded-Host", "").lower())
        if "://" not in origin or origin.partition("://")[2].lower() not in names - {""}:
            raise OriginError("a page of another origin may not ask for this")

    def preflight(self, request: web.Request) -> web.Response | None:
        """Return the answer to a browser that asks beforehand for a page of an allowed origin."""
        headers = request.headers
        asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in headers
        if not asks or not self._allows(headers.get("Origin")):
            return None
        answer = web.Response(status=204)
        answer.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, DELETE"
        answer.headers["Access-Control-Max-Age"] = _MAX_AGE
        names = headers.get("Access-Control-Request-Headers", "")
        if _NAMES.fullmatch(names):
            answer.headers["Access-Control-Allow-Headers"] = names
        if headers.get("Access-Control-Request-Private-Network") == "true":
            answer.headers["Access-Control-Allow-Private-Network"] = "true"
        return answer

    def add_headers(self, request: web.Request, answer: web.StreamResponse) -> None:
        """Let a page of an allowed origin read the answer."""
        if not self._allowed:
            return
        answer.headers["Vary"] = "Origin"
        origin = request.headers.get("Origin")
        if origin is not None and self._allows(origin):
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Access-Control-Expose-Headers"] = "X-Request-Id, Retry-After"
            answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"

    def _allows(self, origin: str | None) -> bool:
        return origin is not None and origin.lower() in self._allowed
