"""Voices of the user's own come in: two files, streamed to the disk, proved as all voices."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import BinaryIO

from aiohttp import BodyPartReader, web

from ...control import Operations
from ...engine.messages import config_path
from ...errors import (
    BadRequestError,
    ClientGoneError,
    RequestTimeoutError,
    RequestTooLargeError,
    TooManyRequestsError,
)
from .. import request_parsing as fields
from ..endpoint import Access, Endpoint
from ..schemas import JSON, SWITCH, TEXT, record

MAX_MODEL = 300 << 20
MAX_CONFIG = 4 << 20

_FIELDS = {"model": (".onnx", MAX_MODEL), "config": (".onnx.json", MAX_CONFIG)}
_MAX_ENVELOPE = 16 << 10  # what a multipart body has beside its files
_CHUNK = 256 << 10
_STALL_TIMEOUT = 30.0
_WHOLE_TIMEOUT = 900.0
_FILE = {"type": "string", "contentMediaType": "application/octet-stream"}


class Upload:
    """``POST /api/voices``.

    Args:
        operations: has the staging area, and installs.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._busy = asyncio.Lock()

    def endpoints(self) -> tuple[Endpoint, ...]:
        """See there."""
        return (
            Endpoint(
                method="POST",
                path="/api/voices",
                handle=self._take,
                summary="Install a voice of your own: the fields model (a file NAME.onnx) and "
                "config (NAME.onnx.json). Answers when it has spoken.",
                access=Access.CHANGE,
                body={"multipart/form-data": record({"model": _FILE, "config": _FILE})},
                answers={200: {JSON: record({"voice": TEXT, "prepared": SWITCH})}},
                errors=(408, 413, 422, 507),
            ),
        )

    async def _take(self, request: web.Request) -> web.Response:
        if request.content_type != "multipart/form-data":
            raise BadRequestError("the body must be multipart/form-data with model and config")
        length = request.content_length
        if length is not None and length > MAX_MODEL + MAX_CONFIG + _MAX_ENVELOPE:
            raise RequestTooLargeError(f"a model may have {MAX_MODEL >> 20} MB")
        if self._busy.locked():
            raise TooManyRequestsError("another voice is being uploaded; wait for it")
        async with self._busy, self._operations.staging(length or 0) as stage:
            try:
                async with asyncio.timeout(_WHOLE_TIMEOUT):
                    model = await self._receive(request, stage)
            except TimeoutError:
                raise RequestTimeoutError("the files do not come; nothing was changed") from None
            voice = await self._operations.import_files(model)
        return web.json_response({"voice": voice.name, "prepared": voice.prepared})

    async def _receive(self, request: web.Request, stage: Path) -> Path:
        """Write both files into `stage`; returns the model's path."""
        names: dict[str, str] = {}
        try:
            async for part in await request.multipart():
                if not isinstance(part, BodyPartReader) or part.name not in _FIELDS:
                    raise BadRequestError("only the fields model and config are known")
                if part.name in names:
                    raise BadRequestError(f"{part.name} came twice", part.name)
                suffix, limit = _FIELDS[part.name]
                names[part.name] = _voice_name(part.filename or "", suffix, part.name)
                await self._write(part, stage / f"upload{suffix}", limit)
        except ConnectionError:
            raise ClientGoneError("the client left before its files were complete") from None
        except (ValueError, AssertionError, EOFError):  # a broken envelope
            raise BadRequestError("the body is not valid multipart/form-data") from None
        if len(names) < len(_FIELDS):
            raise BadRequestError("both the fields model and config are needed")
        if names["model"] != names["config"]:
            raise BadRequestError(
                "the configuration must be called as the model, with .json behind it"
            )
        return await asyncio.to_thread(_name, stage, names["model"])

    async def _write(self, part: BodyPartReader, path: Path, limit: int) -> None:
        def append(chunk: bytes) -> None:
            self._operations.check_room()  # through Home Assistant no length comes beforehand
            file.write(chunk)

        file: BinaryIO = await asyncio.to_thread(path.open, "xb")
        size = 0
        try:
            while True:
                async with asyncio.timeout(_STALL_TIMEOUT):
                    chunk = await part.read_chunk(_CHUNK)
                if not chunk:
                    return
                size += len(chunk)
                if size > limit:
                    raise RequestTooLargeError(f"{part.name} may have {limit >> 20} MB")
                await asyncio.to_thread(append, chunk)
        finally:
            await asyncio.to_thread(file.close)


def _voice_name(filename: str, suffix: str, field: str) -> str:
    if not filename.endswith(suffix):
        raise BadRequestError(f"the file in {field} must be called NAME{suffix}", field)
    return fields.voice_name(filename.removesuffix(suffix))


def _name(stage: Path, name: str) -> Path:
    """Call the files in `stage` as the voice; `name` has been checked to be no path."""
    model = stage / f"{name}.onnx"
    (stage / "upload.onnx").rename(model)
    (stage / "upload.onnx.json").rename(config_path(model))
    return model
