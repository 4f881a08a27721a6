"""Amounts of money: $5.20, 5 €, 1.5 million dollars."""

from __future__ import annotations

import re

from ..language import Forms, Language
from . import number
from .number import BLANK, MINUS, Number
from .units import alternatives

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
        digits = number.pattern(language)
        scales = alternatives(language.scales, unspaced=language.unspaced)
        scale = rf"(?:{BLANK}?(?P<scale>{scales}))?"
        before = alternatives([s for s in self._codes if not s[-1].isalnum()], unspaced=True)
        words = [s for s in self._codes if s[-1].isalnum()]
        before = (
            f"(?:{before}|(?:{'|'.join(map(re.escape, words)) or '(?!)'})(?=[\\d \u00a0\u202f]))"
        )
        after = alternatives(self._codes, unspaced=language.unspaced)
        sign = rf"(?P<sign>[{MINUS}])?"
        self._behind = re.compile(rf"{sign}(?P<number>{digits}){scale}{BLANK}?(?P<code>{after})")
        self._before = re.compile(
            rf"{sign}(?P<code>{before}){BLANK}?(?P<number>{digits}){scale}(?![\d%])"
        )

    def amount(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak an amount that begins at `at`: the words, and where it ends."""
        match = self._before.match(text, at) or self._behind.match(text, at)
        if match is None:
            return None
        before = text[at - 1] if at else " "
        if before.isalnum() and not self._language.unspaced:
            return None
        value = number.parse(match["number"], self._language)
        minus = self._language.words.get("minus")
        if value is None or (match["sign"] and minus is None):
            return None
        spoken = self._speak(value, self._codes[match["code"]], match["scale"] or "")
        if match["sign"]:
            spoken = f"{minus}{spoken}" if self._language.unspaced else f"{minus} {spoken}"
        return spoken, match.end()

    def _speak(self, value: Number, code: str, scale: str) -> str:
        names, parts = self._language.currencies[code], self._language.fractions_of.get(code)
        if scale:
            text = f"{number.spoken(value, self._language)} {scale}"
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
