"""Abbreviations become words, and their full stops no longer end a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from .language import Language

_KNOWN = 64
_INITIALS = re.compile(r"(?<![\w.])(?:[^\W\d_a-zß-öø-ÿа-я]\.[ \u00a0]?){2,6}(?=[^\W\d_])")
_INITIAL = re.compile(r"(?<![\w.])([^\W\d_a-zß-öø-ÿа-я])\. (?=([^\W\d_]+))")


class Abbreviations:
    """The abbreviations of one language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._tables = {
            "plain": language.abbreviations,
            "number": language.before_number,
            "name": language.before_name,
        }
        parts = [
            rf"(?P<number>{_joined(language.before_number)})(?=\s?\d)",
            rf"(?P<name>{_joined(language.before_name)})(?=\s[^\W\d_a-zß-öø-ÿа-я])",
            rf"(?P<plain>{_joined(language.abbreviations)})(?!\w|\.\w)",
        ]
        self._pattern = re.compile(rf"(?<![\w.])(?:{'|'.join(parts)})")
        self._firsts = frozenset(key[-1] for table in self._tables.values() for key in table)
        self._all = frozenset(
            key for table in self._tables.values() for key in table if key not in language.final
        )
        longest = max((len(key) for key in self._all), default=0)
        self._tail = re.compile(rf"(?<![\w.])(?:{_joined(self._all)})$" if longest else r"(?!)")
        self._longest = longest
        self._parts = {
            key[: match.end()].replace(" ", ""): key[match.end() :].strip().replace(" ", "")
            for table in self._tables.values()
            for key in table
            for match in re.finditer(r"\. ", key)
        }

    def replace(self, text: str) -> str:
        """Return a segment with its abbreviations in words, the last full stop kept."""
        if "." not in text and not self._firsts - {"."}:
            return text
        text = self._pattern.sub(self._words, text)
        if ". " not in text and "." not in text[:-1]:
            return text
        text = _INITIALS.sub(lambda found: found[0].replace(".", "").rstrip() + " ", text)
        return _INITIAL.sub(self._initial, text) if ". " in text else text

    def continues(self, sentence: str, following: str) -> bool:
        """Whether a full stop at the end of `sentence` ends an abbreviation before `following`."""
        tail = sentence[-self._longest - 1 :] if self._longest else ""
        words = sentence[-self._longest - 1 :].split()
        for count in range(1, min(3, len(words)) + 1):
            rest = self._parts.get("".join(words[-count:]))
            if rest and following.replace(" ", "").startswith(rest):
                return True
        if match := self._tail.search(tail):
            key = match[0]
            if key in self._language.abbreviations:
                return following[:1] not in self._starters_first or not self._starts(following)
            if key in self._language.before_number:
                return following[:1].isdigit()
            return not following[:1].isdigit()
        return False

    @property
    def _starters_first(self) -> frozenset[str]:
        return frozenset(word[0] for word in self._language.starters)

    def _starts(self, following: str) -> bool:
        word = re.match(r"\w+", following)
        return word is not None and word[0] in self._language.starters

    def _words(self, found: re.Match[str]) -> str:
        kind = found.lastgroup or "plain"
        words = self._tables[kind][found[0]]
        ends = found[0].endswith(".") and not found.string[found.end() :].strip(" \"'”’»)]")
        return f"{words}." if ends else words

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


def _joined(table: Iterable[str]) -> str:
    keys = sorted(table, key=len, reverse=True)
    return "|".join(re.escape(key).replace("\\ ", "[ \u00a0]") for key in keys) or "(?!)"


@lru_cache(maxsize=_KNOWN)
def abbreviations(language: Language) -> Abbreviations:
    """Return the abbreviations of a language."""
    return Abbreviations(language)
