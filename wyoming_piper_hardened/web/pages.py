"""The files of the page, kept in memory: no request is ever made into a path."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from aiohttp import web

from .errors import NotFoundError

INDEX = "index.html"

_TYPES = {
    "css": "text/css",
    "html": "text/html",
    "ico": "image/x-icon",
    "js": "text/javascript",
    "json": "application/json",
    "mjs": "text/javascript",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "wav": "audio/wav",
    "webmanifest": "application/manifest+json",
    "webp": "image/webp",
    "woff2": "font/woff2",
}
_TEXT = ("text/", "image/svg", "application/json", "application/manifest")


@dataclass(frozen=True, slots=True)
class Page:
    """One file."""

    body: bytes
    content_type: str
    etag: str


class Pages:
    """``/`` and ``/static/…``.

    Args:
        files: by their path below ``static/``.
    """

    def __init__(self, files: dict[str, Page]) -> None:
        self._files = files

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Serve them."""
        router.add_get("/", self._index)
        router.add_get("/static/{path:.+}", self._file)

    async def _index(self, request: web.Request) -> web.Response:
        return self._answer(request, INDEX)

    async def _file(self, request: web.Request) -> web.Response:
        return self._answer(request, request.match_info["path"])

    def _answer(self, request: web.Request, path: str) -> web.Response:
        page = self._files.get(path)
        if page is None:
            raise NotFoundError("there is no such page")
        headers = {"ETag": f'"{page.etag}"', "Cache-Control": "no-cache"}
        if any(tag.value == page.etag for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = page.content_type
        return web.Response(body=page.body, headers=headers)


def read_pages(folder: Traversable | None = None) -> Pages:
    """Every file of a known type in `folder`, by default the package's. Blocks on the disk."""
    folder = folder or resources.files(__package__).joinpath("static")
    return Pages(_read(folder, "") if folder.is_dir() else {})


def _read(folder: Traversable, prefix: str) -> dict[str, Page]:
    files: dict[str, Page] = {}
    for entry in folder.iterdir():
        path = prefix + entry.name
        if entry.is_dir():
            files |= _read(entry, f"{path}/")
        elif kind := _TYPES.get(entry.name.rpartition(".")[2]):
            body = entry.read_bytes()
            charset = "; charset=utf-8" if kind.startswith(_TEXT) else ""
            files[path] = Page(body, kind + charset, hashlib.sha256(body).hexdigest()[:32])
    return files
