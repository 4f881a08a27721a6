"""``/openapi.json`` and ``/reference``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

from aiohttp import web

from ..endpoint import BYTES, JSON, Endpoint
from .document import make_document
from .page import HTML, make_page


class ReferenceEndpoints:
    """The OpenAPI document, and a page for people that is made from it."""

    def __init__(self) -> None:
        self._described: tuple[Endpoint, ...] = ()
        self._made: asyncio.Future[tuple[str, str]] | None = None

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="GET",
                path="/openapi.json",
                handle=self._show_document,
                summary="This description as an OpenAPI document.",
                answers={200: {JSON: {"type": "object"}}},
            ),
            Endpoint(
                method="GET",
                path="/reference",
                handle=self._show_page,
                summary="This description as a page.",
                answers={200: {HTML: BYTES}},
            ),
        )

    def describe(self, endpoints: Iterable[Endpoint]) -> None:
        """Take the calls of which both are made, as soon as somebody asks for one."""
        self._described = tuple(endpoints)

    async def _show_document(self, _: web.Request) -> web.Response:
        document, _page = await self._make()
        return web.json_response(text=document)

    async def _show_page(self, _: web.Request) -> web.Response:
        _document, page = await self._make()
        return web.Response(text=page, content_type=HTML)

    async def _make(self) -> tuple[str, str]:
        """Return the document and the page, made once, in a thread."""
        if self._made is None:
            self._made = asyncio.ensure_future(asyncio.to_thread(_rendered, self._described))
        return await asyncio.shield(self._made)


def _rendered(endpoints: tuple[Endpoint, ...]) -> tuple[str, str]:
    document = make_document(endpoints)
    return json.dumps(document), make_page(document)
