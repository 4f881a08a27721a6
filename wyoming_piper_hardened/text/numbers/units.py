"""Signs and abbreviations of units."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from ..language import Forms, Language
from .number import BLANKS, is_unspaced

_SYMBOLS = {
    "°C": "celsius", "ºC": "celsius", "° C": "celsius", "℃": "celsius", "°F": "fahrenheit",
    "ºF": "fahrenheit", "° F": "fahrenheit", "℉": "fahrenheit", "°": "degree", "%": "percent",
    "٪": "percent", "％": "percent", "‰": "permille", "ppm": "ppm", "ppb": "ppb",
    "km/h": "kilometer-hour", "kph": "kilometer-hour", "kmh": "kilometer-hour",
    "m/s": "meter-second", "mph": "mile-hour", "mi/h": "mile-hour", "kWh": "kilowatt-hour",
    "Wh": "watt-hour", "MWh": "megawatt-hour", "kcal": "kilocalorie", "kJ": "kilojoule",
    "mW": "milliwatt", "W": "watt", "kW": "kilowatt", "MW": "megawatt", "GW": "gigawatt",
    "V": "volt", "A": "ampere", "mA": "milliampere", "Ω": "ohm", "Hz": "hertz",
    "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz", "Pa": "pascal",
    "hPa": "hectopascal", "kPa": "kilopascal", "MPa": "megapascal", "mbar": "millibar",
    "mb": "millibar", "bar": "bar", "psi": "psi", "nm": "nanometer", "µm": "micrometer",
    "μm": "micrometer", "mm": "millimeter", "cm": "centimeter", "dm": "decimeter",
    "km": "kilometer", "cm²": "square-centimeter", "m²": "square-meter", "m2": "square-meter",
    "km²": "square-kilometer", "km2": "square-kilometer", "ha": "hectare",
    "cm³": "cubic-centimeter", "m³": "cubic-meter", "m3": "cubic-meter", "ml": "milliliter",
    "mL": "milliliter", "cl": "centiliter", "cL": "centiliter", "dl": "deciliter",
    "dL": "deciliter", "hl": "hectoliter", "µg": "microgram", "μg": "microgram",
    "mg": "milligram", "kg": "kilogram", "lb": "pound", "lbs": "pound", "oz": "ounce",
    "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte",
    "kbit": "kilobit", "Mbit": "megabit", "Gbit": "gigabit", "µs": "microsecond",
    "μs": "microsecond", "ms": "millisecond", "sec": "second", "min": "minute", "h": "hour",
    "lx": "lux", "lm": "lumen", "cd": "candela", "dB": "decibel", "rpm": "rpm",
}  # fmt: skip
_ENGLISH = {
    "ft": "foot", "yd": "yard", "mi": "mile", "ft²": "square-foot", "sq ft": "square-foot",
    "hr": "hour", "hrs": "hour", "mins": "minute", "secs": "second", "gal": "gallon",
}  # fmt: skip
_WORDS = {"ha": ("es", "it", "ca", "hu", "sv", "pt"), "sec": ("fr",), "bar": ("pl",)}
"""Abbreviations that are words of these languages."""
_COUNTED_PER = {
    "l": "liter", "L": "liter", "g": "gram", "m": "meter", "Mb": "megabit", "kb": "kilobit",
    "Gb": "gigabit", "t": "tonne", "л": "liter", "г": "gram",
}  # fmt: skip
"""Abbreviations that are units only before "per"."""
PER = {
    "h": "hour", "ч": "hour", "min": "minute", "мин": "minute", "s": "second", "с": "second",
    "d": "day", "m²": "square-meter", "m2": "square-meter", "m³": "cubic-meter",
    "м³": "cubic-meter", "m3": "cubic-meter", "l": "liter", "L": "liter",
    "kg": "kilogram", "кг": "kilogram", "kWh": "kilowatt-hour", "km": "kilometer",
}  # fmt: skip
_JOINED = {"Mbps": ("Mbit", "s"), "kbps": ("kbit", "s"), "Gbps": ("Gbit", "s")}


_DEGREES = re.compile(r"(?<![\d½¼¾⅓⅔⅛])(?<![\d½¼¾⅓⅔⅛][ \u00a0])[°º] ?(?P<scale>[CF])(?!\w)")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that was found in a text: its name, what it is counted by, and where it ends."""

    name: str
    per: str
    end: int


