"""One scan of a segment, from left to right: at each number or address, what speaks it first."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from ..language import Language
from .addresses import Addresses
from .clock import Clock
from .dates import Dates
from .money import Money
from .number import BLANKS, MINUS
from .ordinals import Ordinals, RomanNumerals
from .quantities import Quantities
from .units import units

Handler = Callable[[str, int], tuple[str, int] | None]
_KNOWN = 64
_MOST = 48
"""Numbers of one segment that are looked at: no text to be listened to has more."""
_NUMBER_AT_END = re.compile(r"\d+(?:[.,]\d+)?$")
_DIGITS = re.compile(r"\d+")
_ANY = re.compile(r"[\d½⅓⅔¼¾⅛€$£¥￥₽₴₹₩₺₪₸₾₫฿@]|://|www\.|\w\.[a-z]")
_ADDRESS = re.compile(r"://|www\.|@|[a-z0-9]\.[a-z]")
_RUN = re.compile(r"\d+|[^\W\d]+|.", re.DOTALL)


class Scanner:
    """Puts the numbers of one language into words.

    A handler returns words and an end, or None; None leaves the text to the next handler, and if
    none wants it, to espeak as it is.
    """

    def __init__(self, language: Language) -> None:
        addresses, money = Addresses(language), Money(language)
        dates, clock, ordinals = Dates(language), Clock(language), Ordinals(language)
        quantities = Quantities(language)
        self._dates, self._clock = dates, clock
        self._roman = RomanNumerals(language)
        self._words: tuple[Handler, ...] = (addresses.web, addresses.mail, addresses.bare)
        self._signs: tuple[Handler, ...] = (
            addresses.phone,
            money.amount,
            quantities.range,
            quantities.quantity,
            quantities.signed,
            ordinals.fraction,
        )
        counted = (money.amount, quantities.range, quantities.quantity)
        words = (addresses.bare, addresses.mail)
        spaced = (dates.day_behind_month, dates.named, addresses.phone, clock.time)
        # By the character behind the first digits: most handlers want one certain sign there.
        self._digits: dict[str, tuple[Handler, ...]] = {
            ":": (clock.time, ordinals.score, ordinals.ordinal, quantities.plain),
            ".": (
                *(dates.date, dates.named, clock.time, addresses.version, *words, *counted),
                *(ordinals.ordinal, dates.day_behind_month, dates.year, quantities.plain),
            ),
            ",": (*counted, dates.day_behind_month, dates.year, quantities.plain),
            "-": (
                *(self._stamp, dates.date, addresses.phone, *words, ordinals.ordinal),
                *(ordinals.score, *counted, quantities.plain),
            ),
            "/": (dates.date, ordinals.fraction, quantities.plain),
            " ": (
                *spaced,
                *(ordinals.fraction, *counted, dates.day_behind_month, dates.year),
                quantities.plain,
            ),
            "–": (ordinals.score, *counted, quantities.plain),
            "": (dates.day_behind_month, dates.year, quantities.plain),
        }
        self._glued: tuple[Handler, ...] = (
            *(dates.date, dates.named, clock.time, ordinals.ordinal, ordinals.fraction),
            *(*words, *counted, dates.day_behind_month, dates.year, quantities.plain),
        )
        self._units, self._money = units(language), money
        codes = "|".join(code for code in money.codes if code.isupper())
        signs = (
            rf"|(?P<sign>[{MINUS}+±~≈€$£¥￥₽₴₹₩₺₪₸₾₫฿(](?=[\d €$£(-]|$)"
            rf"|[½⅓⅔¼¾⅛€$£¥￥]|(?<![^\W\d_])(?:[A-Z]{{1,2}}\$|(?:{codes or '(?!)'})(?= ?\d)))"
        )
        self._start = re.compile(rf"(?P<digit>\d){signs}")
        self._start_words = re.compile(rf"(?P<word>{Addresses.starts}){signs}|(?P<digit>\d)")

    def speak(self, text: str) -> str:
        """Return `text` with its numbers, units and addresses as they are to be said."""
        text = self._roman.replace(text)
        if not _ANY.search(text):
            return text
        start = self._start_words if _ADDRESS.search(text) else self._start
        found: list[str] = []
        done = 0
        for _ in range(_MOST):
            match = start.search(text, done)
            if match is None:
                break
            at = match.start()
            handlers = self._handlers(match.lastgroup or "", text, at)
            spoken = None
            for handler in handlers:
                if (spoken := handler(text, at)) is not None:
                    break
            if spoken is None:
                run = _RUN.match(text, at)
                end = run.end() if run else at + 1
                spoken = text[at:end], end
            found.append(text[done:at])
            words, end = spoken
            if words != text[at:end] and (rest := self._counted_rest(words, text, end)):
                words, text, end = words[: -len(rest)], rest + text[end:], 0
                found.append(words)
                done = 0
                continue
            if found and words and text[at] != words[0]:
                words = _apart(text[at - 1 : at], words)
            found.append(words + (" " if _touches(words, text, end) else ""))
            done = max(end, at + 1)
        if not found:
            return text
        return "".join(found) + text[done:]

    def _counted_rest(self, words: str, text: str, end: int) -> str:
        """Return the number at the end of `words`, if a unit or a currency stands behind it."""
        if not words[-1:].isdigit() or not (
            self._units.at(text, end)
            or self._money.code_at(text, end)
            or self._clock.half_at(text, end)
        ):
            return ""
        number = _NUMBER_AT_END.search(words)
        return number[0] if number else ""

    def _handlers(self, kind: str, text: str, at: int) -> tuple[Handler, ...]:
        if kind == "word":
            return self._words
        if kind == "sign":
            return self._signs
        digits = _DIGITS.match(text, at)
        end = digits.end() if digits else at
        after = " " if text[end : end + 1] in BLANKS else text[end : end + 1]
        return self._digits.get(after, self._glued)

    def _stamp(self, text: str, at: int) -> tuple[str, int] | None:
        found = self._dates.stamp(text, at)
        if found is None:
            return None
        hour, minute, date, end = found
        time = self._clock.speak(hour, minute)
        return (f"{date}, {time}", end) if time else None


def _apart(before: str, words: str) -> str:
    return f" {words}" if before.isalnum() and words[0].isalpha() and before.isascii() else words


def _touches(words: str, text: str, end: int) -> bool:
    after = text[end : end + 1]
    return after.isalnum() and after.isascii() and words[-1:].isalpha() and words[-1:].isascii()


@lru_cache(maxsize=_KNOWN)
def scanner(language: Language) -> Scanner:
    """Return the scanner of a language."""
    return Scanner(language)
