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
from .number import MINUS
from .ordinals import Ordinals, RomanNumerals
from .quantities import Quantities

Handler = Callable[[str, int], tuple[str, int] | None]
_KNOWN = 64
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
        self._months: tuple[Handler, ...] = (dates.named, money.amount)
        self._signs: tuple[Handler, ...] = (
            addresses.phone,
            money.amount,
            quantities.range,
            quantities.quantity,
            quantities.signed,
            ordinals.fraction,
        )
        self._digits: tuple[Handler, ...] = (
            self._stamp,
            addresses.mail,
            addresses.bare,
            dates.date,
            dates.named,
            addresses.phone,
            addresses.version,
            clock.time,
            money.amount,
            ordinals.score,
            ordinals.fraction,
            quantities.range,
            quantities.quantity,
            ordinals.ordinal,
            dates.year,
            quantities.plain,
        )
        months = f"|{dates.starts_with_month}" if dates.starts_with_month else ""
        codes = r"[A-Z]{1,3}\$|[A-Z]{3}(?= ?\d)"
        self._start = re.compile(
            rf"(?P<word>{Addresses.starts}|(?<![\w.@-])[a-z0-9-]{{1,63}}\.[a-z])"
            rf"|(?P<month>(?<!\w)(?:{codes}{months}))"
            rf"|(?P<sign>[{MINUS}+±~≈½⅓⅔¼¾⅛€$£¥￥₽₴₹₩₺₪₸₾₫฿(](?=[\d €$£(]|$)|[½⅓⅔¼¾⅛€$£¥￥])"
            r"|(?P<digit>\d)",
            re.IGNORECASE if months else 0,
        )

    def speak(self, text: str) -> str:
        """Return `text` with its numbers, units and addresses as they are to be said."""
        text = self._roman.replace(text)
        found: list[str] = []
        done = 0
        while match := self._start.search(text, done):
            at = match.start()
            handlers = self._handlers(match.lastgroup or "")
            spoken = next(
                (result for handler in handlers if (result := handler(text, at)) is not None), None
            )
            if spoken is None:
                run = _RUN.match(text, at)
                end = run.end() if run else at + 1
                spoken = text[at:end], end
            found.append(text[done:at])
            words, end = spoken
            if found and words and text[at] != words[0]:
                words = _apart(text[at - 1 : at], words)
            found.append(words + (" " if _touches(words, text, end) else ""))
            done = max(end, at + 1)
        if not found:
            return text
        return "".join(found) + text[done:]

    def _handlers(self, kind: str) -> tuple[Handler, ...]:
        if kind == "word":
            return self._words
        if kind == "month":
            return self._months
        return self._signs if kind == "sign" else self._digits

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
