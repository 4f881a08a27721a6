"""Punctuation that espeak swallows becomes punctuation that it knows; signs become words."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from .language import Language

_KNOWN = 64
_FULL_WIDTH = str.maketrans({
    "。": ". ", "，": ", ", "、": ", ", "；": "; ", "：": ": ", "！": "! ", "？": "? ", "．": ".",
    "।": ". ", "॥": ". ", "（": " (", "）": ") ", "【": " (", "】": ") ", "《": " ", "》": " ",
    "「": " ", "」": " ", "『": " ", "』": " ", "‼": "!!", "⁉": "!?", "〜": "~", "　": " ",
    "՝": ",", "։": ".", "۔": ". ", "＋": "+", "＝": "=", "％": "%", "／": "/",
})  # fmt: skip
_FULL_WIDTH_ANY = re.compile("[" + "".join(map(chr, _FULL_WIDTH)) + "]")
_ELLIPSIS = re.compile(r"(?:\.{2,}|…)(?:[.…]*)(?P<end>[!?]?)")
_DASHES = re.compile(r"[-–—―⸺→⇒➜➔⟶←↔•·‣]")
_DASH = re.compile(r"(?<=[^\s,;:])\s{1,9}(?:-{1,3}|–|—|―|⸺|→|⇒|➜|➔|⟶|←|↔|•|·|‣)\s{1,9}(?=\S)")
_DOUBLE_DASH = re.compile(r"(?<=\w)--{1,2}(?=\w)")
_ARROW = re.compile(r"\s{0,9}[→⇒➜➔⟶←↔]\s{0,9}")
_OPENING = re.compile(r"(?P<before>[^\s,;:.!?(\[{]?)\s{1,9}[(\[{]\s{0,9}")
_FIRST_OPENING = re.compile(r"^\s{0,9}[(\[{]\s{0,9}")
_CLOSING = re.compile(r"\s{0,9}[)\]}](?P<after>\s{0,9}[,;:.!?]|)")
_GLUED_CLOSING = re.compile(r"(?<=\S)\((?=\w)")
_STOP_GLUED = re.compile(r"(?<=[^\W\d_][!?])(?=[^\W\d_])")
_ANY_SIGN = re.compile(r"[+×·÷*/=<>≤≥]")
_SIGNS = re.compile(
    r"(?<=\d) ?(?P<sign>[+×·÷*/=<>≤≥]) ?(?=-?\d)|(?<=[\w)]) (?P<spaced>[=<>≤≥×]) (?=[\w(-])"
)
_MINUS = re.compile(
    r"(?<=\d) [-−–] (?=\d[\d., ]*(?: [-−–+×*/] \d[\d., ]*)*=| ?\d+(?:[.,]\d+)? (?:=|equals))"
)
_POWER = re.compile(r"(?<=\d)(?P<minus>⁻)?(?P<power>[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})(?![⁰-⁹ⁿ\w])")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_NAMES = {
    "+": "plus", "×": "times", "·": "times", "*": "times", "÷": "divided", "/": "", "=": "equals",
    "<": "less", ">": "greater", "≤": "", "≥": "",
}  # fmt: skip
_SILENT = re.compile(r"[\u2190-\u2bff\ue000-\uf8ff\u266a-\u266f]|[^\w\s!-~]")
_SPOKEN = frozenset("©®™°℃℉№℗%‰§¶«»„“”‘’‚‹›¿¡–—…·×÷±−≈≤≥≠½¼¾⅓⅔⅛€£¥₽₴₹₩₺₪₸₾₫฿µΩ")
_ARROWS = frozenset("→⇒➜➔⟶←↔")
_COMMAS = re.compile(r"(?P<first>[,;:])(?:(?:\s{0,9},)+|(?<=,)\s{0,9}(?P<last>[.!?;:]))")
_BLANKS = re.compile(r"\s{2,}")
_SPACE_BEFORE = re.compile(r" (?:(?<=\S )(?=[,.](?:\s|$))|(?<=[.!?,;:] )(?=[”’»)\]](?:\W|$)))")
_END = re.compile(r"[.!?…,;:؟،؛—][\"'”’»)\]›“]*$")
_FINAL = frozenset(".!?…,;:")
_SPECIAL = re.compile(r"[^\w\s,.?!'’:;]|\.\.|[!?][^\W\d_]")


class Marks:
    """The marks and signs of one language, for espeak."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def replace(self, text: str) -> str:
        """Return a segment with marks that espeak knows."""
        if not _SPECIAL.search(text):
            return text
        if not text.isascii():
            text = _FULL_WIDTH_ANY.sub(lambda c: _FULL_WIDTH[ord(c[0])], text)
        text = self._signs(text)
        if ".." in text or "…" in text:
            text = _ELLIPSIS.sub(_pause, text)
        if _DASHES.search(text):
            text = _DOUBLE_DASH.sub(", ", _DASH.sub(", ", text))
        if not text.isascii():
            text = _ARROW.sub(", ", text)
        text = self._brackets(text)
        if "!" in text or "?" in text:
            text = _STOP_GLUED.sub(" ", text)
        text = _COMMAS.sub(lambda m: m["last"] or m["first"], text)
        text = _SPACE_BEFORE.sub("", _BLANKS.sub(" ", text))
        return text.strip().lstrip(",;: ")

    def _signs(self, text: str) -> str:
        words = self._language.words
        minus = words.get("subtract", words.get("minus"))
        if minus and "=" in text:
            text = _MINUS.sub(f" {minus} ", text)
        if not text.isascii():
            text = _POWER.sub(self._power, text)
        return _SIGNS.sub(self._sign, text) if _ANY_SIGN.search(text) else text

    def _power(self, found: re.Match[str]) -> str:
        word, minus = self._language.words.get("power"), self._language.words.get("minus")
        if not word or (found["minus"] and not minus) or found[0] in {"²", "³"}:
            return found[0]  # squares and cubes are said by espeak
        sign = f"{minus} " if found["minus"] else ""
        return f" {word} {sign}{found['power'].translate(_RAISED)}"

    def _sign(self, found: re.Match[str]) -> str:
        sign = found["sign"] or found["spaced"]
        word = self._language.words.get(_NAMES[sign]) if _NAMES[sign] else None
        return f" {word} " if word else found[0]

    @staticmethod
    def _brackets(text: str) -> str:
        if not any(bracket in text for bracket in "()[]{}"):
            return text
        text = _FIRST_OPENING.sub("", text)
        opened = _OPENING.search(text)
        text = _OPENING.sub(lambda m: f"{m['before']}, " if m["before"] else " ", text)
        if "(" not in text and "[" not in text and "{" not in text:
            return (
                _CLOSING.sub(_closed, text)
                if opened or ")" in text or "]" in text or "}" in text
                else text
            )
        return text


