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
_ALONE = "½⅓⅔¼¾⅛€$£¥￥"
_SIGNS = rf"{MINUS}+±~≈€$£¥￥₽₴₹₩₺₪₸₾₫฿("
_STARTS = rf"{_SIGNS}\d½⅓⅔¼¾⅛"
_DIGITS = re.compile(r"\d+")
_ANY = re.compile(r"[\d½⅓⅔¼¾⅛€$£¥￥₽₴₹₩₺₪₸₾₫฿@]|://|www\.|\w\.[a-z]")
_ADDRESS = re.compile(r"://|www\.|@|[a-z0-9-]\.[a-z]")
_ADDRESS_START = re.compile(Addresses.starts)
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
        codes = "|".join(
            rf"(?<={code[0]}){re.escape(code[1:])}" for code in money.codes if code.isupper()
        )
        # It begins with one set of characters, for which alone the text is then searched.
        self._start = re.compile(
            rf"[{_STARTS}A-Z](?:(?<=[\d{_ALONE}])|(?<=[{_SIGNS}])(?=[\d €$£(-]|$)"
            rf"|(?<![^\W\d_].)(?:(?<=[A-Z])[A-Z]?\$|(?:{codes or '(?!)'})(?= ?\d)))"
        )

    def speak(self, text: str) -> str:
        """Return `text` with its numbers, units and addresses as they are to be said."""
        text = self._roman.replace(text)
        if not _ANY.search(text):
            return text
        address = _address(text, 0)
        found: list[str] = []
        done = 0
        for _ in range(_MOST):
            if 0 <= address < done:
                address = _address(text, done)
            at = self._next(text, done, address)
            if at < 0:
                break
            found.append(text[done:at])
            words, end = self._spoken(text, at, self._words if at == address else None)
            if words != text[at:end] and (rest := self._counted_rest(words, text, end)):
                words, text, done = words[: -len(rest)], rest + text[end:], 0
                found.append(words)
                address = _address(text, 0)
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

    def _next(self, text: str, start: int, address: int) -> int:
        """Return where a number, a sign or the `address` begins, whichever is first, or -1."""
        match = self._start.search(text, start)
        if match is None or 0 <= address <= match.start():
            return address
        return match.start()

    def _spoken(self, text: str, at: int, handlers: tuple[Handler, ...] | None) -> tuple[str, int]:
        """Return the words for what begins at `at`, or what stands there, and where it ends."""
        for handler in self._handlers(text, at) if handlers is None else handlers:
            if (spoken := handler(text, at)) is not None:
                return spoken
        run = _RUN.match(text, at)
        end = run.end() if run else at + 1
        return text[at:end], end

    def _handlers(self, text: str, at: int) -> tuple[Handler, ...]:
        digits = _DIGITS.match(text, at)
        if digits is None:
            return self._signs
        end = digits.end()
        after = " " if text[end : end + 1] in BLANKS else text[end : end + 1]
        return self._digits.get(after, self._glued)

    def _stamp(self, text: str, at: int) -> tuple[str, int] | None:
        found = self._dates.stamp(text, at)
        if found is None:
            return None
        hour, minute, date, end = found
        time = self._clock.speak(hour, minute)
        return (f"{date}, {time}", end) if time else None


def _address(text: str, start: int) -> int:
    """Return where the next address may begin, or -1."""
    inner = _ADDRESS.search(text, start)
    if inner is None:
        return -1
    begin = max(start, text.rfind(" ", start, inner.start()) + 1)
    found = _ADDRESS_START.search(text, begin)
    return found.start() if found else -1


def _apart(before: str, words: str) -> str:
    return f" {words}" if before.isalnum() and words[0].isalpha() and before.isascii() else words


def _touches(words: str, text: str, end: int) -> bool:
    after = text[end : end + 1]
    return after.isalnum() and after.isascii() and words[-1:].isalpha() and words[-1:].isascii()


@lru_cache(maxsize=_KNOWN)
def scanner(language: Language) -> Scanner:
    """Return the scanner of a language."""
    return Scanner(language)
