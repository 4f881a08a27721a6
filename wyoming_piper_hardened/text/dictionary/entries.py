"""A user's words and what is said for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

ANY_LANGUAGE = "*"
FIRST = ""
"""In place of a language: entries that win over those of every language."""

_SCRIPTS = r"\u2e80-\u9fff\uf900-\ufaff\u0e00-\u0e7f"
_TOKEN = re.compile(rf"[^\W_{_SCRIPTS}]+|\S")
_UNSPACED = re.compile(f"[{_SCRIPTS}]")


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and the words for it. A key in small letters stands for any case of it."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class _Table:
    """The entries of one language, looked up by what they begin with."""

    lengths: Mapping[str, tuple[int, ...]]
    """Lengths in characters of the keys that begin with a token, the longest first."""
    exact: Mapping[str, str]
    upper: Mapping[str, str]
    lower: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Entries by language: `FIRST` win over a region's, those over its language's and ``*``.

    Replacing is linear in the text: keys are looked up, not searched for.
    """

    entries: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    _tables: dict[str, _Table] = field(default_factory=dict, compare=False, repr=False)

    def __bool__(self) -> bool:
        return any(self.entries.values())

    def with_first(self, entries: Iterable[Entry]) -> Dictionary:
        """Return a dictionary in which these entries win over those of every language."""
        found = {**self.entries, FIRST: tuple(entries)}
        tables = {code: table for code, table in self._tables.items() if code != FIRST}
        return Dictionary(found, tables)

    def replace(self, text: str, language: str) -> str:
        """Return `text` with what is said for the words of it that have an entry."""
        codes = dict.fromkeys((FIRST, language, language.partition("-")[0], ANY_LANGUAGE))
        tables = [self._table(code) for code in codes if code in self.entries]
        if not tables:
            return text
        found: list[str] = []
        done = 0
        while match := _TOKEN.search(text, done):
            at = match.start()
            value, end = _longest(text, at, match, tables)
            found.append(text[done:at])
            found.append(match[0] if value is None else value)
            done = match.end() if value is None else end
        return "".join(found) + text[done:]

    def _table(self, code: str) -> _Table:
        if code not in self._tables:
            self._tables[code] = _indexed(self.entries[code])
        return self._tables[code]


def _indexed(entries: Iterable[Entry]) -> _Table:
    lengths: dict[str, set[int]] = {}
    exact: dict[str, str] = {}
    upper: dict[str, str] = {}
    lower: dict[str, str] = {}
    for entry in entries:
        key = " ".join(entry.key.split())
        first = _TOKEN.match(key)
        if first is None:
            continue
        start = key[0] if _UNSPACED.match(key) else first[0]
        lengths.setdefault(start.lower(), set()).add(len(key))
        if key == key.lower():
            lower[key] = entry.value
        else:
            exact[key] = entry.value
            upper[key.upper()] = entry.value
    return _Table(
        {first: tuple(sorted(found, reverse=True)) for first, found in lengths.items()},
        exact,
        upper,
        lower,
    )


def _longest(
    text: str, at: int, token: re.Match[str], tables: list[_Table]
) -> tuple[str | None, int]:
    best: tuple[str | None, int] = None, 0
    for table in tables:
        for first in dict.fromkeys((token[0].lower(), text[at].lower())):
            for length in table.lengths.get(first, ()):
                end = at + length
                if end <= best[1] or end > len(text):
                    continue
                word = text[at:end].replace("\u00a0", " ")
                value = table.exact.get(word)
                if value is None:
                    value = table.upper.get(word)
                if value is None:
                    value = table.lower.get(word.lower())
                if value is not None and _bordered(text, at, end):
                    best = value, end
                    break
    return best


def _bordered(text: str, start: int, end: int) -> bool:
    """Return whether text[start:end] is whole words; in scripts without blanks it always is."""
    return _border(text[start - 1 : start] if start else "", text[start]) and _border(
        text[end - 1], text[end : end + 1]
    )


def _border(before: str, after: str) -> bool:
    if not (before and after):
        return True
    if _UNSPACED.match(before) or _UNSPACED.match(after):
        return True
    return not ((before.isalnum() or before == "_") and (after.isalnum() or after == "_"))
