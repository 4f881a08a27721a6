"""Text, in whatever pieces it arrives, becomes segments.

A segment is a sentence, or a part of one that is longer than the cap. Sentence ends are found by
`sentence_stream`. That detector's answer depends on where its input happened to be cut (an ``…``
or a closing quote at the cut), and it searches its whole buffer on every call; so it is fed with
tokens whose borders depend on the text alone, and its buffer is kept below the cap. The same text
hence gives the same segments however it was chunked, in linear time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import regex
from sentence_stream import SentenceBoundaryDetector
from sentence_stream.util import remove_asterisks

MIN_SEGMENT_CHARS = 50
MAX_SEGMENT_CHARS = 500

_END = r"""[.!?…؟।॥。！？'"\)\]\}’”»」』）》】〕〉]"""
# A token ends where the detector can decide: with the first character after a sentence end and its
# closers, or with a blank line. Where there is no such place it has a fixed length.
_TOKEN = regex.compile(rf"(?s).{{0,180}}?(?:{_END}\s{{0,18}}(?!{_END})\S|\n\r?\n)|.{{200}}")
# A variation selector after a sentence end would be cut off from it.
_MARK_AFTER_END = regex.compile(rf"(?<={_END})\p{{M}}+")

_CLAUSE_END = regex.compile(
    r"""[,;:—–،؛][)\]}"'”’»]*(?=\s)|[、，；：،؛][」』）》】〕〉]*|\s[-—–](?=\s)"""
)
_SPACE = regex.compile(r"\s+")
_GRAPHEME = regex.compile(r"\X")


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text to be spoken in one go.

    `ends_sentence` is false where a sentence was cut because of its length; no pause belongs
    after such a segment. A segment without text is silence alone.
    """

    text: str
    ends_sentence: bool = True
    pause: float = 0.0
    """Seconds of silence behind it, besides what belongs between sentences."""
    rate: float = 1.0
    """Speed as a factor of the usual one."""
    gain: float = 1.0
    """Factor of the samples: 1 is as loud as usual."""


class Segmenter:
    """Cuts streamed text: `add` as text arrives, `finish` once at the end.

    Both yield lazily and must be consumed to their end before the next call.

    Args:
        max_chars: no segment is longer (in Python characters, 50 to 500). A word longer than
            that is cut between grapheme clusters; only a cluster that is by itself longer than
            the cap is cut within.
    """

    def __init__(self, max_chars: int = MAX_SEGMENT_CHARS) -> None:
        if not MIN_SEGMENT_CHARS <= max_chars <= MAX_SEGMENT_CHARS:
            raise ValueError(
                f"max_chars {max_chars} is not from {MIN_SEGMENT_CHARS} to {MAX_SEGMENT_CHARS}"
            )
        self._max_chars = max_chars
        self._untokenised = ""
        self._detector = SentenceBoundaryDetector()

    def add(self, text: str) -> Iterator[Segment]:
        """Take more text and yield the segments it completes."""
        text = self._untokenised + text
        end = 0
        while token := _TOKEN.match(text, end):
            end = token.end()
            yield from self._feed(token.group())
        self._untokenised = text[end:]

    def finish(self) -> Iterator[Segment]:
        """Yield what is left; the segmenter is then as new."""
        rest, self._untokenised = self._untokenised, ""
        yield from self._feed(rest)
        yield from self._sentence(self._detector.finish())

    def _feed(self, text: str) -> Iterator[Segment]:
        text = _MARK_AFTER_END.sub("", text)
        while True:
            for sentence in self._detector.add_chunk(text):
                yield from self._sentence(sentence)
            pending = self._detector.current_sentence + self._detector.remaining_text
            if len(pending) <= self._max_chars:
                return
            text = pending.lstrip()
            if len(text) > self._max_chars:
                head, text = cut(text, self._max_chars)
                yield from _segment(head, ends_sentence=False)
            self._detector = SentenceBoundaryDetector()

    def _sentence(self, sentence: str) -> Iterator[Segment]:
        while len(sentence) > self._max_chars:
            head, sentence = cut(sentence, self._max_chars)
            yield from _segment(head, ends_sentence=False)
        yield from _segment(sentence, ends_sentence=True)


def segments(text: str, max_chars: int = MAX_SEGMENT_CHARS) -> Iterator[Segment]:
    """Yield the segments of a whole text."""
    segmenter = Segmenter(max_chars)
    yield from segmenter.add(text)
    yield from segmenter.finish()


def cut(text: str, max_chars: int) -> tuple[str, str]:
    """Cut `text` (longer than `max_chars`) at its best place into head and rest.

    The best place is the last end of a clause in the second three quarters of what fits, else the
    last white space, else the last border of a grapheme cluster.
    """
    window = text[: max_chars + 1]  # a space right after the cap is a place to cut
    place = _last_end(_CLAUSE_END, window, at_least=max_chars // 4, at_most=max_chars)
    if not place:
        spaces = [m.start() for m in _SPACE.finditer(window) if 0 < m.start() <= max_chars]
        place = spaces[-1] if spaces else _last_end(_GRAPHEME, text, 1, max_chars)
    place = place or max_chars
    return text[:place].rstrip(), text[place:].lstrip()


def _last_end(pattern: regex.Pattern[str], text: str, at_least: int, at_most: int) -> int:
    last = 0
    for match in pattern.finditer(text):
        if match.end() > at_most:
            break
        if match.end() >= at_least:
            last = match.end()
    return last


def _segment(text: str, *, ends_sentence: bool) -> Iterator[Segment]:
    if text := remove_asterisks(text).strip():
        yield Segment(text, ends_sentence)
