"""Sentences of streamed text, found with the abbreviations and ordinals of its language.

The rules are those of `segmenter`, which knows no language. A place where a sentence might end is
decided by a bounded number of characters behind it, and waits for them: so the same text gives the
same segments however it was chunked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .abbreviations import abbreviations
from .language import Language
from .segmenter import Segment, cut

_ASIAN = frozenset("。！？")
_CANDIDATE = re.compile(r"[.!?…؟।॥۔。！？]+['\"\)\]\}’”»」』）》】〕〉*_~`]*")
_SENTENCE_END = re.compile(r"[.!?…؟।॥۔。！？]['\"\)\]\}’”»」』）]*$")
_NUMBERED = re.compile(r"\d{1,4}[.)]{1,2}\s")
_NUMBERED_BEGIN = re.compile(r"\d{1,4}(?:[.)]{0,2})?$")
_WORD = re.compile(r"\w{1,20}")
_INITIAL = re.compile(r"(?<![\w.])[^\W\d_]\.$|(?<!\w)(?:[^\W\d_]\.){2,5}$")
_SHORT = re.compile(r"(?<!\w)[^\W\d_]{1,3}\.$")
_ORDINAL = re.compile(r"(?<![\d.,:])\d{1,2}\.$")
_LOOKAHEAD = 48
_LOOKBEHIND = 48


class Sentences:
    """Cuts streamed text of one language: `add` as it arrives, `flush` where it ends.

    Args:
        language: whose abbreviations do not end a sentence.
        max_chars: no segment is longer.
    """

    def __init__(self, language: Language, max_chars: int) -> None:
        self._language = language
        self._abbreviations = abbreviations(language)
        self._known = bool(language.abbreviations or language.before_name)
        self._max_chars = max_chars
        months = (*language.months, *language.dates.get("months_short", ()))
        self._months = frozenset(name.lower() for name in months)
        dots = language.ordinal.get("dot", {})
        words = "|".join(dots.values())
        self._articles = (
            re.compile(rf"(?:^|\W)(?:{words})\s\d+\.$", re.IGNORECASE) if words else None
        )
        self._text = ""
        self._searched = 0

    def add(self, text: str) -> Iterator[Segment]:
        """Take more text and yield the segments it completes."""
        self._text = self._text + text if self._text else text.lstrip()
        while (segment := self._next()) is not None:
            if segment.text:
                yield segment

    def flush(self, *, ends_sentence: bool = True) -> Iterator[Segment]:
        """Yield what is left, as far as a boundary that the text's form gives."""
        while (segment := self._next(final=True)) is not None:
            if segment.text:
                yield segment
        rest, self._text, self._searched = self._text.strip(), "", 0
        if rest:
            yield Segment(rest, ends_sentence or _SENTENCE_END.search(rest) is not None)

    def _next(self, *, final: bool = False) -> Segment | None:
        text = self._text
        while match := _CANDIDATE.search(text, self._searched):
            if match.end() > self._max_chars:
                break
            ends = self._ends(match, final=final)
            if ends is None:
                return None
            if ends:
                return self._take(match.end(), ends_sentence=True)
            self._searched = match.end()
        if match is None:
            self._searched = len(text)
        if len(text) > self._max_chars + (0 if final else _LOOKAHEAD):
            head, rest = cut(text, self._max_chars)
            self._text, self._searched = rest, 0
            return Segment(head, ends_sentence=False)
        return None

    def _take(self, end: int, *, ends_sentence: bool) -> Segment:
        segment = Segment(self._text[:end].strip(), ends_sentence)
        self._text, self._searched = self._text[end:].lstrip(), 0
        return segment

    def _ends(self, match: re.Match[str], *, final: bool) -> bool | None:
        """Return whether a sentence ends at `match`; None if that depends on text still to come."""
        text, end = match.string, match.end()
        window = text[end : end + _LOOKAHEAD]
        unknown = None if not final and len(window) < _LOOKAHEAD else False
        if not window:
            return unknown
        if _ASIAN.intersection(match[0]):
            return True
        if not window[0].isspace():
            return False
        following = window.lstrip()
        if not following:
            return unknown
        if following[0].isdigit():
            if _NUMBERED.match(following):
                return not self._continues(text[:end], following)
            return unknown if _NUMBERED_BEGIN.match(following) else False
        if not (following[0].isalpha() and not following[0].islower()):
            return False
        if not self._may_continue(text[:end]):
            return True
        word = _WORD.match(following)
        if unknown is None and word is not None and word.end() == len(following):
            return None
        return "\n" in window[:2] or not self._continues(text[:end], following)

    def _may_continue(self, sentence: str) -> bool:
        """Return whether the word behind a full stop has a say in it, so that it is waited for."""
        if sentence[-1] != ".":
            return False
        tail = sentence[-_LOOKBEHIND:]
        if not self._known:
            return _SHORT.search(tail) is not None
        known = self._abbreviations.may_continue(tail)
        return known or any(pattern.search(tail) for pattern in (_INITIAL, _ORDINAL))

    def _continues(self, sentence: str, following: str) -> bool:
        if sentence[-1] != ".":
            return False
        tail = sentence[-_LOOKBEHIND:]
        if not self._known:
            return bool(_SHORT.search(tail)) and tail[-2:-1].isalpha()
        if self._abbreviations.continues(tail, following):
            return True
        if _INITIAL.search(tail):
            before = tail.rstrip(".")[-1:]
            word = _WORD.match(following)
            return before.isupper() and not (word and word[0] in self._language.starters)
        if _ORDINAL.search(tail):
            word = _WORD.match(following)
            if word and word[0].lower() in self._months:
                return True
            starts = word is not None and word[0] in self._language.starters
            return not starts and bool(self._articles and self._articles.search(tail))
        return False
