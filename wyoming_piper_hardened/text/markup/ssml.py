"""SSML as it arrives: breaks, prosody, say-as, sub, phoneme; any other element is its content.

No document type and no entity is read, nothing is fetched. What is not well-formed is spoken from
there on without its tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from ..language import Language
from ..phonemes import are_phonemes, block
from ..profile import Profile, TextFormat
from . import ssml_values as values
from .blocks import Blocks
from .pieces import Boundary, Piece, Style

_ROOT = "<speak"
_DECLARATION = "<?xml"
_HELD_DECLARATION = 300
_DEPTH = 32
_LONGEST_BREAK, _ALL_BREAKS = 10.0, 60.0
_ALIAS = 200
_CONTENT = 100
_DROPPED = frozenset({"desc", "metadata", "meta", "lexicon", "title", "script", "style"})
_REPLACED = frozenset({"say-as", "sub", "phoneme"})
_SENTENCES = frozenset({"speak", "p", "s", "paragraph", "sentence"})
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]{0,400}(?:\[[^\]]{0,4000}\])?\s*>", re.IGNORECASE)
_TAG = re.compile(r"<[/!?]?[A-Za-z\[-][^<>]{0,200}>")
_MARK = re.compile(r"[<&]")
_WHOLE_TAG = re.compile(r"<(?:[^<>\"']|\"[^\"<]{0,1000}\"|'[^'<]{0,1000}'){0,1000}>")
_NO_TAG = re.compile(r"<(?:[^A-Za-z/!?_:]|[^<>\"']{1,4096}<)")
_SECTIONS = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"}
_REFERENCE = re.compile(r"&#?\w{1,12};")
_REFERENCE_BEGIN = re.compile(r"&#?\w{0,12}")
_LONGEST_TAG = 4096
_OPEN_TAG = re.compile(r"<(?:[/!?]|[/!?]?[A-Za-z\[-][^<>]*)?$")
_OPEN_DOCTYPE = re.compile(r"<!DOCTYPE[^>]*(?:\[[^\]]*(?:\]\s*)?)?$", re.IGNORECASE)
_HELD_TAG, _HELD_DOCTYPE = 202, 4400


class Markup:
    """A request's text as pieces: SSML or lines of Markdown, chosen once by its begin."""

    def __init__(self, profile: Profile, blocks: Blocks, ssml: Ssml) -> None:
        self._format = profile.text_format
        self._blocks, self._ssml = blocks, ssml
        self._held = ""
        self._chosen: Blocks | Ssml | None = None
        if self._format is TextFormat.TEXT:
            self._chosen = blocks

    @property
    def is_ssml(self) -> bool:
        """Whether the text was found to be SSML."""
        return self._chosen is self._ssml

    def add(self, text: str) -> Iterator[Piece]:
        """Take more text and yield what it is read as."""
        if self._chosen is None:
            self._held += text
            text = self._choose(final=False)
        if self._chosen is not None and text:
            yield from self._chosen.add(text)

    def finish(self) -> Iterator[Piece]:
        """Yield what is left."""
        text = self._choose(final=True) if self._chosen is None else ""
        reader = self._chosen or self._blocks
        if text:
            yield from reader.add(text)
        yield from reader.finish()

    def _choose(self, *, final: bool) -> str:
        """Choose if the begin is there, and return the text that was held for it."""
        self._chosen = self._recognised(final=final)
        if self._chosen is None:
            return ""
        text, self._held = self._held, ""
        return text

    def _recognised(self, *, final: bool) -> Blocks | Ssml | None:
        begin = self._held.lstrip()
        if self._format is TextFormat.SSML:
            return self._ssml if begin or final else None
        if begin.startswith(_DECLARATION):
            declaration, end, rest = begin.partition("?>")
            if not end and not final and len(declaration) < _HELD_DECLARATION:
                return None
            begin = rest.lstrip()
            if end and not begin and not final and len(rest) < _HELD_DECLARATION:
                return None
        if begin.startswith("<!") and begin != self._held.lstrip():
            return self._ssml  # a document type, or a comment, behind a declaration
        name = begin[: len(_ROOT) + 1].lower()
        if not final and begin == "<":
            return None
        if not final and (_ROOT.startswith(name) or not begin):
            return None
        root = name.startswith(_ROOT) and (len(name) > len(_ROOT) and not name[-1].isalnum())
        return self._ssml if root else self._blocks


@dataclass(slots=True)
class _Element:
    name: str
    attributes: Mapping[str, str]
    content: list[str] = field(default_factory=list)


class _RefusedError(Exception):
    """A document type or an entity."""