class Units:
    """The units of a language, by the sign that stands behind a number."""

    def __init__(self, language: Language) -> None:
        base = language.code.partition("-")[0]
        symbols = {**_SYMBOLS, **(_ENGLISH if base == "en" else {}), **language.symbols}
        self._names = {
            symbol: name
            for symbol, name in symbols.items()
            if name in language.units and base not in _WORDS.get(symbol, ())
        }
        counted = {s: n for s, n in _COUNTED_PER.items() if n in language.units}
        self._counted = {**counted, **self._names}
        self._per = {sign: language.per[name] for sign, name in PER.items() if name in language.per}
        joined = {
            symbol: (self._names[unit], self._per[per])
            for symbol, (unit, per) in _JOINED.items()
            if unit in self._names and per in self._per
        }
        self._joined = joined
        self._minus = language.words.get("minus")
        self._symbols = Symbols((*self._counted, *joined), unspaced=language.unspaced)
        self._counters = Symbols(self._per, unspaced=language.unspaced)
        self._degrees = {
            scale: " ".join(_without_number(language.units[name]).split())
            for scale, name in (("C", "celsius"), ("F", "fahrenheit"))
            if name in language.units
        }
        self._per_word = word = language.words.get("per", "").removesuffix(" {}")
        counters = [sign for sign in self._per if len(sign) > 1 and "{}" not in self._per[sign]]
        self._per_unit = (
            re.compile(
                rf"(?<!\w){re.escape(word)}[ \u00a0]"
                rf"(?P<symbol>{'|'.join(map(re.escape, counters))})(?![\w²³/])"
            )
            if word.isalpha() and counters
            else None
        )

    def at(self, text: str, start: int) -> Unit | None:
        """Find the unit that stands at `start` of `text`, behind a blank or none."""
        if text[start : start + 1] in BLANKS:
            start += 1
        for symbol, end in self._symbols.at(text, start):
            if symbol in self._joined:
                return Unit(*self._joined[symbol], end)
            if text[end : end + 1] == "/" and (
                counter := next(self._counters.at(text, end + 1), None)
            ):
                return Unit(self._counted[symbol], self._per[counter[0]], counter[1])
            if symbol == self._minus and text[end + 1 : end + 2].isdigit():
                continue  # 5 min 3, in Dutch
            if symbol in self._names:
                return Unit(self._names[symbol], "", end)
        return None

    def alone(self, text: str) -> str:
        """Return `text` with the units in words that stand without a number: in °C, per kWh."""
        if self._degrees and "°" in text:
            text = _DEGREES.sub(self._degree, text)
        if self._per_unit is None or self._per_word not in text:
            return text
        return self._per_unit.sub(self._counter, text)

    def _degree(self, found: re.Match[str]) -> str:
        return self._degrees.get(found["scale"], found[0])

    def _counter(self, found: re.Match[str]) -> str:
        symbol = found["symbol"]
        return self._per[symbol]

    def counter(self, text: str, start: int) -> tuple[str, int] | None:
        """Find what something is counted by: words for "/kWh" at `start`, and where it ends."""
        if text[start : start + 1] != "/":
            return None
        found = next(self._counters.at(text, start + 1), None)
        return (self._per[found[0]], found[1]) if found else None


class Symbols:
    """Signs and abbreviations, found at a place of a text where no word goes on behind them.

    A table by first character: a regular expression of as many alternatives takes a tenth of a
    second to compile.
    """

    def __init__(self, symbols: Iterable[str], *, unspaced: bool) -> None:
        self._unspaced = unspaced
        self._by_first: dict[str, list[str]] = {}
        for symbol in sorted(symbols, key=len, reverse=True):
            self._by_first.setdefault(symbol[0], []).append(symbol)

    def at(self, text: str, start: int) -> Iterator[tuple[str, int]]:
        """Yield the symbols that stand at `start`, the longest first, with where each ends."""
        for symbol in self._by_first.get(text[start : start + 1], ()):
            end = start + len(symbol)
            if text.startswith(symbol, start) and self._ends(symbol[-1], text[end : end + 1]):
                yield symbol, end

    def _ends(self, last: str, after: str) -> bool:
        if not after:
            return True
        if not last.isalnum() or last in "²³":
            return not (after.isalpha() and after.isascii())
        if after in "²³":
            return False
        return not after.isalnum() or is_unspaced(after) or (self._unspaced and not after.isascii())


def _without_number(forms: Forms) -> str:
    """Return the name of a unit for no certain number."""
    form = forms if isinstance(forms, str) else forms.get("many", forms.get("other", ""))
    return form.replace("{}", " ")


@cache
def units(language: Language) -> Units:
    """Return the units of `language`."""
    return Units(language)
