"""Upload of a voice: two files, streamed to the disk, verified as all voices."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import BinaryIO

from aiohttp import BodyPartReader, web

from ...control import Control
from ...engine.messages import config_path
from ...errors import (
    BadRequestError,
    ClientGoneError,
    RequestTimeoutError,
    RequestTooLargeError,
    TooManyRequestsError,
)
from ...store.voice import NAME_PATTERN
from ..bodies.form import form_parts
from ..bodies.shapes import Installed
from ..endpoint import Access, Endpoint, json_answer, json_body
from ..limits import WebLimits
from ..request_parsing import checked_voice_name

_MAX_ENVELOPE = 16 << 10  # what a multipart body has beside its files
_CHUNK = 256 << 10
_FILE = {"type": "string", "contentMediaType": "application/octet-stream"}
_RULE = f"NAME is that of the voice: {NAME_PATTERN}"
_FORM = {
    "title": "VoiceUpload",
    "description": "The two files of a voice, each with its file name.",
    "type": "object",
    "properties": {
        "model": {**_FILE, "description": f"Its file name is NAME.onnx. {_RULE}"},
        "config": {**_FILE, "description": "Its file name is NAME.onnx.json, with the same NAME."},
    },
    "required": ["model", "config"],
    "additionalProperties": False,
}


class UploadEndpoint:
    """``POST /api/voices``.

    Args:
        control: has the staging area, and installs.
        limits: sizes and timeouts.
    """

    def __init__(self, control: Control, limits: WebLimits) -> None:
        self._control = control
        self._limits = limits
        self._fields = {
            "model": (".onnx", limits.model_size),
            "config": (".onnx.json", limits.config_size),
        }
        self._busy = asyncio.Lock()

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="POST",
                path="/api/voices",
                handle=self._upload,
                summary="Install a voice of your own. The fields are model (a file NAME.onnx) and "
                "config (NAME.onnx.json). Answers when it has spoken.",
                access=Access.CHANGE,
                body={"multipart/form-data": _FORM},
                answers={200: json_body(Installed)},
                errors=(408, 413, 422, 507),
            ),
        )

    async def _upload(self, request: web.Request) -> web.Response:
        if request.content_type != "multipart/form-data":
            raise BadRequestError("the body must be multipart/form-data with model and config")
        limits, length = self._limits, request.content_length
        if length is not None and length > limits.model_size + limits.config_size + _MAX_ENVELOPE:
            raise RequestTooLargeError(f"a model may have {limits.model_size / 1e6:.0f} MB")
        if self._busy.locked():
            raise TooManyRequestsError("another voice is being uploaded; wait for it")
        async with self._busy, self._control.staging(length or 0) as stage:
            try:
                async with asyncio.timeout(limits.upload_timeout):
                    model = await self._receive(request, stage)
            except TimeoutError:
                raise RequestTimeoutError("the files do not come; nothing was changed") from None
            voice = await self._control.import_files(model)
        return json_answer(Installed(voice.name, voice.prepared))

    async def _receive(self, request: web.Request, stage: Path) -> Path:
        """Write both files into `stage`; return the model's path."""
        names: dict[str, str] = {}
        try:
            async for part in form_parts(request, _MAX_ENVELOPE):
                if part.name not in self._fields:
                    raise BadRequestError("only the fields model and config are known")
                if part.name in names:
                    raise BadRequestError(f"{part.name} came twice", part.name)
                suffix, limit = self._fields[part.name]
                names[part.name] = _voice_name(part.filename or "", suffix, part.name)
                await self._write(part, stage / f"upload{suffix}", limit)
        except ConnectionError:
            raise ClientGoneError("the client left before its files were complete") from None
        except (ValueError, AssertionError, EOFError):  # a broken envelope
            raise BadRequestError("the body is not valid multipart/form-data") from None
        if len(names) < len(self._fields):
            raise BadRequestError("both the fields model and config are needed")
        if names["model"] != names["config"]:
            raise BadRequestError(
                "the configuration must be called as the model, with .json behind it"
            )
        return await asyncio.to_thread(_rename, stage, names["model"])

    async def _write(self, part: BodyPartReader, path: Path, limit: int) -> None:
        def append(chunk: bytes) -> None:
            self._control.check_room()  # through Home Assistant no length comes beforehand
            file.write(chunk)

        file: BinaryIO = await asyncio.to_thread(path.open, "xb")
        size = 0
        try:
            while True:
                async with asyncio.timeout(self._limits.upload_stall_timeout):
                    chunk = await part.read_chunk(_CHUNK)
                if not chunk:
                    return
                size += len(chunk)
                if size > limit:
                    raise RequestTooLargeError(f"{part.name} may have {limit / 1e6:.0f} MB")
                await asyncio.to_thread(append, chunk)
        finally:
            await asyncio.to_thread(file.close)


def _voice_name(filename: str, suffix: str, field: str) -> str:
    if not filename.endswith(suffix):
        raise BadRequestError(f"the file in {field} must be called NAME{suffix}", field)
    return checked_voice_name(filename.removesuffix(suffix))


def _rename(stage: Path, name: str) -> Path:
    """Rename the files in `stage` as the voice; `name` has been checked to be no path."""
    model = stage / f"{name}.onnx"
    (stage / "upload.onnx").rename(model)
    (stage / "upload.onnx.json").rename(config_path(model))
    return model
