"""Signs and abbreviations of units."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from ..language import Language

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
_PER = {
    "h": "hour", "ч": "hour", "min": "minute", "мин": "minute", "s": "second", "с": "second",
    "d": "day", "m²": "square-meter", "m2": "square-meter", "m³": "cubic-meter",
    "м³": "cubic-meter", "m3": "cubic-meter", "l": "liter", "L": "liter",
    "kg": "kilogram", "кг": "kilogram", "kWh": "kilowatt-hour", "km": "kilometer",
}  # fmt: skip
_JOINED = {"Mbps": ("Mbit", "s"), "kbps": ("kbit", "s"), "Gbps": ("Gbit", "s")}


class Units:
    """The units of a language, by the sign that stands behind a number."""

    def __init__(self, language: Language) -> None:
        base = language.code.partition("-")[0]
        symbols = {**_SYMBOLS, **(_ENGLISH if base == "en" else {}), **language.symbols}
        names = {
            symbol: name
            for symbol, name in symbols.items()
            if name in language.units and base not in _WORDS.get(symbol, ())
        }
        counted = {**names, **{s: n for s, n in _COUNTED_PER.items() if n in language.units}}
        self._simple = names
        self._compound = {
            f"{symbol}/{per}": (counted[symbol], language.per[name])
            for symbol in counted
            for per, name in _PER.items()
            if name in language.per and f"{symbol}/{per}" not in names
        }
        for symbol, (unit, per) in _JOINED.items():
            if unit in names and _PER[per] in language.per:
                self._compound[symbol] = (names[unit], language.per[_PER[per]])
        self.pattern = alternatives({**names, **self._compound}, unspaced=language.unspaced)

    def find(self, symbol: str) -> tuple[str, str]:
        """Return the unit's name and what it is counted by, empty if nothing."""
        if symbol in self._compound:
            return self._compound[symbol]
        return self._simple[symbol], ""


@cache
def units(language: Language) -> Units:
    """Return the units of `language`."""
    return Units(language)


def alternatives(symbols: Iterable[str], *, unspaced: bool) -> str:
    """Return a regular expression for any of `symbols`, the longest first, at a word's end."""
    after = r"(?![A-Za-z\d²³])" if unspaced else r"(?![^\W_]|[²³])"
    symbols = list(symbols)
    letters = [s for s in symbols if s[-1].isalnum()]
    signs = [s for s in symbols if not s[-1].isalnum()]

    def joined(found: list[str]) -> str:
        return "|".join(
            re.escape(s).replace("\\ ", "[ \u00a0\u202f]")
            for s in sorted(found, key=len, reverse=True)
        )

    parts = [f"(?:{joined(letters)}){after}"] if letters else []
    if signs:
        parts.insert(0, rf"(?:{joined(signs)})(?![A-Za-z])")
    return "(?:" + "|".join(parts) + ")" if parts else r"(?!)"
