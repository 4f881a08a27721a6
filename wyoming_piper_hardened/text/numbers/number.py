"""A number as it is written, and as espeak should read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ..language import Forms, Language

MINUS = "-\u2212\u2013\ufe63\uff0d"
BLANKS = frozenset(" \u00a0\u202f\u2009")
BLANK = "[ \u00a0\u202f\u2009]"
_TAILED = frozenset({"cs", "hr", "pl", "ru", "sk", "sr", "uk"})
"""Languages in which 121 is 100 and 21, the second with a gender."""
CHINESE_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")
_SPELLED_UP_TO = 99
_WHOLE_DIGITS = 18
_SPELLED_DIGITS = 9


def is_unspaced(letter: str) -> bool:
    """Return whether a letter is of a script that has words, or endings, glued to numbers."""
    return (
        "\u0e00" <= letter <= "\u0eff"
        or "\u1100" <= letter <= "\u11ff"
        or "\u2e80" <= letter <= "\ud7ff"
    )


@dataclass(frozen=True, slots=True)
class Number:
    """An unsigned number: digits before and behind the decimal sign, without grouping."""

    whole: str
    fraction: str = ""


@cache
def pattern(language: Language) -> str:
    """Return a regular expression for a number as `language` may write it, without its sign."""
    grouped = "[.,'’\u00a0\u202f\u2009" + (" " if language.group.isspace() else "") + "]"
    fraction = r"(?:[.,]\d{1,12})?"
    return rf"(?:\d{{1,3}}(?:{grouped}\d{{3}}){{1,5}}(?!\d){fraction}|\d{{1,18}}{fraction})"


def parse(text: str, language: Language) -> Number | None:
    """Return the number that `text` stands for; None if it might mean two.

    A foreign decimal sign counts as one where the language's own grouping is impossible: 21.5 in
    German is a decimal, 1.234 is not.
    """
    if text.isascii() and text.isdigit():
        return Number(text)
    text = re.sub(r"[’'\s]", "", text)
    signs = re.sub(r"\d", "", text)
    if not signs:
        return Number(text)
    last = signs[-1]
    head, _, tail = text.rpartition(last)
    if len(set(signs)) == 1 and (len(signs) > 1 or _is_group(head, tail, last, language)):
        parts = text.split(last)
        valid = all(len(part) == 3 for part in parts[1:]) and 0 < len(parts[0]) <= 3
        return Number("".join(parts)) if valid else None
    if signs.count(last) > 1 or not head.replace(".", "").replace(",", "").isdigit():
        return None
    return Number(re.sub(r"[.,]", "", head), tail)


def _is_group(head: str, tail: str, sign: str, language: Language) -> bool:
    grouping = sign == language.group
    return grouping and len(tail) == 3 and len(head) <= 3 and not head.startswith("0")


def spoken(number: Number, language: Language, gender: str = "") -> str:
    """Return digits, or words where the gender or the language's fractions need them."""
    if not number.fraction:
        return _counted(number.whole, language, gender)
    if str(len(number.fraction)) in language.decimals:
        return _with_named_fraction(number, language)
    if language.speaks_decimal:
        return f"{number.whole}{language.decimal}{number.fraction}"
    point = language.words.get("point")
    if point is None:
        return f"{number.whole}{language.decimal}{number.fraction}"
    fraction, whole = number.fraction, _counted(number.whole, language, "")
    if language.code.startswith("zh"):
        return f"{whole}{point}{fraction.translate(CHINESE_DIGITS)}"
    if language.numerals:
        fraction = " ".join(language.numerals[int(digit)] for digit in fraction)
    elif fraction[0] == "0":
        fraction = " ".join(fraction)
    return f"{whole} {point} {fraction}"


def named(number: Number, text: str, forms: Forms, language: Language) -> str:
    """Return `text`, which is `number` in words, with the name of what it counts."""
    if isinstance(forms, str):
        name = forms
    else:
        category = language.plural.category(number.whole, number.fraction)
        name = forms.get(category) or forms.get("other") or next(iter(forms.values()))
    if "{}" in name:
        return name.replace("{}", text)
    return f"{text}{name}" if language.unspaced else f"{text} {name}"


def _counted(whole: str, language: Language, gender: str) -> str:
    if language.numerals:
        return _spelled(whole, language)
    forms = language.forms.get(gender)
    if forms is None or len(whole) > _WHOLE_DIGITS or (whole[0] == "0" and whole != "0"):
        return whole
    number = int(whole)
    if number <= _SPELLED_UP_TO:
        return forms.get(str(number), whole)
    tail = forms.get(str(number % 100))
    if tail is None or language.code.partition("-")[0] not in _TAILED:
        return whole
    return f"{number - number % 100} {tail}"


def _spelled(whole: str, language: Language) -> str:
    """Return a whole number in words: crores, lakhs, thousands, hundreds."""
    if len(whole) > _SPELLED_DIGITS or (whole[0] == "0" and len(whole) > 1):
        return " ".join(language.numerals[int(digit)] for digit in whole)
    number, parts = int(whole), []
    for size, name in ((10**7, "crore"), (10**5, "lakh"), (1000, "thousand"), (100, "hundred")):
        count, number = divmod(number, size)
        if count:
            parts.append(f"{language.numerals[count]} {language.words[name]}")
    if number or not parts:
        parts.append(language.numerals[number])
    return " ".join(parts)


def _with_named_fraction(number: Number, language: Language) -> str:
    def part(digits: str, forms: Mapping[str, str]) -> str:
        digits = digits.lstrip("0") or "0"
        one = digits[-1] == "1" and digits[-2:] != "11"
        return f"{_counted(digits, language, 'f')} {forms['one' if one else 'other']}"

    names = language.decimals
    fraction = part(number.fraction, names[str(len(number.fraction))])
    return f"{part(number.whole, names['whole'])} {fraction}"
