"""A dictionary's file as entries, and what is wrong with it by line. YAML or PLS; no I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.parsers import expat

import yaml

from ..language import normalise
from ..phonemes import block
from .entries import ANY_LANGUAGE, Dictionary, Entry

MAX_BYTES = 512 * 1024
MAX_ENTRIES = 5000
MAX_KEY = 60
MAX_KEY_WORDS = 4
MAX_VALUE = 200
_MAX_ERRORS = 100
_LANGUAGE = re.compile(r"\*|[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})?")
_BRACKET = re.compile(r"[\[\]{}]")
_DEPTH = 200
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
UNUSABLE = frozenset({"not-yaml", "not-pls", "too-large", "unreadable"})
"""Codes of errors that leave nothing, or only a part, of the file to use."""


@dataclass(frozen=True, slots=True)
class DictionaryError:
    """An error in one line of a dictionary's file; line 0 is the file."""

    line: int
    code: str
    """``not-yaml``, ``not-pls``, ``too-large``, ``too-many-entries``, ``alias``, ``language``,
    ``key``, ``value``, ``shape``, ``duplicate``."""
    message: str


@dataclass(frozen=True, slots=True)
class ParsedDictionary:
    """Contents of a file: the entries that can be used, and an error for each that cannot."""

    dictionary: Dictionary
    errors: tuple[DictionaryError, ...] = ()


def parse(data: bytes) -> ParsedDictionary:
    """Read a dictionary: PLS if it begins with ``<``, else YAML. Never raises."""
    if len(data) > MAX_BYTES:
        kilobytes = MAX_BYTES // 1024
        error = DictionaryError(0, "too-large", f"it is larger than {kilobytes} KB; shorten it")
        return ParsedDictionary(Dictionary(), (error,))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        error = DictionaryError(line, "not-yaml", "it is not UTF-8; save it as UTF-8")
        return ParsedDictionary(Dictionary(), (error,))
    collector = _Collector()
    if text.lstrip().startswith("<"):
        _Pls(collector).read(text.lstrip("\ufeff").lstrip())
    else:
        _Yaml(collector).read(text)
    return collector.result()


def is_language(code: str) -> bool:
    """Return whether words can stand under `code`: a language, a region's, or ``*``."""
    return _LANGUAGE.fullmatch(code) is not None


def entry_error(key: str, value: str) -> tuple[str, str] | None:
    """Return code and message of what is wrong with an entry, if anything is."""
    if not 0 < len(key) <= MAX_KEY or not any(char.isalnum() for char in key):
        return "key", f"a word has a letter or digit and at most {MAX_KEY} characters"
    if len(key.split()) > MAX_KEY_WORDS:
        return "key", f"{key[:30]!r} has more than {MAX_KEY_WORDS} words"
    if len(value) > MAX_VALUE:
        return "value", f"what is said has more than {MAX_VALUE} characters"
    return None


class _Collector:
    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Entry]] = {}
        self._errors: list[DictionaryError] = []
        self._count = 0

    def error(self, line: int, code: str, message: str) -> None:
        if len(self._errors) < _MAX_ERRORS:
            self._errors.append(DictionaryError(line, code, message))

    def language(self, line: int, code: str) -> str | None:
        if is_language(code):
            return code if code == ANY_LANGUAGE else normalise(code)
        self.error(line, "language", f"{code[:20]!r} is no language; write de, de-AT or '*'")
        return None

    def add(self, line: int, language: str, key: str, value: str) -> None:
        key = " ".join(key.split())
        if (found := entry_error(key, value)) is not None:
            self.error(line, *found)
        elif key in self._entries.get(language, {}):
            self.error(line, "duplicate", f"{key[:30]!r} is there twice; the first one counts")
        elif self._count >= MAX_ENTRIES:
            self.error(line, "too-many-entries", f"there are more than {MAX_ENTRIES} entries")
        else:
            self._count += 1
            self._entries.setdefault(language, {})[key] = Entry(key, value)

    def result(self) -> ParsedDictionary:
        entries = {code: tuple(found.values()) for code, found in self._entries.items()}
        return ParsedDictionary(Dictionary(entries), tuple(self._errors))


