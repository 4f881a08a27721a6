"""Changes of one entry in the text of a dictionary's YAML; comments and order stay. No I/O.

People write the same entry in many ways. So the result is read again: it differs from what was
there by the wanted entry alone, or the change is refused.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import yaml

from ..language import normalise
from .entries import ANY_LANGUAGE, Dictionary, Entry
from .parsing import (
    LOADER,
    MAX_BYTES,
    MAX_ENTRIES,
    UNUSABLE,
    ParsedDictionary,
    parse,
    too_deep,
)

_WORDS = 2
"""Depth of the words: below the languages."""

_Words = dict[str, dict[str, str]]


class EditError(Exception):
    """The file cannot be changed without changing more than the entry; says why."""


@dataclass(frozen=True, slots=True)
class _Place:
    """An entry's place in the text, in characters."""

    language: str
    key: str
    start: int
    value: int
    end: int
    indent: int


def with_entry(text: str, language: str, entry: Entry) -> str:
    """Return the text of a file with an entry, new or in place of the one for the same word.

    Raises:
        EditError: that cannot be done here without changing anything else.
    """
    old = _usable(text)
    wanted = _words(old.dictionary)
    wanted.setdefault(language, {})[entry.key] = entry.value
    if sum(map(len, wanted.values())) > MAX_ENTRIES:
        raise EditError(f"it has {MAX_ENTRIES} words already; remove one")
    return _first_right(_additions(text, language, entry), wanted, old)


def without_entry(text: str, language: str, key: str) -> str:
    """Return the text of a file without the entry for a word.

    Raises:
        EditError: that cannot be done here without changing anything else.
    """
    old = _usable(text)
    wanted = _words(old.dictionary)
    wanted.get(language, {}).pop(key, None)
    return _first_right(_removals(text, language, key), wanted, old)


def _additions(text: str, language: str, entry: Entry) -> Iterator[str]:
    mine = [one for one in _places(text) if one.language == language]
    value = _scalar(entry.value)
    for one in mine:
        if one.key == entry.key:
            written = text[one.value : one.end]
            before = "" if written else " "
            after = "\n" if written.endswith("\n") else ""
            yield f"{text[: one.value]}{before}{value}{after}{text[one.end :]}"
            return
    pair = f"{_scalar(entry.key)}: {value}"
    for one in mine[-1:]:
        yield _with_line(text, one.end, " " * one.indent + pair)
        yield f"{text[: one.end]}, {pair}{text[one.end :]}"
    for head in re.finditer(rf"^(['\"]?){re.escape(language)}\1:[ \t]*(#.*)?$", text, re.MULTILINE):
        yield _with_line(text, head.end(), f"  {pair}")
    if not mine:
        yield _with_line(text, len(text), f"{_scalar(language)}:\n  {pair}")


def _with_line(text: str, end: int, line: str) -> str:
    """Return `text` with a line behind the one that ends at `end`, or contains it."""
    at = text.find("\n", max(0, end - 1)) + 1 or len(text)
    before = "" if not text[:at] or text[:at].endswith("\n") else "\n"
    return f"{text[:at]}{before}{line}\n{text[at:]}"


def _removals(text: str, language: str, key: str) -> Iterator[str]:
    mine = [one for one in _places(text) if (one.language, one.key) == (language, key)]
    lines, flow = text, text
    for one in reversed(mine):  # what counts, and what is said twice
        begin = lines.rfind("\n", 0, one.start) + 1
        _, _, tail = lines[one.end - 1 :].partition("\n")
        lines = lines[:begin] + tail
        rest = flow[one.end :].lstrip(" ")
        last = not rest.startswith(",")
        head = flow[: one.start]
        flow = (head.rstrip(" ").removesuffix(",") if last else head) + rest.removeprefix(",")
    yield lines
    yield flow


def _first_right(attempts: Iterable[str], wanted: _Words, old: ParsedDictionary) -> str:
    errors = Counter(error.code for error in old.errors)
    reason = "it is written in a way that only a person can change; change it by hand"
    for text in attempts:
        data = text.encode("utf-8")
        if len(data) > MAX_BYTES:
            reason = f"it would be larger than {MAX_BYTES >> 10} KB; shorten it"
            continue
        new = parse(data)
        same = _words(new.dictionary) == {code: found for code, found in wanted.items() if found}
        if same and Counter(error.code for error in new.errors) <= errors:
            return text
    raise EditError(reason)


def _usable(text: str) -> ParsedDictionary:
    parsed = parse(text.encode("utf-8"))
    for error in parsed.errors:
        if error.code in UNUSABLE or too_deep(text):
            raise EditError(f"line {error.line}: {error.message}")
    return parsed


def _words(dictionary: Dictionary) -> _Words:
    return {
        code: {entry.key: entry.value for entry in found}
        for code, found in dictionary.entries.items()
        if found
    }


def _places(text: str) -> Iterator[_Place]:
    """Yield the place of each word below a language, with one line of text beside it."""
    depth, language = 0, ""
    key: yaml.ScalarEvent | None = None
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.ScalarEvent) and key is None:
            key = event
            continue
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth == _WORDS and key is not None:
                name = str(key.value)
                language = name if name == ANY_LANGUAGE else normalise(name)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.ScalarEvent) and depth == _WORDS and key is not None:
            start, value, end = key.start_mark, event.start_mark, event.end_mark
            assert start
            assert value
            assert end
            word = " ".join(str(key.value).split())
            yield _Place(language, word, start.index, value.index, end.index, start.column)
        key = None


def _scalar(text: str) -> str:
    """Return a text as YAML, in quotes unless it is plain for every reader of YAML."""
    if text[:1].isalpha() and all(word.isalnum() for word in text.split(" ")):
        try:
            if yaml.safe_load(text) == text:  # "no" would be false for others
                return text
        except (yaml.YAMLError, ValueError):
            pass
    return json.dumps(text, ensure_ascii=False)
