"""Abbreviations become words, and their full stops no longer end a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from .language import Language

_KNOWN = 64
_LAST = 8
"""Characters that show whether a word of at most six letters ends a text."""
_DOTTED = re.compile(r"[.º](?<=[^\W\d_].)(?!$)")
_DOTTED_LAST = re.compile(r"\b[^\W\d_]{1,6}\.$")
_DOTTED_WORD = re.compile(r"\w+\.")
_LETTER = r"[^\W\d_a-zß-öø-ÿа-я]"
_SINGLE = re.compile(rf"\.(?<={_LETTER}\.)")
_INITIALS = re.compile(
    rf"(?<![\w.])(?:(?:{_LETTER}\.[ \u00a0]?){{2,6}}(?=[^\W\d_]|[\s,;:!?)\"'”’»]|$)"
    rf"|(?:{_LETTER}\.){{1,5}}{_LETTER}(?=[\s,;:!?)]|$))"
)
_INITIAL = re.compile(rf"(?<![\w.])({_LETTER})\. (?=([^\W\d_]+))")


class Abbreviations:
    """The abbreviations of one language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._tables = {
            "plain": _with_capitals(language.abbreviations),
            "number": _with_capitals(language.before_number),
            "name": _with_capitals(language.before_name),
        }
        parts = [
            rf"(?P<number>{_joined(self._tables['number'])})(?=\s?\d)",
            rf"(?P<name>{_joined(self._tables['name'])})(?=\s[^\W\d_a-zß-öø-ÿа-я])",
            rf"(?P<plain>{_joined(self._tables['plain'])})(?!\w|\.\w)",
        ]
        self._pattern = re.compile(rf"(?<![\w.])(?:{'|'.join(parts)})")
        keys = [key for table in self._tables.values() for key in table]
        self._undotted = tuple(key for key in keys if not _DOTTED_WORD.search(key))
        self._dotted_words = frozenset(
            found[0] for key in keys if (found := _DOTTED_WORD.search(key))
        )
        self._written = frozenset(
            (*language.abbreviations, *language.before_number, *language.before_name)
        )
        self._all = self._written
        longest = max((len(key) for key in self._all), default=0)
        self._tail = re.compile(
            rf"(?<![\w.])(?:{_joined(self._all)})$|^(?:{_joined(keys)})$" if longest else r"(?!)"
        )
        self._suffix = re.compile(
            rf"(?<=[a-zß-ÿ]{{2}})(?P<suffix>{_joined(language.suffixes)})(?!\w|\.)"
        )
        self._longest = longest
        self._suffixes = tuple(language.suffixes)
        self._parts: dict[str, list[str]] = {}
        for key in (key for table in self._tables.values() for key in table):
            for match in re.finditer(r"\. ", key):
                begun, rest = key[: match.end()], key[match.end() :]
                self._parts.setdefault(begun.replace(" ", ""), []).append(rest.replace(" ", ""))
        self._starters_first = frozenset(word[0] for word in language.starters)

    def replace(self, text: str) -> str:
        """Return a segment with its abbreviations in words, the last full stop kept."""
        if not self._may_have_any(text):
            return text
        if self._has_known(text):
            text = self._pattern.sub(self._words, text)
        if self._language.suffixes:
            text = self._suffix.sub(self._suffix_word, text)
        if not _SINGLE.search(text) or not _has_dotted(text):
            return text
        text = _INITIALS.sub(_initials, text)
        return _INITIAL.sub(self._initial, text) if ". " in text else text

    def _may_have_any(self, text: str) -> bool:
        """Return false for most texts that have none, without a look at every word."""
        if self._has_undotted(text):
            return True
        dot = text.find(".")
        if "º" not in text and dot in {-1, len(text) - 1}:
            last = _DOTTED_WORD.findall(text, max(0, dot - self._longest))
            return not self._dotted_words.isdisjoint(last) or text.endswith(self._suffixes)
        return _has_dotted(text)

    def _has_known(self, text: str) -> bool:
        """Return false if no abbreviation of the tables stands in `text`."""
        return self._has_undotted(text) or not self._dotted_words.isdisjoint(
            _DOTTED_WORD.findall(text)
        )

    def _has_undotted(self, text: str) -> bool:
        return any(map(text.__contains__, self._undotted))

    def may_continue(self, sentence: str) -> bool:
        """Return whether `sentence` ends in an abbreviation, or in the first part of one."""
        tail = sentence[-self._longest - 1 :] if self._longest else ""
        return self._tail.search(tail) is not None or bool(self._begun(tail))

    def _begun(self, tail: str) -> list[str]:
        """Return the missing ends of the abbreviations that `tail` may be the begin of."""
        words = tail.split()
        return [
            rest
            for count in range(1, min(3, len(words)) + 1)
            for rest in self._parts.get("".join(words[-count:]), ())
        ]

    def continues(self, sentence: str, following: str) -> bool:
        """Return whether the last full stop ends an abbreviation before `following`."""
        tail = sentence[-self._longest - 1 :] if self._longest else ""
        joined = "".join(following.split())
        if any(joined.startswith(rest) for rest in self._begun(tail)):
            return True
        match = self._tail.search(tail)
        if match is None:
            return False
        key = match[0].replace("\u00a0", " ")
        if key in self._language.final:
            if key not in self._tables["name"] or self._starts(following):
                return False
        elif key in self._tables["plain"]:
            return following[:1] not in self._starters_first or not self._starts(following)
        if key in self._tables["number"] and following[:1].isdigit():
            return True
        before = tail[: match.start()].rstrip()[-1:]
        return key in self._tables["name"] and not (following[:1].isdigit() or before.isdigit())

    def _starts(self, following: str) -> bool:
        word = re.match(r"\w+", following)
        return word is not None and word[0] in self._language.starters

    def _words(self, found: re.Match[str]) -> str:
        kind = found.lastgroup or "plain"
        key = found[0].replace("\u00a0", " ")
        after = found.string[found.end() :].lstrip()
        written = key in self._written
        if key.endswith(".") and not after.strip("\"'”’»)]"):
            lasts = key in self._language.final or "." in key[:-1]
            return f"{self._tables[kind][key]}." if lasts else found[0]
        if key in self._language.final and kind == "name" and self._starts(after):
            return found[0]
        if not written and found.start() and after[:1].isupper():
            return found[0]  # Max. at the begin of a sentence is short for something, a name else
        return self._tables[kind][key]

    def _suffix_word(self, found: re.Match[str]) -> str:
        ends = not found.string[found.end() :].strip("\"'”’») ")
        return self._language.suffixes[found["suffix"]] + ("." if ends else "")

    def _initial(self, found: re.Match[str]) -> str:
        """Drop the full stop behind an initial that stands in a name."""
        before = found.string[: found.start()].rstrip()
        word = re.search(r"[\w.]+$", before[-40:])
        begins = word is None or word[0][:1].isupper()
        return (
            f"{found[1]} "
            if begins and found[2] not in self._language.starters and found[2][0].isupper()
            else found[0]
        )


