"""Times of day: 14:30, 9:05 pm, 14h30."""

from __future__ import annotations

import re

from ..language import Language
from . import number
from .number import Number

_HOURS, _MINUTES = 24, 60
_NOON, _AFTERNOON = 12, 13
_BEFORE = 14
_DOTTED = re.compile(r"(?P<h>\d\d?)\.(?P<m>\d\d)(?!\d|[.,:]\d)")
_HALF = re.compile(r" ?[ap](?:m|\.m\.)(?!\w)", re.IGNORECASE)


class Clock:
    """Speaks times of day in one language; leaves them alone in a language without a pattern."""

    def __init__(self, language: Language) -> None:
        self._language = language
        clock = language.clock
        suffix = clock.get("suffix")
        tail = rf"(?:\s?(?:{suffix})(?!\w))?" if suffix else ""
        self._time = re.compile(
            r"(?P<h>\d\d?):(?P<m>\d\d)(?![\d:]|[.,]\d)"
            rf"(?:\s?(?P<half>[ap])\.?\s?m(?!\w)\.?|{tail})",
            re.IGNORECASE,
        )
        self._dotted = (
            re.compile(rf"(?P<h>\d\d?)\.(?P<m>\d\d)\s?(?:{suffix})(?!\w)")
            if clock.get("dotted")
            else None
        )
        self._end = re.compile(rf"\s?[-–]\s?(?P<h>\d\d?):(?P<m>\d\d)(?![\d:]|[.,]\d){tail}")
        before = clock.get("before")
        self._before = re.compile(rf"(?:^|\W)(?:{before})\s$", re.IGNORECASE) if before else None
        letter = clock.get("letter")
        self._half = (
            re.compile(r"(?P<h>1[0-2]|[1-9]) ?(?P<half>[ap])(?:m|\.m\.)(?!\w)", re.IGNORECASE)
            if language.code.startswith("en")
            else None
        )
        self._letter = re.compile(rf"(?P<h>\d\d?) ?{letter} ?(?P<m>\d\d)(?!\w)") if letter else None
        self._locative = clock.get("locative")

    def time(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak a time of day that begins at `at`: the words, and where it ends."""
        before = text[max(0, at - _BEFORE) : at]
        if self._before is not None and self._before.search(before):
            match = _DOTTED.match(text, at)
            if match and _is_time(match):
                time = self.speak(int(match["h"]), int(match["m"]))
                return time or match.group(), match.end()
        if "full" not in self._language.clock or before[-1:] in {":", ".", "/", "-"}:
            return None
        if self._half is not None and (match := self._half.match(text, at)):
            return self._english(int(match["h"]), 0, match["half"]), _before_full_stop(match)
        match = self._written(text, at)
        if match is None or not _is_time(match):
            return None
        hour, minute = int(match["h"]), int(match["m"])
        if half := match.groupdict().get("half"):
            return self._english(hour, minute, half), _before_full_stop(match)
        return self._span(self.speak(hour, minute, before), text, match.end())

    def _written(self, text: str, at: int) -> re.Match[str] | None:
        patterns = (self._time, self._letter, self._dotted)
        matches = (pattern.match(text, at) for pattern in patterns if pattern is not None)
        return next((match for match in matches if match), None)

    def _span(self, spoken: str, text: str, end: int) -> tuple[str, int]:
        """Add the time that stands behind a dash at `end`, if there is one."""
        until, word = self._end.match(text, end), self._language.words.get("range")
        if until is None or word is None or not _is_time(until):
            return spoken, end
        blank = "" if self._language.unspaced else " "
        time = self.speak(int(until["h"]), int(until["m"]))
        return f"{spoken}{blank}{word}{blank}{time}", until.end()

    def half_at(self, text: str, start: int) -> bool:
        """Return whether a mark of the half of the day stands at `start`."""
        return self._half is not None and _HALF.match(text, start) is not None

    def speak(self, hour: int, minute: int, before: str = "") -> str:
        """Return a time of day in words; "" if the language has no pattern for it."""
        clock = self._language.clock
        if "full" not in clock:
            return ""
        name = "full" if minute else "whole"
        if self._language.code.startswith("en") and not minute and (hour > _NOON or hour == 0):
            return "midnight" if hour in {0, _HOURS} else f"{hour} hundred"
        pattern: str = clock.get(f"{name}_{hour}", clock[name])
        words: str = clock.get("hours", {}).get(str(hour), str(hour))
        if self._locative and re.search(rf"(?:^|\W)(?:{self._locative})\s$", before, re.IGNORECASE):
            words = re.sub(r"a(?= |$)", "ej", words) if hour else words
        minutes = str(minute)
        if minute < 10 and "zero" in clock:
            minutes = clock["zero"].format(m=minute)
        hours = ""
        if "{hours}" in pattern:
            forms = self._language.units["hour"]
            hours = number.named(Number(str(hour)), "", forms, self._language).strip()
        return pattern.format(h=words, m=minutes, hours=hours)

    def _english(self, hour: int, minute: int, half: str) -> str:
        clock = self._language.clock
        plain = clock.get("plain", "{h}").format(h=hour)
        time = self.speak(hour, minute) if minute else plain
        return f"{time} {half.lower()} m"


def _is_time(match: re.Match[str]) -> bool:
    return int(match["h"]) <= _HOURS and int(match["m"]) < _MINUTES


def _before_full_stop(match: re.Match[str]) -> int:
    """Where `match` ends, without a full stop that ends the segment."""
    end = match.end()
    return end - (match.string[end - 1] == "." and not match.string[end:].strip())
