"""The first clause of a streamed text, given out before its sentence is complete."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .pieces import Boundary, Piece

_END = re.compile(r"[.!?…؟।॥۔。！？\n]")
_CLAUSE = re.compile(r"[,;:—–،؛][\"'”’»)]{0,2}(?=\s)|[，；：、،؛]")
_WORD = re.compile(r"[\u2e80-\u9fff\u3040-\u30ff\uac00-\ud7af\u0e00-\u0e7f]{2}|[^\W\u2e80-\u9fff]+")
_WORDS = 3
_HELD = 200


class EarlyStart:
    """Cuts the first sentence at its first clause mark behind at least three words.

    Depends on the text alone: what is held ends where the text says so.

    Args:
        active: whether anything is cut.
    """

    def __init__(self, *, active: bool) -> None:
        self._active = active
        self._held = ""
        self._searched = 0

    def add(self, piece: Piece) -> Iterator[Piece]:
        """Take a piece and yield it, or what was held of the text before it."""
        if not self._active:
            yield piece
            return
        if not isinstance(piece, str):
            if self._held.strip():
                self._active = False
            yield self._held
            self._held, self._searched = "", 0
            yield piece
            return
        self._held += piece
        yield from self._decide()

    def _decide(self) -> Iterator[Piece]:
        held = self._held
        place = 0
        for match in _CLAUSE.finditer(held, self._searched):
            if match.end() > _HELD:
                break
            if match.end() < len(held) and len(_WORD.findall(held[: match.start()])) >= _WORDS:
                place = match.end()
                break
        end = _END.search(held)
        if place and (end is None or end.start() >= place):
            self._active = False
            yield held[:place]
            yield Boundary(ends_sentence=False)
            yield held[place:]
        elif end is not None or len(held) > _HELD:
            self._active = False
            yield held