def _closed(found: re.Match[str]) -> str:
    last = found.end() == len(found.string)
    return found["after"].strip() or ("" if last else ", ")


def without_signs(text: str) -> str:
    """Return `text` without the signs that have no name, such as ✓ and ♪."""
    return text if text.isascii() else _SILENT.sub(_silenced, text)


def ended(text: str, *, ends_sentence: bool = True) -> str:
    """Return `text` with a final mark: without one many voices clip the last sound."""
    text = text.rstrip()
    mark = "." if ends_sentence else ","
    if text.endswith("]]"):  # piper drops what stands behind a block of phonemes
        block = text[:-2].rstrip()
        return text if block[-1:] in _FINAL else f"{block}{mark}]]"
    if not text or _END.search(text) or text[-1] in "।॥。！？、，；：۔":
        return text
    return f"{text}{mark}"


def _pause(found: re.Match[str]) -> str:
    after = found.string[found.end() :].lstrip(" \"'”’»)")
    if found["end"]:
        return found["end"]
    if not after:
        return "."
    if not found.string[: found.start()].strip():
        return ""
    return ". " if after[0].isupper() else ", "


def _silenced(found: re.Match[str]) -> str:
    char = found[0]
    if char in _SPOKEN or char in _ARROWS:
        return char
    category = unicodedata.category(char)
    return " " if category in {"So", "Co", "Cn", "Sk"} else char


@lru_cache(maxsize=_KNOWN)
def marks(language: Language) -> Marks:
    """Return the marks of a language."""
    return Marks(language)
