"""Markdown and HTML within a line: links, emphasis, code, tags."""

from __future__ import annotations

import re

_LINK = re.compile(
    r"!?\[(?P<label>[^\[\]]{0,300})\](?:\((?:[^()\s]|\([^()\s]{0,100}\)){0,500}(?:\s[\"'][^\"']{0,100}[\"'])?\)|\[[^\[\]]{0,60}\])"
)
_FOOTNOTE = re.compile(r"\[\^[^\[\]\s]{1,30}\]:?")
_REST_OF_LINK = re.compile(r"\]\((?:https?:|/|#)[^()\s]{0,500}\)?")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]{1,500})>")
_BREAK = re.compile(r"\s?<(?:br|hr)\s?/?>\s?", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:p|b|i|u|s|em|strong|span|div|a|code|pre|sub|sup|small|big|mark|del|ins|kbd|font|center"
    r"|h[1-6]|ul|ol|li|table|tr|td|th|tbody|thead|img|blockquote|details|summary|think|thinking"
    r"|reasoning|speak)(?:\s[^<>]{0,300})?/?>",
    re.IGNORECASE,
)
_CODE = re.compile(r"`{1,9}")
_ESCAPED = re.compile(r"\\([*_`~#\[\](){}<>!|\\-])")
_HEADING_END = re.compile(r"\s#{1,6}$")
_RUN = re.compile(r"\*{1,9}|_{1,9}|~{2,9}")
_INNER = frozenset("\"'([{«“‘,.;:!?)]}»”’…*_~")
_SPECIAL = re.compile(r"[*_`~\[<\\]|#$")


def plain(text: str) -> str:
    """Return a segment without the marks of Markdown and HTML; what they mark stays."""
    if not _SPECIAL.search(text):
        return text
    if "[" in text or "](" in text:
        text = _FOOTNOTE.sub("", text)
        text = _LINK.sub(lambda found: found["label"], text)
        text = _REST_OF_LINK.sub("", text)
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub(", ", _AUTOLINK.sub(r"\1", text)))
    if "`" in text:
        text = _CODE.sub("", text)
    text = _emphasis(_HEADING_END.sub("", text) if "#" in text else text)
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def _emphasis(text: str) -> str:
    """Drop the runs that open or close: those that touch a word on one side only.

    A single sign that has no partner stays, as do ``5 * 3`` and ``snake_case``.
    """
    runs = [(match, _side(match)) for match in _RUN.finditer(text)]
    paired = {
        sign
        for sign in "*_"
        if {"open", "close"} <= {side for match, side in runs if match[0][0] == sign}
    }
    parts: list[str] = []
    done = 0
    for match, side in runs:
        escaped = match.start() > 0 and text[match.start() - 1] == "\\"
        if escaped:
            continue
        if (len(match[0]) > 1 and not _within_word(match)) or (side and match[0] in paired):
            parts.append(text[done : match.start()])
            done = match.end()
    return "".join(parts) + text[done:] if parts else text


def _within_word(run: re.Match[str]) -> bool:
    """Return whether a run stands in a name with underscores, or between two numbers."""
    before, after = run.string[: run.start()][-1:], run.string[run.end() :][:1]
    return before.isalnum() and after.isalnum() and (run[0][0] == "_" or before.isdigit())


def _side(run: re.Match[str]) -> str:
    """Return whether a run of signs opens, closes, or neither."""
    text = run.string
    before = text[run.start() - 1] if run.start() else " "
    after = text[run.end()] if run.end() < len(text) else " "
    opens = not after.isspace() and (before.isspace() or before in _INNER)
    closes = not before.isspace() and (after.isspace() or after in _INNER)
    if opens and closes:
        return "close" if before.isalnum() else "open" if after.isalnum() else ""
    return "open" if opens else "close" if closes else ""
