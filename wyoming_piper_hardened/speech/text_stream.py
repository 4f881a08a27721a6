"""The text of one request, from its first piece to its last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from ..errors import HardenedError, TextTooLongError
from ..text.cleaner import clean
from ..text.length import MAX_TEXT_CHARS
from ..text.profile import Profile, TextFormat, TextMode
from ..text.segmenter import Segment
from ..text.speech import SpeechText

_SLICE = 2000  # characters segmented in one go: a long text must not starve the event loop


class TextStream:
    """Text that may still be arriving.

    `starving` is true while all text so far was taken and more is waited for.

    Args:
        max_chars: the longest text; ``None`` for any length.
        streamed: whether it arrives in pieces, so that an early start helps.
    """

    def __init__(self, max_chars: int | None = MAX_TEXT_CHARS, *, streamed: bool = True) -> None:
        self._max_chars = max_chars
        self._streamed = streamed
        self.mode: TextMode | None = None
        """Extent to which it is changed; ``None`` leaves that to the settings."""
        self.text_format = TextFormat.AUTO
        """Its format: plain text or SSML."""
        self.starving = False
        self._characters = 0
        self._pieces: asyncio.Queue[str | HardenedError | None] = asyncio.Queue()

    @classmethod
    def of(cls, text: str, max_chars: int | None = MAX_TEXT_CHARS) -> TextStream:
        """Return the stream of a text that is complete.

        Raises:
            TextTooLongError: it is longer than `max_chars`.
        """
        stream = cls(max_chars, streamed=False)
        stream.add(text)
        stream.end()
        return stream

    def add(self, text: str) -> None:
        """Append text as it came from outside.

        Raises:
            TextTooLongError: with it there are more than `max_chars` characters.
        """
        self._characters += len(text)
        if self._max_chars is not None and self._characters > self._max_chars:
            raise TextTooLongError(
                f"the text has {self._characters} characters; one request may have "
                f"{self._max_chars}. Send it in parts"
            )
        if text:
            self._pieces.put_nowait(clean(text))

    def end(self) -> None:
        """Mark the text as complete."""
        self._pieces.put_nowait(None)

    def fail(self, error: HardenedError) -> None:
        """Raise `error` at the reader after the text so far."""
        self._pieces.put_nowait(error)

    async def segments(self, profile: Profile) -> AsyncIterator[Segment]:
        """Yield the text in segments, each once it is certain.

        Raises:
            HardenedError: what the stream was made to `fail` with.
        """
        speech = SpeechText(profile, streamed=self._streamed)
        while (piece := await self._next()) is not None:
            for start in range(0, len(piece), _SLICE):
                await asyncio.sleep(0)
                for segment in speech.add(piece[start : start + _SLICE]):
                    yield segment
        for segment in speech.finish():
            yield segment

    async def _next(self) -> str | None:
        self.starving = self._pieces.empty()
        piece = await self._pieces.get()
        self.starving = False
        if isinstance(piece, HardenedError):
            raise piece
        return piece
