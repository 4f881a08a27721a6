"""Dates: 2026-12-25, 25.12.2026, December 25, 2026, and years."""

from __future__ import annotations

import re

from ..language import Language
from .number import CHINESE_DIGITS

_MONTHS = 12
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CENTURY = 100
_FIRST_YEAR, _LAST_YEAR = 1100, 2099
_MILLENNIUM = range(2000, 2010)
_YEAR = re.compile(r"(\d{4})(?=[.,;:!?)]*(?:\s|$))(?!\s*[^\W\d_])")
_ORDINAL_DAYS = frozenset({"en", "sv", "de", "pl", "ru"})
_BEFORE = 24  # characters that a preposition is looked for in


class Dates:
    """Speaks dates in one language; leaves them alone in a language without a pattern."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._iso = re.compile(r"(?P<y>\d{4})([-/])(?P<m>\d\d?)\2(?P<d>\d\d?)(?![\d/-])")
        self._stamp = re.compile(
            r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)[T ](?P<hour>\d\d):(?P<minute>\d\d)"
            r"(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?(?![\d:])"
        )
        self._numeric = re.compile(
            r"(?P<a>\d\d?)(?P<sep>[./-])(?P<b>\d\d?)(?P=sep)(?P<y>\d{4})(?![\d./-]\d|\d)"
        )
        self._yearless = re.compile(r"(?P<a>\d\d?)\.(?P<b>\d\d?)\.(?!\d)")
        self._asian = re.compile(r"(?P<y>\d{4})年(?P<m>\d\d?)月(?P<d>\d\d?)[日号]")
        names = {name.lower(): i for i, name in enumerate(language.months, 1)}
        names |= {k.lower(): v for k, v in language.dates.get("months_short", {}).items()}
        self._names = names
        words = "|".join(re.escape(n) for n in sorted(names, key=len, reverse=True)) or "(?!)"
        alone = r"(?! \d\d?(?!\d))" if language.order == "mdy" else ""
        self._named = re.compile(
            rf"(?P<d>\d\d?)(?P<dot>\.?)(?:st|nd|rd|th)? (?:of )?(?P<month>{words})(?!\w)\.?"
            rf"(?:,? (?P<y>\d{{4}})(?!\d))?{alone}",
            re.IGNORECASE,
        )
        self._month_before = re.compile(rf"(?<!\w)(?P<month>{words})\.? $", re.IGNORECASE)
        self._month_ends = tuple(name.rstrip(".") for name in self._names)
        self._day_year = re.compile(
            r"(?P<d>\d\d?)(?:st|nd|rd|th)?(?:,? (?P<y>\d{4}))?(?![\d.,:]\d|\d|%|\w)"
        )
        self._month_first = language.order == "mdy"
        self._cases = [
            (re.compile(rf"(?:^|\W)(?:{case['after']})\s$", re.IGNORECASE), case["date"])
            for case in language.dates.get("cases", ())
        ]
        short = language.dates.get("short_after")
        self._short = re.compile(rf"(?:^|\W)(?:{short})\s$", re.IGNORECASE) if short else None
        before = language.dates.get("prepositions")
        self._since = re.compile(rf"(?:^|\W)(?:{before})\s$", re.IGNORECASE) if before else None

    def stamp(self, text: str, at: int) -> tuple[int, int, str, int] | None:
        """Find a time stamp: hour, minute, its date in words, and where it ends."""
        match = self._stamp.match(text, at)
        if match is None:
            return None
        spoken = self._date(int(match["d"]), int(match["m"]), match["y"], text, at)
        return spoken and (int(match["hour"]), int(match["minute"]), spoken, match.end())  # type: ignore[return-value]

    def date(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak a date in digits that begins at `at`: the words, and where it ends."""
        if match := self._iso.match(text, at) or self._asian.match(text, at):
            day, month = int(match["d"]), int(match["m"])
            year: str = match["y"]
        elif match := self._numeric.match(text, at):
            day, month = self._ordered(int(match["a"]), int(match["b"]))
            year = match["y"]
        elif self._short and (match := self._yearless.match(text, at)):
            if not self._short.search(text[max(0, at - _BEFORE) : at]):
                return None
            day, month, year = int(match["a"]), int(match["b"]), ""
        else:
            return None
        spoken = self._date(day, month, year, text, at)
        return (spoken, match.end()) if spoken else None

    def named(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak a day before its month in words; leave it alone where espeak reads it right."""
        match = self._named.match(text, at)
        if match is None:
            return None
        month = self._names[match["month"].lower()]
        day = int(match["d"])
        if not self._is_date(day, month):
            return None
        if day != 1 and self._language.code.partition("-")[0] not in _ORDINAL_DAYS:
            return None
        spoken = self._date(day, month, match["y"] or "", text, at)
        return (spoken, match.end()) if spoken else None

    def day_behind_month(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak a day, and its year, behind its month: December 25, 2026."""
        if not self._month_first or not text[:at].endswith(" "):
            return None
        near = text[max(0, at - _BEFORE) : at]
        if not near[:-1].lower().rstrip(".").endswith(self._month_ends):
            return None  # most texts, sooner than by the expression
        before = self._month_before.search(near)
        match = self._day_year.match(text, at) if before else None
        if before is None or match is None:
            return None
        day = int(match["d"])
        if not self._is_date(day, self._names[before["month"].lower()]):
            return None
        year = f", {self._year(match['y'])}" if match["y"] else ""
        return f"{day}{_english_suffix(day)}{year}", match.end()

    def year(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak a year behind a preposition, where nothing but punctuation follows it."""
        match = _YEAR.match(text, at) if self._since is not None else None
        if match is None or self._since is None:
            return None
        if not self._since.search(text[max(0, at - _BEFORE) : at]):
            return None
        return self._year(match[1]), match.end()

    def _ordered(self, first: int, second: int) -> tuple[int, int]:
        if self._language.order == "mdy":
            return (second, first) if first <= _MONTHS else (first, second)
        return (first, second) if second <= _MONTHS else (second, first)

    @staticmethod
    def _is_date(day: int, month: int) -> bool:
        return 1 <= month <= _MONTHS and 1 <= day <= _DAYS[month - 1]

    def _date(self, day: int, month: int, year: str, text: str, at: int) -> str:
        language = self._language
        pattern = language.date
        if not pattern or not language.months or not self._is_date(day, month):
            return ""
        before = text[max(0, at - _BEFORE) : at] if self._cases else ""
        pattern = next((date for after, date in self._cases if after.search(before)), pattern)
        if not year:
            pattern = re.sub(r"[,\s]*(?:de |del )?\{year\}.*$", "", pattern)
        first = language.dates.get("first")
        return pattern.format(
            d=first if day == 1 and first else day,
            number=month,
            th=f"{day}{_english_suffix(day)}",
            month=language.months[month - 1],
            year=self._year(year) if year else "",
            **{form: words[day - 1] for form, words in language.ordinals.items()},
        )

    def _year(self, year: str) -> str:
        how, number = self._language.dates.get("year"), int(year)
        century, rest = divmod(number, _CENTURY)
        if how == "digits":
            return year.translate(CHINESE_DIGITS)
        if how == "genitive":
            ordinals = self._language.ordinals["genitive"]
            before = self._language.dates.get("centuries", {}).get(str(number - rest))
            return f"{before or number - rest} {ordinals[rest - 1]}" if rest else year
        if not _FIRST_YEAR <= number <= _LAST_YEAR or number in _MILLENNIUM:
            return year
        hundred = self._language.dates.get("hundred", "")
        if how == "hundreds" and century < 20:
            return f"{century} {hundred} {rest}" if rest else f"{century} {hundred}"
        if how == "pairs" and (century != 20 or self._language.code.startswith("en")):
            zero = self._language.dates.get("zero")
            if not rest:
                return f"{century} {hundred}"
            if rest < 10:
                return f"{century} {zero} {rest}" if zero else year
            return f"{century} {rest}"
        return year


def _english_suffix(day: int) -> str:
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th") if day not in {11, 12, 13} else "th"