class _Yaml:
    """Languages, each with words and what is said; event by event, so depth costs nothing."""

    def __init__(self, collector: _Collector) -> None:
        self._collector = collector
        self._depth = 0
        self._skipped = 0
        self._language: str | None = None
        self._name: str | None = None
        """The key that still wants its value."""
        self._named = 0

    def read(self, text: str) -> None:
        """Read a whole file into the collector."""
        if line := too_deep(text):
            self._collector.error(line, "shape", "brackets within brackets; write lines of text")
            return
        try:
            for event in yaml.parse(text, Loader=LOADER):
                self._take(event, event.start_mark.line + 1 if event.start_mark else 0)
        except yaml.MarkedYAMLError as err:
            line = err.problem_mark.line + 1 if err.problem_mark else 0
            problem = (err.problem or "it cannot be read").split("\n")[0]
            self._collector.error(line, "not-yaml", f"it is not YAML: {problem}")
        except (yaml.YAMLError, ValueError, RecursionError) as err:
            reason = getattr(err, "reason", "it cannot be read")
            self._collector.error(0, "not-yaml", f"it is not YAML: {reason}")

    def _take(self, event: yaml.Event, line: int) -> None:
        if isinstance(event, yaml.CollectionEndEvent):
            self._end()
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event, line)
        elif self._skipped:
            return
        elif isinstance(event, yaml.AliasEvent):
            message = "aliases (*name) are not allowed; write the text out"
            self._collector.error(line, "alias", message)
            self._name = "" if self._name is None else None
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(str(event.value), line)

    def _begin(self, event: yaml.Event, line: int) -> None:
        if self._skipped:
            self._skipped += 1
        elif not isinstance(event, yaml.MappingStartEvent):
            self._skip(line, "a list; write languages, and words under each")
        elif self._depth == 0:
            self._depth = 1
        elif self._depth == 1 and self._name is not None:
            self._depth = 2
            self._language = self._collector.language(self._named, self._name)
            self._name = None
        else:
            self._skip(line, f"{(self._name or '')[:30]!r}: what is said is one line of text")

    def _end(self) -> None:
        if self._skipped:
            self._skipped -= 1
        else:
            self._depth -= 1
            self._name = None

    def _skip(self, line: int, message: str) -> None:
        self._collector.error(line, "shape", message)
        self._skipped = 1
        self._name = "" if self._name is None else None

    def _scalar(self, text: str, line: int) -> None:
        if self._depth == 0:
            if text:
                self._collector.error(line, "shape", "write a language, and words under it")
        elif self._name is None:
            self._name, self._named = text, line
        else:
            name, self._name = self._name, None
            if self._depth == 2:
                if self._language is not None:
                    self._collector.add(line, self._language, name, text)
            elif text:
                message = f"{name[:30]!r}: put it under a language, or under '*'"
                self._collector.error(line, "shape", message)


def too_deep(text: str) -> int:
    """Return the line where more than `_DEPTH` brackets are open: YAML slows down with each."""
    depth = 0
    for match in _BRACKET.finditer(text):
        depth += 1 if match[0] in "[{" else -1
        if depth > _DEPTH:
            return text.count("\n", 0, match.start()) + 1
    return 0


class _Pls:
    """A pronunciation lexicon of the W3C: graphemes with an alias or with phonemes in IPA."""

    def __init__(self, collector: _Collector) -> None:
        self._collector = collector
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._language: str | None = ANY_LANGUAGE
        self._alphabet = "ipa"
        self._graphemes: list[str] = []
        self._said: str | None = None
        self._content: list[str] = []
        self._line = 0

    def read(self, text: str) -> None:
        """Read a whole file into the collector."""
        try:
            self._parser.Parse(text.encode("utf-8", "replace"), True)  # noqa: FBT003 - expat's own
        except expat.ExpatError as err:
            self._collector.error(err.lineno, "not-pls", f"it is not well-formed: {err}")
        except _RefusedError:
            line = self._parser.CurrentLineNumber
            self._collector.error(line, "not-pls", "a document type is not allowed; leave it out")

    @staticmethod
    def _refuse(*_: object) -> None:
        raise _RefusedError

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        self._content.clear()
        if name == "lexicon":
            self._alphabet = attributes.get("alphabet", "ipa").lower()
            code = attributes.get("xml:lang", ANY_LANGUAGE)
            self._language = self._collector.language(self._parser.CurrentLineNumber, code)
        elif name == "lexeme":
            self._graphemes, self._said = [], None
            self._line = self._parser.CurrentLineNumber
        elif name == "phoneme" and attributes.get("alphabet"):
            self._alphabet = attributes["alphabet"].lower()

    def _text(self, text: str) -> None:
        self._content.append(text)

    def _end(self, name: str) -> None:
        name, content = name.rpartition(":")[2], "".join(self._content).strip()
        if name == "grapheme":
            self._graphemes.append(content)
        elif name == "alias" and self._said is None:
            self._said = content
        elif name == "phoneme" and self._said is None:
            if self._alphabet == "ipa":
                self._said = block(content)
            else:
                message = f"{self._alphabet[:20]}: only the alphabet ipa can be read"
                self._collector.error(self._parser.CurrentLineNumber, "value", message)
        elif name == "lexeme" and self._said is not None and self._language is not None:
            for grapheme in self._graphemes:
                self._collector.add(self._line, self._language, grapheme, self._said)
        self._content.clear()


class _RefusedError(Exception):
    """A document type."""
