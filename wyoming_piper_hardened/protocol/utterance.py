"""What a client wants spoken: one request, from its first word to its last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from ..errors import HardenedError
from ..text.cleaner import clean
from ..text.length import check_length
from ..text.segmenter import Segment, Segmenter
from .requests import VoiceChoice

_SLICE = 2000  # characters segmented in one go


class Utterance:
    """One request: a voice, and text that may still be arriving.

    `choice` is the voice that was asked for; `starving` tells that all text so far was taken and
    more is waited for.
    """

    def __init__(self, *, streamed: bool) -> None:
        self.choice = VoiceChoice()
        self.streamed = streamed
        self._characters = 0
        self._text: asyncio.Queue[str | HardenedError | None] = asyncio.Queue()
        self.starving = False

    def add(self, text: str) -> None:
        """More text.

        Raises:
            TextTooLongError: with it there is more than one request may carry.
        """
        self._characters += len(text)
        check_length(self._characters)
        if text:
            self._text.put_nowait(clean(text))

    def end(self) -> None:
        """All text is here."""
        self._text.put_nowait(None)

    def fail(self, error: HardenedError) -> None:
        """Whoever takes the segments gets `error` after the text so far."""
        self._text.put_nowait(error)

    async def segments(self, max_chars: int) -> AsyncIterator[Segment]:
        """The text in segments of at most `max_chars` characters, as soon as each is certain."""
        segmenter = Segmenter(max_chars)
        while (item := await self._next()) is not None:
            for start in range(0, len(item), _SLICE):
                await asyncio.sleep(0)  # a long text must not starve the others
                for segment in segmenter.add(item[start : start + _SLICE]):
                    yield segment
        for segment in segmenter.finish():
            yield segment

    async def _next(self) -> str | None:
        self.starving = self._text.empty()
        item = await self._text.get()
        self.starving = False
        if isinstance(item, HardenedError):
            raise item
        return item
