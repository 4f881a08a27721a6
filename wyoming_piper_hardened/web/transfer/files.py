"""Download of the files of voices of the user's own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from ...control import Control
from ...store.voice import NAME_PATTERN
from ..bodies.shapes import OwnFile, OwnFiles
from ..endpoint import BYTES, Access, Endpoint, Parameter, json_answer, json_body
from ..errors import NotFoundError
from ..request_parsing import checked_voice_name

_PATH = "/api/voices/{name}/files"
_NAME = Parameter(
    "name", "the voice", {"type": "string", "pattern": f"^{NAME_PATTERN}$"}, in_path=True
)
_FILE = Parameter(
    "file",
    "NAME.onnx or NAME.onnx.json",
    {"type": "string", "pattern": rf"^{NAME_PATTERN}\.onnx(\.json)?$"},
    in_path=True,
)
_OCTETS = "application/octet-stream"


class FileEndpoints:
    """``/api/voices/{name}/files…``; also of a damaged voice, as far as they are left.

    Whoever may change voices may have them.

    Args:
        control: finds the files.
    """

    def __init__(self, control: Control) -> None:
        self._control = control

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="GET",
                path=_PATH,
                handle=self._list,
                summary="The files of a voice of your own, as far as they are left.",
                access=Access.CHANGE,
                parameters=(_NAME,),
                answers={200: json_body(OwnFiles)},
                errors=(404,),
            ),
            Endpoint(
                method="GET",
                path=f"{_PATH}/{{file}}",
                handle=self._send,
                summary="Download a file of a voice of your own.",
                access=Access.CHANGE,
                parameters=(_NAME, _FILE),
                answers={200: {_OCTETS: BYTES}},
                errors=(404,),
            ),
        )

    async def _list(self, request: web.Request) -> web.Response:
        files = await self._files(request)
        return json_answer(await asyncio.to_thread(_described, files))

    async def _send(self, request: web.Request) -> web.StreamResponse:
        wanted = request.match_info["file"]
        file = next((file for file in await self._files(request) if file.name == wanted), None)
        if file is None:
            raise NotFoundError("the voice has no such file, or it is not left")
        disposition = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
        headers = {"Content-Disposition": disposition, "Content-Type": _OCTETS}
        return web.FileResponse(file, headers=headers)

    async def _files(self, request: web.Request) -> tuple[Path, ...]:
        return await self._control.own_files(checked_voice_name(request.match_info["name"]))


def _described(files: tuple[Path, ...]) -> OwnFiles:
    return OwnFiles([OwnFile(file.name, file.stat().st_size) for file in files])
