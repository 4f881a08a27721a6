"""Amounts of money: $5.20, 5 €, 1.5 million dollars."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..language import Forms, Language
from . import number
from .number import BLANK, BLANKS, MINUS, Number
from .units import Symbols, units

_SIGNS = {
    "€": "EUR", "US$": "USD", "$": "USD", "£": "GBP", "¥": "JPY", "￥": "JPY", "₽": "RUB",
    "₴": "UAH", "₹": "INR", "₩": "KRW", "₺": "TRY", "₪": "ILS", "₸": "KZT", "₾": "GEL",
    "₫": "VND", "฿": "THB", "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "R$": "BRL", "C$": "CAD",
    "A$": "AUD", "CA$": "CAD", "руб.": "RUB", "грн": "UAH", "元": "CNY",
    "EUR": "EUR", "USD": "USD", "GBP": "GBP", "CHF": "CHF", "PLN": "PLN", "SEK": "SEK",
    "NOK": "NOK", "DKK": "DKK", "CZK": "CZK", "HUF": "HUF", "JPY": "JPY", "CNY": "CNY",
    "RUB": "RUB", "UAH": "UAH", "BRL": "BRL", "INR": "INR", "TRY": "TRY", "RON": "RON",
}  # fmt: skip
_OWN = {
    "sv": {"kr": "SEK"}, "da": {"kr.": "DKK", "kr": "DKK"}, "nb": {"kr": "NOK"},
    "is": {"kr.": "ISK", "kr": "ISK"}, "zh": {"¥": "CNY", "￥": "CNY"}, "sr": {"дин": "RSD"},
}  # fmt: skip
_CENTS = 2


class Money:
    """Speaks amounts of money in one language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        base = language.code.partition("-")[0]
        signs = {**_SIGNS, **_OWN.get(base, {}), **language.signs}
        self._codes = {s: code for s, code in signs.items() if code in language.currencies}
        self.codes = tuple(self._codes)
        """The signs and codes of currencies that have a name."""
        self._units = units(language)
        self._signs = Symbols(self._codes, unspaced=language.unspaced)
        digits = number.pattern(language)
        scales = "|".join(map(re.escape, sorted(language.scales, key=len, reverse=True)))
        scale = rf"(?:{BLANK}?(?P<scale>{scales})(?![^\W_]))?" if scales else "(?P<scale>(?!))?"
        self._number = re.compile(
            rf"(?P<sign>[{MINUS}])?(?:(?P<low>{digits}){BLANK}?[-–]{BLANK}?)?(?P<high>{digits}){scale}"
        )

    def amount(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak an amount that begins at `at`: the words, and where it ends."""
        if at and text[at - 1].isalnum() and not self._language.unspaced:
            return None
        start = at + 1 if text[at] in MINUS else at
        for sign, end in self._leading(text, start):
            begin = end + 1 if text[end : end + 1] in BLANKS else end
            if (match := self._number.match(text, begin)) and text[
                match.end() : match.end() + 1
            ] != "%":
                return self._spoken(match, sign, match.end(), negative=start > at)
        match = self._number.match(text, at)
        found = self.code_at(text, match.end()) if match else None
        if match is None or found is None:
            return None
        return self._spoken(match, found[0], found[1], negative=False)

    def _leading(self, text: str, start: int) -> Iterator[tuple[str, int]]:
        """Yield the signs of money at `start` that a number may stand behind."""
        for sign, end in self._signs.at(text, start):
            if (
                not sign[-1].isalnum()
                or text[end : end + 1] in BLANKS
                or text[end : end + 1].isdigit()
            ):
                yield sign, end

    def code_at(self, text: str, start: int) -> tuple[str, int] | None:
        """Find the sign of money at `start`, behind a blank or none, and where it ends."""
        if text[start : start + 1] in BLANKS:
            start += 1
        return next(self._signs.at(text, start), None)

    def _spoken(
        self, match: re.Match[str], sign: str, end: int, *, negative: bool
    ) -> tuple[str, int] | None:
        language = self._language
        value = number.parse(match["high"], language)
        negative = negative or bool(match["sign"])
        if value is None or (negative and "minus" not in language.words):
            return None
        spoken = self._speak(value, self._codes[sign], match["scale"] or "")
        blank = "" if language.unspaced else " "
        if match["low"]:
            low, word = number.parse(match["low"], language), language.words.get("range")
            if low is None or word is None or not _below(low, value):
                return None
            spoken = f"{number.spoken(low, language)}{blank}{word}{blank}{spoken}"
        if negative:
            spoken = f"{language.words['minus']}{blank}{spoken}"
        if counter := self._units.counter(match.string, end):
            per, end = counter
            spoken = per.replace("{}", spoken) if "{}" in per else f"{spoken} {per}"
        return spoken, end

    def _speak(self, value: Number, code: str, scale: str) -> str:
        names, parts = self._language.currencies[code], self._language.fractions_of.get(code)
        if scale:
            names_of_scale = self._language.scale_names.get(scale, scale)
            gender = self._language.genders.get("scale", "")
            words = number.spoken(value, self._language, gender)
            text = number.named(value, words, names_of_scale, self._language)
            several = Number("1000000")
            name = number.named(several, "", names, self._language).strip()
            joint = self._language.words.get("scale", "{}")
            if name[0] in "aeiou":
                joint = self._language.words.get("scale before vowel", joint)
            return f"{text} {joint.replace('{}', name)}"
        together = self._language.words.get("money")
        if parts is not None and together and len(value.fraction) == _CENTS:
            return self._with_parts(value, code, parts, together)
        if value.fraction and not value.fraction.strip("0"):
            value = Number(value.whole)
        gender = self._language.genders.get(code, "")
        spoken = number.spoken(value, self._language, gender)
        return number.named(value, spoken, names, self._language)

    def _with_parts(self, value: Number, code: str, parts: Forms, joint: str) -> str:
        whole, cents = Number(value.whole), Number(value.fraction.lstrip("0") or "0")
        names = self._language.currencies[code]
        gender = self._language.genders.get(code, "")
        coins = number.named(
            cents,
            number.spoken(cents, self._language, self._language.genders.get(f"{code}/100", gender)),
            parts,
            self._language,
        )
        notes = number.named(
            whole, number.spoken(whole, self._language, gender), names, self._language
        )
        if cents.whole == "0":
            return notes
        return coins if whole.whole == "0" else joint.format(a=notes, b=coins)


def _below(low: Number, high: Number) -> bool:
    return float(f"{low.whole}.{low.fraction or 0}") < float(f"{high.whole}.{high.fraction or 0}")
