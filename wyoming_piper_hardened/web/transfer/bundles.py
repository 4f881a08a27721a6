"""Voices in one file each: export and import, streamed."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from aiohttp import hdrs, web

from ...control import Control
from ...errors import (
    BadRequestError,
    ClientGoneError,
    RequestTimeoutError,
    RequestTooLargeError,
    TooManyRequestsError,
)
from ...store.voice import NAME_PATTERN
from ...system.aio import run_in_thread
from ..bodies.shapes import Installed
from ..endpoint import BYTES, Access, Endpoint, Parameter, json_answer, json_body
from ..limits import WebLimits
from ..request_parsing import checked_voice_name

_TAR = "application/x-tar"
_MAX_ENVELOPE = 2 << 20  # the index, headers, and what is known of the voice
_CHUNK = 256 << 10
_NAME = Parameter(
    "name", "the voice", {"type": "string", "pattern": f"^{NAME_PATTERN}$"}, in_path=True
)


class BundleEndpoints:
    """``/api/voices/{name}/export`` and ``/api/voices/import``.

    Args:
        control: finds the files, has the staging area, and installs.
        limits: sizes and timeouts.
    """

    def __init__(self, control: Control, limits: WebLimits) -> None:
        self._control = control
        self._limits = limits
        self._max_bytes = limits.model_size + limits.config_size + _MAX_ENVELOPE
        self._busy = asyncio.Lock()

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="GET",
                path="/api/voices/{name}/export",
                handle=self._export,
                summary="An installed voice in one file, for a machine without a network. It is a "
                "tar archive with the sizes and digests of its files, which are compared with the "
                "disk beforehand.",
                access=Access.CHANGE,
                parameters=(_NAME,),
                answers={200: {_TAR: BYTES}},
                errors=(404, 422),
            ),
            Endpoint(
                method="POST",
                path="/api/voices/import",
                handle=self._import,
                summary="Install a voice that another machine exported. Answers when it has "
                "spoken.",
                access=Access.CHANGE,
                body={_TAR: BYTES},
                answers={200: json_body(Installed)},
                errors=(408, 409, 413, 422, 507),
            ),
        )

    async def _export(self, request: web.Request) -> web.StreamResponse:
        name = checked_voice_name(request.match_info["name"])
        bundle = await self._control.export(name)
        answer = web.StreamResponse(
            headers={
                hdrs.CONTENT_DISPOSITION: _attachment(f"{name}.tar"),
                hdrs.CONTENT_TYPE: _TAR,
                hdrs.CONTENT_LENGTH: str(bundle.size),
            }
        )
        await answer.prepare(request)
        if request.method != hdrs.METH_HEAD:
            await self._send(answer, bundle.blocks())
        return answer

    async def _send(self, answer: web.StreamResponse, blocks: Generator[bytes, None, None]) -> None:
        try:
            while (block := await run_in_thread(next, blocks, None)) is not None:
                async with asyncio.timeout(self._limits.send_timeout):
                    await answer.write(block)
        except TimeoutError:
            raise ClientGoneError("the client takes nothing any more") from None
        except ConnectionError:
            raise ClientGoneError("the client left before it had the voice") from None
        finally:
            await run_in_thread(blocks.close)

    async def _import(self, request: web.Request) -> web.Response:
        if request.content_type != _TAR:
            raise BadRequestError(f"the body must be an exported voice: Content-Type: {_TAR}")
        limits, length = self._limits, request.content_length
        if length is not None and length > self._max_bytes:
            raise RequestTooLargeError(f"a voice may have {limits.model_size / 1e6:.0f} MB")
        if self._busy.locked():
            raise TooManyRequestsError("another voice is being imported; wait for it")
        async with self._busy, self._control.staging(length or 0) as stage:
            bundle = stage / "bundle.tar"
            try:
                async with asyncio.timeout(limits.upload_timeout):
                    await self._receive(request, bundle)
            except TimeoutError:
                raise RequestTimeoutError("the file does not come; nothing was changed") from None
            except ConnectionError:
                raise ClientGoneError("the client left before the file was complete") from None
            voice = await self._control.import_bundle(bundle)
        return json_answer(Installed(voice.name, voice.prepared))

    async def _receive(self, request: web.Request, path: Path) -> None:
        def append(chunk: bytes) -> None:
            self._control.check_room()  # through Home Assistant no length comes beforehand
            file.write(chunk)

        file: BinaryIO = await asyncio.to_thread(path.open, "xb")
        size = 0
        try:
            while True:
                async with asyncio.timeout(self._limits.upload_stall_timeout):
                    chunk = await request.content.read(_CHUNK)
                if not chunk:
                    return
                size += len(chunk)
                if size > self._max_bytes:
                    raise RequestTooLargeError(
                        f"a voice may have {self._limits.model_size / 1e6:.0f} MB"
                    )
                await asyncio.to_thread(append, chunk)
        finally:
            await asyncio.to_thread(file.close)


def _attachment(name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"
