"""Values of SSML's attributes, as seconds, factors and text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..language import Language
from .pieces import Style

_STRENGTHS = {
    "none": 0.0, "x-weak": 0.0, "weak": 0.25, "medium": 0.5, "strong": 0.75, "x-strong": 1.25,
}  # fmt: skip
_RATES = {
    "x-slow": 1 / 1.6, "slow": 1 / 1.25, "medium": 1.0, "default": 1.0, "fast": 1 / 0.8,
    "x-fast": 1 / 0.6,
}  # fmt: skip
_DECIBELS = {
    "x-soft": -12.0,
    "soft": -6.0,
    "medium": 0.0,
    "default": 0.0,
    "loud": 4.0,
    "x-loud": 8.0,
}
_SLOWEST, _FASTEST = 0.25, 4.0
_LOUDEST = 4.0
_TIME = re.compile(r"\s*\+?(\d{0,6}(?:\.\d{1,6})?)\s*(ms|s)\s*")
_FACTOR = re.compile(r"\s*([+-]?)(\d{0,4}(?:\.\d{1,6})?)\s*(%?)\s*")
_LOUDNESS = re.compile(r"\s*([+-]?\d{1,3}(?:\.\d{1,4})?)\s*[dD][bB]\s*")
_SPELLED = frozenset({"characters", "spell-out", "verbatim"})
_DIGITS = frozenset({"digits", "telephone"})
_LONGEST = 100


def seconds(attributes: Mapping[str, str]) -> float:
    """Return how long a break is: its time, or its strength."""
    if match := _TIME.fullmatch(attributes.get("time", "")):
        return float(match[1] or 0) / (1000 if match[2] == "ms" else 1)
    return _STRENGTHS.get(attributes.get("strength", "medium"), _STRENGTHS["medium"])


def style(attributes: Mapping[str, str], outer: Style) -> Style:
    """Return the style within a prosody element; an unknown value changes nothing."""
    rate = outer.rate * _rate(attributes.get("rate", "").strip().lower())
    gain = outer.gain * _gain(attributes.get("volume", "").strip().lower())
    return Style(min(max(rate, _SLOWEST), _FASTEST), min(gain, _LOUDEST))


def _rate(value: str) -> float:
    if value in _RATES:
        return _RATES[value]
    match = _FACTOR.fullmatch(value)
    if match is None or not match[2]:
        return 1.0
    factor = float(match[2]) / (100 if match[3] else 1)
    if match[1]:
        factor = 1 + factor if match[1] == "+" else 1 - factor
    return factor if factor > 0 else 1.0


def _gain(value: str) -> float:
    if value == "silent":
        return 0.0
    if value in _DECIBELS:
        return float(10 ** (_DECIBELS[value] / 20))
    if match := _LOUDNESS.fullmatch(value):
        return float(10 ** (float(match[1]) / 20))
    match = _FACTOR.fullmatch(value)
    if match is None or not match[2]:
        return 1.0
    factor = float(match[2]) / 100
    if match[1]:
        factor = 1 + factor if match[1] == "+" else max(0.0, 1 - factor)
    return factor


def say_as(content: str, attributes: Mapping[str, str], language: Language) -> str:
    """Return content as its ``interpret-as`` wants it; what is unknown stays as it is."""
    how = attributes.get("interpret-as", "").lower()
    if len(content) > _LONGEST:
        return content
    if how in _SPELLED:
        return " ".join(char.upper() for char in content if not char.isspace())
    if how in _DIGITS and any(char.isdigit() for char in content):
        plus = language.words.get("plus", "") if content.startswith("+") else ""
        return f"{plus} " * bool(plus) + ", ".join(" ".join(g) for g in re.findall(r"\d+", content))
    if how == "ordinal" and content.isascii() and content.isdigit():
        return _ordinal(int(content), language)
    if how == "date":
        return _date(content, attributes.get("format", "").lower())
    return content


def _ordinal(number: int, language: Language) -> str:
    if language.code.startswith("en"):
        teen = number % 100 in {11, 12, 13}
        return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
    for form in ("m", "nominative"):
        words = language.ordinals.get(form, ())
        if 1 <= number <= len(words):
            return words[number - 1]
    return f"{number}."


def _date(content: str, order: str) -> str:
    parts = re.findall(r"\d+", content)
    if sorted(order) != ["d", "m", "y"] or len(parts) != len(order):
        return content
    values = dict(zip(order, parts, strict=True))
    year, month, day = values["y"], int(values["m"]), int(values["d"])
    return f"{year}-{month:02}-{day:02}" if len(year) == 4 else content
