"""Facts of a language: names of units, words for signs, forms of numbers, abbreviations.

`languages/XX.json` is generated from CLDR by ``script/update-languages``. `languages/XX.toml` holds
by hand what CLDR lacks, and wins; `languages/XX-YY.toml` holds what a region does differently.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from .plural import PluralRule

_FOLDER = Path(__file__).parent / "languages"
_OTHER_CODES = {"no": "nb", "nn": "nb", "cmn": "zh", "yue": "zh", "iw": "he", "in": "id"}
_KNOWN = 64

Forms = str | Mapping[str, str]
"""One form for every number, or a form for each plural category."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Language:
    """One language's table. What is empty switches the stage that needs it off."""

    code: str
    decimal: str = "."
    group: str = ","
    speaks_decimal: bool = True
    """Whether espeak reads its decimal sign."""
    plural: PluralRule = field(default_factory=PluralRule)
    numerals: tuple[str, ...] = ()
    """Words for 0 to 99, of a language whose digits espeak cannot read."""
    decimals: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Names of the whole and of tenths, hundredths, … (by their digits) in a decimal number."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Words for signs: minus, plus, point, dot, at, range, equals, times, …"""
    units: Mapping[str, Forms] = field(default_factory=dict)
    symbols: Mapping[str, str] = field(default_factory=dict)
    """Abbreviations of units in the language's own script."""
    per: Mapping[str, str] = field(default_factory=dict)
    """Words behind a unit, such as "per hour", by the unit's name."""
    genders: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Numbers from 1 to 99 in words, by gender, where the gender changes them."""
    currencies: Mapping[str, Forms] = field(default_factory=dict)
    fractions_of: Mapping[str, Forms] = field(default_factory=dict)
    """Names of the hundredth of a currency."""
    signs: Mapping[str, str] = field(default_factory=dict)
    """Signs of money that mean another currency here than elsewhere."""
    scales: tuple[str, ...] = ()
    """Words that multiply an amount: million, billion."""
    scale_names: Mapping[str, Forms] = field(default_factory=dict)
    """Words for those that are abbreviations, or have a plural."""
    months: tuple[str, ...] = ()
    ordinals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    order: str = "dmy"
    date: str = ""
    """Pattern of a spoken date; empty if dates are left alone."""
    clock: Mapping[str, Any] = field(default_factory=dict)
    ordinal: Mapping[str, Any] = field(default_factory=dict)
    dates: Mapping[str, Any] = field(default_factory=dict)
    vulgar: Mapping[str, str] = field(default_factory=dict)
    """Words of common fractions, by "1/2"; "and 1/2" is its form behind a whole number."""
    abbreviations: Mapping[str, str] = field(default_factory=dict)
    suffixes: Mapping[str, str] = field(default_factory=dict)
    """Abbreviated ends of words, such as "str." in German."""
    before_number: Mapping[str, str] = field(default_factory=dict)
    before_name: Mapping[str, str] = field(default_factory=dict)
    final: frozenset[str] = frozenset()
    """Abbreviations that may end a sentence."""
    starters: frozenset[str] = frozenset()
    """Words that begin a sentence and no name."""
    roman: tuple[str, ...] = ()
    """Words that a Roman numeral stands behind."""
    score: str = ""
    """Words that a score stands near, as alternatives of a regular expression."""
    unspaced: bool = False
    """Whether words have no blanks between them."""


def normalise(code: str) -> str:
    """Return a language code as the tables have it: ``de_DE`` is de-DE, ``cmn`` is zh."""
    base, _, region = code.replace("_", "-").partition("-")
    base = base.lower()
    base = _OTHER_CODES.get(base, base)
    region = region.partition("-")[0]
    return f"{base}-{region.upper()}" if region else base


@lru_cache(maxsize=_KNOWN)
def load(code: str) -> Language:
    """Return the table of a language; an empty one if there is none.

    Reads package data on its first call for a code: call it ahead of time where the caller must
    not wait for a disk.
    """
    code = normalise(code)
    base = code.partition("-")[0]
    regional = _FOLDER / f"{code}.json"
    data: dict[str, Any] = dict(_json(regional if regional.exists() else _FOLDER / f"{base}.json"))
    for name in dict.fromkeys((base, code)):
        data = _merged(data, _toml(_FOLDER / f"{name}.toml"))
    known = {key: value for key, value in data.items() if key in Language.__dataclass_fields__}
    known["plural"] = PluralRule(data.get("plural", {}))
    for key in ("numerals", "scales", "months", "roman"):
        known[key] = tuple(data.get(key, ()))
    for key in ("final", "starters"):
        known[key] = frozenset(data.get(key, ()))
    return Language(**{**known, "code": code})


def _merged(base: dict[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in other.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = {**old, **value} if both else value  # type: ignore[dict-item]
    return merged


@cache
def _json(path: Path) -> Mapping[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return data


@cache
def _toml(path: Path) -> Mapping[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
