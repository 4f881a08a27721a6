"""The files of the page, kept in memory: no request is ever made into a path."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from aiohttp import web

from .errors import NotFoundError

_INDEX = "index.html"
_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "svg": "image/svg+xml; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    content_type: str
    etag: str


class StaticFiles:
    """``/`` and ``/static/…``: every file of a known type below `folder`. Blocks on the disk."""

    def __init__(self, folder: Traversable | None = None) -> None:
        folder = folder or resources.files(__package__).joinpath("static")
        self._files = _read(folder, "") if folder.is_dir() else {}

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get("/", self._index)
        router.add_get("/static/{path:.+}", self._file)

    async def _index(self, request: web.Request) -> web.Response:
        return self._answer(request, _INDEX)

    async def _file(self, request: web.Request) -> web.Response:
        return self._answer(request, request.match_info["path"])

    def _answer(self, request: web.Request, path: str) -> web.Response:
        file = self._files.get(path)
        if file is None:
            raise NotFoundError("there is no such page")
        headers = {"ETag": f'"{file.etag}"', "Cache-Control": "no-cache"}
        if any(tag.value == file.etag for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = file.content_type
        return web.Response(body=file.body, headers=headers)


def _read(folder: Traversable, prefix: str) -> dict[str, _File]:
    files: dict[str, _File] = {}
    for entry in folder.iterdir():
        path = prefix + entry.name
        if entry.is_dir():
            files |= _read(entry, f"{path}/")
        elif content_type := _TYPES.get(entry.name.rpartition(".")[2]):
            body = entry.read_bytes()
            files[path] = _File(body, content_type, hashlib.sha256(body).hexdigest()[:32])
    return files
