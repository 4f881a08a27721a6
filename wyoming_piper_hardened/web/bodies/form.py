"""Multipart forms whose parser reads no more than it is granted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

from aiohttp import BodyPartReader, MultipartReader, StreamReader, hdrs, web

from ...errors import BadRequestError, RequestTooLargeError

_PLAIN = {"", "7bit", "8bit", "binary"}


async def form_parts(request: web.Request, envelope: int) -> AsyncIterator[BodyPartReader]:
    """Yield the parts of a multipart body; each must be read to its end before the next.

    Args:
        request: has the body.
        envelope: bytes allowed outside the parts' contents: before and between the parts, in
            their headers, and behind them.

    Raises:
        RequestTooLargeError: there are more.
        BadRequestError: a part is itself multipart, or encoded.
        ValueError, AssertionError, EOFError: this is no multipart body.
    """
    content = cast("StreamReader", _BoundedContent(request.content, envelope))
    reader = MultipartReader(request.headers, content)
    while (part := await _next(reader)) is not None:
        if not isinstance(part, BodyPartReader):
            raise BadRequestError("a part of the form is a form itself")
        if part.headers.get(hdrs.CONTENT_TRANSFER_ENCODING, "").lower() not in _PLAIN:
            # Forms have none since RFC 7578; aiohttp searches for groups of base64 in a slow way.
            raise BadRequestError("the parts of the form must be sent as they are, not encoded")
        yield part


async def _next(reader: MultipartReader) -> MultipartReader | BodyPartReader | None:
    try:
        return await reader.next()
    except RuntimeError:  # for a part named _charset_ that names none
        raise BadRequestError("the body is not valid multipart/form-data") from None


class _BoundedContent:
    """The methods of a `StreamReader` that `MultipartReader` uses, lines bounded and yielding.

    It reads the contents of parts in blocks, and everything else line by line.
    """

    def __init__(self, content: StreamReader, envelope: int) -> None:
        self._content = content
        self._granted = envelope

    async def readline(self, **options: Any) -> bytes:
        line = await self._content.readline(**options)
        self._granted -= len(line)
        if self._granted < 0:
            raise RequestTooLargeError("the form has too many bytes outside its files")
        await asyncio.sleep(0)  # lines that are buffered already must not hold up the loop
        return line

    async def read(self, size: int) -> bytes:
        return await self._content.read(size)

    def at_eof(self) -> bool:
        return self._content.at_eof()

    def unread_data(self, data: bytes) -> None:
        self._content.unread_data(data)
