"""A model's reasoning, which is not for the listener."""

from __future__ import annotations

import re

_TAGS = ("think", "thinking", "reasoning")
_OPENING = re.compile(rf"\s*<({'|'.join(_TAGS)})>", re.IGNORECASE)
_LONGEST = 12


class Thoughts:
    """Leaves out ``<think>`` and its like at the begin of the text or of a line.

    A thought that is never closed is given out at the end, without its tag: it may be all there
    is to say.
    """

    def __init__(self) -> None:
        self._held = ""
        self._line_begins = True
        self._closing: re.Pattern[str] | None = None
        self._thought: list[str] = []

    def add(self, text: str) -> str:
        """Take more text and return what of it is to be spoken."""
        self._held += text
        spoken: list[str] = []
        while self._held and self._step(spoken):
            pass
        return "".join(spoken)

    def finish(self) -> str:
        """Return what is left."""
        rest = "".join(self._thought) + self._held
        self.__init__()  # type: ignore[misc]
        return rest

    def _step(self, spoken: list[str]) -> bool:
        """Treat the begin of what is held; false if more text is needed for it."""
        held = self._held
        if self._closing is not None:
            return self._skip(self._closing)
        if self._line_begins:
            blanks = len(held) - len(held.lstrip())
            tag = held[blanks : blanks + _LONGEST]
            if match := _OPENING.match(held):
                self._closing = re.compile(rf"</{match[1]}>", re.IGNORECASE)
                spoken.append(held[: held.rfind("\n", 0, blanks) + 1])
                self._held = held[match.end() :]
                return True
            if not tag or any(f"<{name}>".startswith(tag.lower()) for name in _TAGS):
                if blanks and "\n" in held[:blanks]:  # the line that a tag might begin
                    begin = held.rindex("\n", 0, blanks) + 1
                    spoken.append(held[:begin])
                    self._held = held[begin:]
                return False
            self._line_begins = False
        line, newline, rest = held.partition("\n")
        spoken.append(line + newline)
        self._line_begins = bool(newline)
        self._held = rest
        return True

    def _skip(self, closing: re.Pattern[str]) -> bool:
        match = closing.search(self._held)
        if match is None:
            keep = max(0, len(self._held) - _LONGEST)
            self._thought.append(self._held[:keep])
            self._held = self._held[keep:]
            return False
        self._held = self._held[match.end() :]
        self._closing, self._line_begins = None, True
        self._thought.clear()
        return True
