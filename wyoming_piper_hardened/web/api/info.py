"""Identity: which server this is, before any token is needed."""

from __future__ import annotations

from aiohttp import web

from ... import __version__
from ...status.rows import API_VERSION, Identity
from ..bodies.shapes import Info
from ..endpoint import Access, Endpoint, json_answer, json_body

FEATURES = ("job-ids", "companion-events", "voice-versions", "say-language", "default-voice")
"""Abilities of the API that came later than the first release with its number."""


class InfoEndpoint:
    """``/api/info``."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="GET",
                path="/api/info",
                handle=self._show,
                summary="Which server this is; everybody may ask.",
                access=Access.IDENTITY,
                answers={200: json_body(Info)},
            ),
        )

    async def _show(self, _: web.Request) -> web.Response:
        return json_answer(self.info())

    def info(self) -> Info:
        """Return the answer."""
        identity = self._identity
        return Info(
            server_id=identity.server_id,
            name=identity.name,
            version=__version__,
            api=API_VERSION,
            features=FEATURES,
            app=identity.app,
            auth=identity.auth,
            wyoming_port=identity.wyoming_port(),
        )