class Ssml:
    """Reads SSML into pieces as it arrives.

    Args:
        profile: whose phonemes may be used.
        language: in which ordinals and digits are said.
    """

    def __init__(self, profile: Profile, language: Language) -> None:
        self._phonemes = profile.phonemes
        self._language = language
        self._pieces: list[Piece] = []
        self._held = ""
        """A tag or a reference that has begun."""
        self._broken = False
        self._started = False
        self._depth = 0
        self._open: list[_Element] = []
        self._dropped = 0
        self._styles = [Style()]
        self._silence = _ALL_BREAKS
        self._parser = self._new_parser()

    def add(self, text: str) -> Iterator[Piece]:
        """Take more text and yield what it is read as."""
        if not self._started:
            text = text.lstrip()
            if not text:
                return
            self._started = True
            if text[0] != "<":  # SSML by its format, but without a root
                self._parse(f"{_ROOT}>")
        self._held += text
        while self._held and not self._broken and self._step():
            pass
        if self._broken:
            self._strip(final=False)
        yield from self._taken()

    def finish(self) -> Iterator[Piece]:
        """Yield what is left."""
        if self._held:
            self._broken = True
            self._strip(final=True)
        while self._open:
            self._close(self._open.pop())
        yield from self._taken()

    def _step(self) -> bool:
        """Read what is held as far as its next border; false if more text is needed."""
        begin = _MARK.search(self._held)
        if begin is None or begin.start():
            end = begin.start() if begin else len(self._held)
            text, self._held = self._held[:end], self._held[end:]
            if self._depth == 0 and text.strip():
                self._held, self._broken = text + self._held, True
            else:
                self._text(text)
            return True
        end = _token_end(self._held)
        if end == 0:
            return False
        if end < 0:
            self._broken = True
            return True
        token = self._held[:end]
        self._broken = not self._parse(token)
        if not self._broken:
            self._held = self._held[end:]
        return True

    def _taken(self) -> list[Piece]:
        pieces, self._pieces = self._pieces, []
        return pieces

    def _new_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _refuse
        parser.EntityDeclHandler = _refuse
        return parser

    def _parse(self, token: str) -> bool:
        """Have a tag or a reference parsed; false if it is not well-formed here."""
        try:
            self._parser.Parse(token.encode("utf-8", "replace"), False)  # noqa: FBT003 - expat's own
        except (expat.ExpatError, _RefusedError):
            return False
        return True

    def _strip(self, *, final: bool) -> None:
        """Speak what is not well-formed, without anything that looks like a tag."""
        text, held = self._held, ""
        if not final:
            doctype = _OPEN_DOCTYPE.search(text[-_HELD_DOCTYPE:])
            tag = _OPEN_TAG.search(text[-_HELD_TAG:])
            if doctype or tag:
                length = max(len(found[0]) for found in (doctype, tag) if found)
                text, held = text[:-length], text[-length:]
        self._held = held
        text = _TAG.sub(" ", _DOCTYPE.sub(" ", text))
        if final:
            text = re.sub(r"<[/!?]?[A-Za-z][^<>\s]{0,40}$", "", text)
        self._text(text)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        name = name.rpartition(":")[2].lower() if ":" in name else name.lower()
        if self._depth > _DEPTH:
            return
        if name in _DROPPED:
            self._dropped += 1
        if name in _SENTENCES:
            self._pieces.append(Boundary())
        elif name == "break":
            self._break(attributes)
        elif name == "prosody":
            self._styles.append(values.style(attributes, self._styles[-1]))
            self._pieces.append(self._styles[-1])
        self._open.append(_Element(name, attributes))

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if self._depth < _DEPTH and self._open:
            self._close(self._open.pop())

    def _close(self, element: _Element) -> None:
        name = element.name
        if name in _DROPPED:
            self._dropped -= 1
        elif name in _SENTENCES:
            self._pieces.append(Boundary())
        elif name == "prosody" and len(self._styles) > 1:
            self._styles.pop()
            self._pieces.append(self._styles[-1])
        elif name in _REPLACED:
            self._text(self._replaced(element))

    def _text(self, text: str) -> None:
        if self._dropped or not text:
            return
        for element in reversed(self._open):
            if element.name in _REPLACED:
                element.content.append(text)
                return
        self._pieces.append(re.sub(r"\s", " ", text))

    def _break(self, attributes: Mapping[str, str]) -> None:
        seconds = min(values.seconds(attributes), _LONGEST_BREAK, self._silence)
        self._silence -= seconds
        if seconds > 0:
            self._pieces.append(Boundary(ends_sentence=False, pause=seconds))

    def _replaced(self, element: _Element) -> str:
        content = " ".join("".join(element.content).split())
        attributes = element.attributes
        if element.name == "sub":
            return attributes.get("alias", content)[:_ALIAS]
        if element.name == "phoneme":
            spoken = attributes.get("ph", "").strip()
            if attributes.get("alphabet", "ipa").lower() != "ipa" or len(spoken) > _CONTENT:
                return content
            marked = spoken if re.search("[ˈˌ]", spoken) else f"ˈ{spoken}"
            return block(marked) if spoken and are_phonemes(marked, self._phonemes) else content
        return values.say_as(content, attributes, self._language)


def _token_end(text: str) -> int:
    """Where the tag or reference ends that `text` begins with; 0 if not yet, -1 if nowhere."""
    if text[0] == "&":
        if match := _REFERENCE.match(text):
            return match.end()
        return 0 if _REFERENCE_BEGIN.fullmatch(text) else -1
    for begin, end in _SECTIONS.items():
        if text.startswith(begin):
            place = text.find(end, len(begin))
            return place + len(end) if place >= 0 else _undecided(text)
        if begin.startswith(text):
            return 0
    if _NO_TAG.match(text):
        return -1
    match = _WHOLE_TAG.match(text) if ">" in text else None
    return match.end() if match else _undecided(text)


def _undecided(text: str) -> int:
    return 0 if len(text) <= _LONGEST_TAG else -1


def _refuse(*_: object) -> None:
    raise _RefusedError