def _has_dotted(text: str) -> bool:
    """Return whether a full stop stands behind a letter, or behind a short word at the end."""
    if _DOTTED.search(text):
        return True
    return text.endswith(".") and _DOTTED_LAST.search(text[-_LAST:]) is not None


def _initials(found: re.Match[str]) -> str:
    """Return initials as letters apart, with the full stop that ends the segment."""
    after = found.string[found.end() :]
    letters = " ".join(char for char in found[0] if char.isalpha())
    if not after.strip("\"'”’») "):
        return f"{letters}."
    return f"{letters} " if after[0].isalnum() else letters


def _with_capitals(table: Mapping[str, str]) -> dict[str, str]:
    """Return `table` with each abbreviation as it begins a sentence, too."""
    capitals = {
        key[0].upper() + key[1:]: words[0].upper() + words[1:] for key, words in table.items()
    }
    return {**capitals, **table}


def _joined(table: Iterable[str]) -> str:
    keys = sorted(table, key=len, reverse=True)
    return "|".join(re.escape(key).replace("\\ ", "[ \u00a0]") for key in keys) or "(?!)"


@lru_cache(maxsize=_KNOWN)
def abbreviations(language: Language) -> Abbreviations:
    """Return the abbreviations of a language."""
    return Abbreviations(language)
