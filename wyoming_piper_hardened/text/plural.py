"""Plural categories: CLDR's conditions as data, and which one a number falls in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Relation = Sequence[Any]
"""``[operand, modulus or 0, negated, [[low, high], …]]``."""


class PluralRule:
    """The plural rule of one language.

    Args:
        categories: category to alternatives of relations that must all hold, as generated.
    """

    __slots__ = ("_categories",)

    def __init__(
        self, categories: Mapping[str, Sequence[Sequence[Relation]]] | None = None
    ) -> None:
        self._categories = categories or {}

    def category(self, whole: str, fraction: str = "") -> str:
        """Return the category of a number, given as digits before and behind the decimal sign."""
        operands = _operands(whole, fraction)
        for category, alternatives in self._categories.items():
            if any(all(_holds(r, operands) for r in relations) for relations in alternatives):
                return category
        return "other"


def _operands(whole: str, fraction: str) -> dict[str, float]:
    significant = fraction.rstrip("0")
    integer = int(whole[-9:] or "0")  # every modulus divides 10^9
    return {
        "n": integer + (int(significant) / 10 ** len(significant) if significant else 0),
        "i": integer,
        "v": len(fraction),
        "w": len(significant),
        "f": int(fraction or "0"),
        "t": int(significant or "0"),
    }


def _holds(relation: Relation, operands: Mapping[str, float]) -> bool:
    operand, modulus, negated, ranges = relation
    value = operands.get(operand, 0)
    if modulus:
        value %= modulus
    found = any(low <= value <= high and value == int(value) for low, high in ranges)
    return found is not negated
