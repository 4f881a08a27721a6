"""Numbers with a sign, a unit or a second number: -5 °C, 3.5 kWh, 10 to 15 %."""

from __future__ import annotations

import re

from ..language import Language
from . import number
from .number import BLANK, MINUS, Number
from .units import units

_GROUP_DIGITS = 4
_PHONE = re.compile(r"\d{3}-\d{4}$")


class Quantities:
    """Speaks signed and decimal numbers, units and ranges in one language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._units = units(language)
        digits = number.pattern(language)
        self._quantity = re.compile(rf"(?P<sign>[{MINUS}+±~≈])?(?P<number>{digits})")
        self._range = re.compile(
            rf"(?P<sign>[{MINUS}])?(?P<low>{digits})(?:{BLANK}?(?:°C|°F|°|%))?"
            rf"(?:{BLANK}?–{BLANK}?|-|…|\.\.\.?)(?P<high>{digits})"
        )

    def quantity(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak a number with a unit that begins at `at`: the words, and where it ends."""
        match = self._quantity.match(text, at)
        unit = self._units.at(text, match.end()) if match else None
        if match is None or unit is None:
            return None
        value = number.parse(match["number"], self._language)
        sign = self._sign(match["sign"] or "", text, at)
        if value is None or sign is None:
            return None
        return self.speak(value, unit.name, unit.per, sign), unit.end

    def range(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak a range: two numbers with a dash between them, the second one larger."""
        match = self._range.match(text, at)
        word = self._language.words.get("range")
        if match is None or word is None:
            return None
        unit = self._units.at(text, match.end())
        if _glued(text, at, unit.end if unit else match.end()):
            return None
        low = number.parse(match["low"], self._language)
        high = number.parse(match["high"], self._language)
        sign = self._sign(match["sign"] or "", text, at)
        if low is None or high is None or sign is None:
            return None
        if not self._is_range(low, high, match, counted=unit is not None):
            return None
        first = self._joined(sign, number.spoken(low, self._language))
        second = number.spoken(high, self._language)
        if unit is not None:
            second = self.speak(high, unit.name, unit.per)
        joint = word if self._language.unspaced else f" {word} "
        return f"{first}{joint}{second}", unit.end if unit else match.end()

    def signed(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak a number behind a minus or another sign."""
        match = self._quantity.match(text, at)
        if match is None or not match["sign"] or _glued(text, at + 1, match.end()):
            return None
        value = number.parse(match["number"], self._language)
        sign = self._sign(match["sign"], text, at)
        if value is None or sign is None or text[match.end() : match.end() + 1] in {":", "/"}:
            return None
        return self._joined(sign, number.spoken(value, self._language)), match.end()

    def plain(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak a decimal number that espeak would misread; leave every other one as it is."""
        match = self._quantity.match(text, at)
        if match is None or match["sign"] or _glued(text, at, match.end()):
            return None
        value = number.parse(match.group(), self._language)
        if value is None:
            return None
        foreign = f"{value.whole}{self._language.decimal}{value.fraction}" not in match.group()
        spelled = not self._language.speaks_decimal and (value.fraction or self._language.numerals)
        if not spelled and not (foreign and value.fraction):
            return match.group(), match.end()
        return number.spoken(value, self._language), match.end()

    def speak(self, value: Number, name: str, per: str = "", sign: str = "") -> str:
        """Return a number with the name of its unit."""
        gender = self._language.genders.get(name, "")
        text = self._joined(sign, number.spoken(value, self._language, gender))
        spoken = number.named(value, text, self._language.units[name], self._language)
        if not per:
            return spoken
        return per.replace("{}", spoken) if "{}" in per else f"{spoken} {per}"

    def _joined(self, sign: str, text: str) -> str:
        if not sign:
            return text
        return f"{sign}{text}" if self._language.unspaced else f"{sign} {text}"

    def _sign(self, sign: str, text: str, at: int) -> str | None:
        """Return the word for a sign; None if it is no sign here, or the language has no word."""
        if not sign:
            return ""
        before = text[at - 1] if at else " "
        if (
            before.isdigit()
            or before in ".,:/-–"
            or (before.isalpha() and not number.is_unspaced(before))
        ):
            return None
        key = {"+": "plus", "±": "plusminus", "~": "approximately", "≈": "approximately"}
        return self._language.words.get(key.get(sign, "minus"))

    @staticmethod
    def _is_range(low: Number, high: Number, match: re.Match[str], *, counted: bool) -> bool:
        if not counted:
            if _PHONE.fullmatch(match.group()):
                return False
            if max(len(low.whole), len(high.whole)) > _GROUP_DIGITS:
                return False
        if low.whole[0] == "0" != low.whole or high.whole[0] == "0" != high.whole:
            return False
        left = float(f"{low.whole}.{low.fraction or 0}")
        right = float(f"{high.whole}.{high.fraction or 0}")
        return (-left if match["sign"] else left) < right


def _glued(text: str, start: int, end: int) -> bool:
    """Return whether a letter, or another part of a longer thing, touches text[start:end]."""
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    following = text[end + 1] if end + 1 < len(text) else " "
    return (
        (before.isalpha() and not number.is_unspaced(before))
        or before in "/_@#"
        or (after.isalpha() and not number.is_unspaced(after))
        or after in "/_@"
        or (after in "-–.:," and following.isdigit())
        or (before in "-–.:," and start > 1 and text[start - 2].isalnum())
    )
