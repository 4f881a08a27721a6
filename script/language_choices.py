"""Choices of the language tables that CLDR does not make: see script/update-languages."""

from __future__ import annotations

import re

LANGUAGES = [
    *("ar", "bg", "bn", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi"),
    *("fr", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "kk", "ko", "ku", "lb"),
    *("lt", "lv", "mk", "ml", "mr", "ms", "nb", "ne", "nl", "pl", "pt", "pt-PT", "ro", "ru", "sk"),
    *("sl", "sq", "sr", "sv", "sw", "ta", "te", "th", "tr", "uk", "ur", "vi", "zh"),
]


UNITS = {
    "celsius": "temperature-celsius",
    "fahrenheit": "temperature-fahrenheit",
    "degree": "angle-degree",
    "percent": "concentr-percent",
    "permille": "concentr-permille",
    "ppm": "concentr-part-per-1e6",
    "ppb": "concentr-part-per-1e9",
    "kilometer-hour": "speed-kilometer-per-hour",
    "meter-second": "speed-meter-per-second",
    "mile-hour": "speed-mile-per-hour",
    "kilowatt-hour": "energy-kilowatt-hour",
    "kilocalorie": "energy-kilocalorie",
    "kilojoule": "energy-kilojoule",
    "milliwatt": "power-milliwatt",
    "watt": "power-watt",
    "kilowatt": "power-kilowatt",
    "megawatt": "power-megawatt",
    "gigawatt": "power-gigawatt",
    "volt": "electric-volt",
    "ampere": "electric-ampere",
    "milliampere": "electric-milliampere",
    "ohm": "electric-ohm",
    "hertz": "frequency-hertz",
    "kilohertz": "frequency-kilohertz",
    "megahertz": "frequency-megahertz",
    "gigahertz": "frequency-gigahertz",
    "pascal": "pressure-pascal",
    "hectopascal": "pressure-hectopascal",
    "kilopascal": "pressure-kilopascal",
    "megapascal": "pressure-megapascal",
    "millibar": "pressure-millibar",
    "bar": "pressure-bar",
    "psi": "pressure-pound-force-per-square-inch",
    "nanometer": "length-nanometer",
    "micrometer": "length-micrometer",
    "millimeter": "length-millimeter",
    "centimeter": "length-centimeter",
    "decimeter": "length-decimeter",
    "meter": "length-meter",
    "kilometer": "length-kilometer",
    "mile": "length-mile",
    "foot": "length-foot",
    "yard": "length-yard",
    "square-centimeter": "area-square-centimeter",
    "square-meter": "area-square-meter",
    "square-kilometer": "area-square-kilometer",
    "square-foot": "area-square-foot",
    "hectare": "area-hectare",
    "cubic-centimeter": "volume-cubic-centimeter",
    "cubic-meter": "volume-cubic-meter",
    "milliliter": "volume-milliliter",
    "centiliter": "volume-centiliter",
    "deciliter": "volume-deciliter",
    "liter": "volume-liter",
    "hectoliter": "volume-hectoliter",
    "gallon": "volume-gallon",
    "microgram": "mass-microgram",
    "milligram": "mass-milligram",
    "gram": "mass-gram",
    "kilogram": "mass-kilogram",
    "tonne": "mass-tonne",
    "pound": "mass-pound",
    "ounce": "mass-ounce",
    "byte": "digital-byte",
    "kilobyte": "digital-kilobyte",
    "megabyte": "digital-megabyte",
    "gigabyte": "digital-gigabyte",
    "terabyte": "digital-terabyte",
    "kilobit": "digital-kilobit",
    "megabit": "digital-megabit",
    "gigabit": "digital-gigabit",
    "microsecond": "duration-microsecond",
    "millisecond": "duration-millisecond",
    "second": "duration-second",
    "minute": "duration-minute",
    "hour": "duration-hour",
    "day": "duration-day",
    "lux": "light-lux",
    "lumen": "light-lumen",
    "candela": "light-candela",
}
PER = ("hour", "minute", "second", "day", "square-meter", "cubic-meter", "liter", "kilogram")
COMMON = ("EUR", "USD", "GBP", "JPY", "CNY", "INR", "CHF", "KRW", "RUB", "UAH", "TRY", "PLN")
OWN = {
    "bg": "BGN",
    "cs": "CZK",
    "da": "DKK",
    "fa": "IRR",
    "he": "ILS",
    "hu": "HUF",
    "hy": "AMD",
    "id": "IDR",
    "is": "ISK",
    "ka": "GEL",
    "kk": "KZT",
    "nb": "NOK",
    "ne": "NPR",
    "pt": "BRL",
    "ro": "RON",
    "sq": "ALL",
    "sr": "RSD",
    "sv": "SEK",
    "sw": "KES",
    "th": "THB",
    "ur": "PKR",
    "vi": "VND",
    "bn": "BDT",
}
GENDERS = {
    "masculine": "m",
    "inanimate": "m",
    "animate": "m",
    "personal": "m",
    "feminine": "f",
    "neuter": "n",
    "common": "c",
}
FORMS = {
    "m": "spellout-cardinal-masculine",
    "f": "spellout-cardinal-feminine",
    "n": "spellout-cardinal-neuter",
}
COMMON_GENDER = {"da": "spellout-cardinal-common", "sv": "spellout-cardinal-reale"}
# espeak reads their digits in English.
SPELLED = ("ne",)
# Spelled without vowels: espeak reads the digits better than the words.
DIGITS_ONLY = ("ar", "he", "fa")
ORDINALS = {
    "de": {
        "nominative": "spellout-ordinal-r",
        "dative": "spellout-ordinal-n",
        "weak": "spellout-ordinal",
    },
    "fr": {"m": "spellout-ordinal-masculine", "f": "spellout-ordinal-feminine"},
    "es": {
        "m": "spellout-ordinal-masculine-adjective",
        "f": "spellout-ordinal-feminine",
        "alone": "spellout-ordinal-masculine",
    },
    "it": {"m": "spellout-ordinal-masculine", "f": "spellout-ordinal-feminine"},
    "pt": {"m": "spellout-ordinal-masculine", "f": "spellout-ordinal-feminine"},
    "nl": {"m": "spellout-ordinal"},
    "sv": {"m": "spellout-ordinal-reale"},
    "da": {"m": "spellout-ordinal-common"},
    "nb": {"m": "spellout-ordinal-masculine"},
    "ru": {
        "m": "spellout-ordinal-masculine",
        "f": "spellout-ordinal-feminine",
        "n": "spellout-ordinal-neuter",
        "genitive": "spellout-ordinal-neuter-genitive",
        "locative": "spellout-ordinal-masculine-locative",
    },
}
SYMBOLIC = re.compile(
    r"[°%٪‰²³/·⋅Ω]|\d|\b[kmMGTcdhµμ]?(?:W|V|A|J|Hz|B|Pa|cal|[Ww]h|bit)\b|\bpp[mb]\b|\bpsi\b"
)
LATIN = re.compile(r"[A-Za-z]")
LONGEST_SYMBOL = 7
CATEGORIES = ("zero", "one", "two", "few", "many", "other")
