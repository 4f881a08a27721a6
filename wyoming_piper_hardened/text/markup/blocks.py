"""Markdown's lines: headings, list items, quotes, fences, table rows, rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto

from .pieces import Boundary, Piece

_FIRST_OF_BLOCKS = frozenset("#>-*+•|`~_=[0123456789")
_HEADING = re.compile(r"#{1,6}(?:[ \t]+|$)")
_QUOTE = re.compile(r">[ \t]?")
_BULLET = re.compile(r"[-*+•‣◦][ \t]+(?:\[[ xX]\][ \t]+)?")
_NUMBERED = re.compile(r"(\d{1,3})[.)][ \t]+(?=\S)(?:\[[ xX]\][ \t]+)?")
_FENCE = re.compile(r"(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)$")
_RULE = re.compile(r"(?:[-_*=][ \t]*){3,}$")
_RULE_BEGIN = re.compile(r"[-_*=][-_*= \t]*")
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,30}\]:[ \t]*")
_FOOTNOTE_BEGIN = re.compile(r"\[(?:\^[^\]\s]{0,30}\]?)?$")
_RULE_ROW = re.compile(r"[|\s:-]+$")
_WORD = re.compile(r"[^\W\d_]+")
_CLOSING = frozenset("*_`~)]}\"'”’»%°€$£²³")
_HELD = 8
_HELD_MARK = 48
_HELD_LINE = 2000
_WRAPPED = 45
"""A line as long as this was broken for its length; the end of a shorter one is a pause."""


class _Line(Enum):
    UNDECIDED = auto()
    PLAIN = auto()
    ITEM = auto()
    HEADING = auto()
    ROW = auto()
    RULE = auto()


class Blocks:
    """Reads text as lines of Markdown; any text is one.

    What a line is, is decided by its first characters; then it is passed on as it comes. Only
    table rows and rules are held to their ends.

    Args:
        months: names that make ``3.`` before them a date and not a list item.
    """

    def __init__(self, months: tuple[str, ...] = ()) -> None:
        self._months = frozenset(name.lower() for name in months)
        self._held = ""
        self._kind = _Line.UNDECIDED
        self._previous = _Line.RULE
        self._length = 0
        self._last = ""
        self._fence = ""
        self._code: list[str] = []

    def add(self, text: str) -> Iterator[Piece]:
        """Take more text and yield what it is read as."""
        self._held += text
        while self._held:
            if self._kind is _Line.UNDECIDED:
                pieces = self._begin(complete=False)
                if pieces is None:
                    return
                yield from pieces
            else:
                line, newline, self._held = self._held.partition("\n")
                yield from self._pass(line)
                if newline:
                    self._end()

    def finish(self) -> Iterator[Piece]:
        """Yield what is left; an unclosed fence is text."""
        if self._fence:
            rest, self._held = "".join(self._code) + self._held, ""
            closed = self._closes(rest.rpartition("\n")[2])
            yield Boundary()
            if not closed:
                yield rest
        elif self._kind is _Line.UNDECIDED and self._held:
            yield from self._begin(complete=True) or ()
            yield from self._pass(self._held)
        self.__init__(tuple(self._months))  # type: ignore[misc]

    def _pass(self, line: str) -> Iterator[str]:
        if line:
            self._length += len(line)
            self._last = line.rstrip()[-1:] or self._last
            yield line

    def _end(self) -> None:
        self._previous, self._kind = self._kind, _Line.UNDECIDED

    def _begin(self, *, complete: bool) -> list[Piece] | None:
        """Decide what a line is, and return what its begin is read as; None to wait for more."""
        line, newline, rest = self._held.partition("\n")
        complete = complete or bool(newline)
        if self._fence:
            return self._code_line(line, newline, rest, complete=complete)
        mark = line.lstrip()
        if not mark:
            if not newline:
                return None if len(line) < _HELD_LINE and not complete else self._blank("")
            return self._blank(rest)
        indented = len(line) - len(mark)
        if mark[0] not in _FIRST_OF_BLOCKS:
            return self._plain(line, indented)
        if not complete and self._needs_more(mark):
            return None
        return self._block(line, mark, newline, rest, complete=complete)

    def _needs_more(self, mark: str) -> bool:
        if mark[0] == "|" or _RULE_BEGIN.fullmatch(mark) or _FENCE.match(mark):
            return len(mark) < _HELD_LINE
        if mark[0] == "[":
            if _FOOTNOTE.match(mark):
                return len(mark) < _HELD_LINE
            return bool(_FOOTNOTE_BEGIN.match(mark))
        if mark[0].isdigit():
            number = re.match(r"\d{1,3}[.)]?\s*", mark)
            if number is None or not re.fullmatch(r"\d{1,3}(?:[.)](?:\s+\S{0,15})?)?", mark):
                return False
            return len(mark) < _HELD_MARK
        if mark[0] in "`~_=":
            return mark == mark[0] * len(mark) and len(mark) < _HELD
        checkbox = re.match(r"[-*+•]\s+(\[[ xX]?\]?\s*)?$", mark)
        return len(mark) < _HELD and (checkbox is not None or len(set(mark)) == 1)

    def _block(
        self, line: str, mark: str, newline: str, rest: str, *, complete: bool
    ) -> list[Piece]:
        if match := _QUOTE.match(mark):
            self._held = mark[match.end() :] + newline + rest
            begun = self._begin(complete=complete) if self._held.strip() else None
            if begun is None and not complete:
                return []
            return begun or []
        if complete and (match := _FENCE.match(mark)):
            self._fence = match["fence"]
            self._held = rest
            self._previous, self._last = _Line.RULE, ""
            return [Boundary()]
        if complete and _RULE.match(mark):
            self._held, self._previous, self._last = rest, _Line.RULE, ""
            return [Boundary()]
        if mark[0] == "|" and complete:
            return self._row(mark, newline, rest)
        return self._marked(line, mark, newline, rest, complete=complete)

    def _marked(
        self, line: str, mark: str, newline: str, rest: str, *, complete: bool
    ) -> list[Piece]:
        """Read a line that may begin with the mark of a heading or an item."""
        for kind, pattern in ((_Line.HEADING, _HEADING), (_Line.ITEM, _BULLET)):
            if match := pattern.match(mark):
                return self._opened(kind, mark[match.end() :] + newline + rest)
        if _FOOTNOTE.match(mark) and complete:
            self._held = newline + rest
            return []
        if match := _NUMBERED.match(mark):
            word = _WORD.match(mark, match.end())
            if word is None or word[0].lower() not in self._months:
                begun = self._opened(_Line.ITEM, mark[match.end() :] + newline + rest)
                return [*begun, f"{match[1]}. "]
        return self._plain(line, len(line) - len(mark))

    def _opened(self, kind: _Line, held: str) -> list[Piece]:
        ended = self._ended()
        self._held, self._kind = held, kind
        self._length, self._last = 0, ""
        return ended

    def _ended(self) -> list[Piece]:
        """End the sentence of the line before a block."""
        stops = self._last.isalnum() or self._last in _CLOSING
        return [".\n" if self._last and stops else "\n"]

    def _plain(self, line: str, indented: int) -> list[Piece]:
        """Go on with text: the line end before it is a blank, a pause, or an end."""
        previous, self._kind = self._previous, _Line.PLAIN
        first = line[indented]
        ended = self._ended()
        length, last = self._length, self._last
        self._length, self._last = 0, ""
        self._held = self._held[indented:]
        if previous is _Line.RULE:
            return []
        if previous is _Line.ITEM and (indented or first.islower()):
            self._kind = _Line.ITEM
            return ["\n"]
        if previous is not _Line.PLAIN:
            return ended
        short = length < _WRAPPED and not first.islower() and first.isalnum()
        return [",\n" if short and last.isalnum() else "\n"]

    def _blank(self, rest: str) -> list[Piece]:
        self._held, self._previous, self._last = rest, _Line.RULE, ""
        return [Boundary()]

    def _row(self, mark: str, newline: str, rest: str) -> list[Piece]:
        self._held, self._previous = newline + rest, _Line.ROW
        self._kind = _Line.ROW
        if _RULE_ROW.match(mark):
            return []
        ended = self._ended()
        cells = [cell.strip() for cell in mark.strip().strip("|").split("|")]
        row = ", ".join(cell for cell in cells if cell)
        self._last = row[-1:]
        return [*ended, row]

    def _closes(self, line: str) -> bool:
        line = line.strip()
        return len(line) >= len(self._fence) and not line.strip(self._fence[0])

    def _code_line(
        self, line: str, newline: str, rest: str, *, complete: bool
    ) -> list[Piece] | None:
        if not complete:
            return None
        self._held = rest
        if self._closes(line):
            self._fence, self._previous = "", _Line.RULE
            self._code.clear()
            return [Boundary()]
        self._code.append(line + newline)
        return []
