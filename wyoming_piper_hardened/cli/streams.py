"""Standard streams in any locale, and what commands print there; it never steers a terminal."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from ..system.log_format import escaped

_GAP = "  "


def prepare_streams() -> None:
    """Let nothing that is printed or read fail in a locale that lacks its characters."""
    for stream, errors in (
        (sys.stdin, "surrogateescape"),  # see `given_text`
        (sys.stdout, "backslashreplace"),
        (sys.stderr, "backslashreplace"),
    ):
        if isinstance(stream, io.TextIOWrapper):  # some programs start us without any
            stream.reconfigure(errors=errors)


def discard_output() -> None:
    """Send what is left of standard output nowhere, as its reader has left."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def given_text(words: str) -> str:
    """Return the text of an argument; ``-`` reads standard input.

    Bytes that the locale does not know are read as UTF-8: with ``LC_ALL=C`` it knows only ASCII.
    """
    text = sys.stdin.read() if words == "-" else words
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    encoding = sys.getfilesystemencoding() if words != "-" else sys.stdin.encoding
    return text.encode(encoding, "surrogateescape").decode("utf-8", "replace")


def printable(line: str) -> str:
    """Return a line with escapes for whatever would end it or steer a terminal."""
    return escaped(line, sys.maxsize)


def answer(text: object) -> None:
    """Print lines to standard output."""
    for line in str(text).split("\n"):
        print(printable(line))


def print_json(value: Any) -> None:
    """Print JSON for programs; characters that are not printable have the escapes of JSON."""
    ascii_only = "utf" not in sys.stdout.encoding.lower()
    text = json.dumps(value, ensure_ascii=ascii_only, indent=2)
    print("".join(char if char.isprintable() or char == "\n" else _json(char) for char in text))


def print_rows(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a line for each row, values whole and aligned; on a terminal with titles."""
    lines = [titles, *rows] if sys.stdout.isatty() else list(rows)
    encoding = sys.stdout.encoding
    lines = [
        [printable(value).encode(encoding, "backslashreplace").decode(encoding) for value in line]
        for line in lines
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (value.ljust(width) for value, width in zip(line, widths, strict=True))
        print(_GAP.join(cells).rstrip())


def note(message: object) -> None:
    """Print lines to standard error that are no answer."""
    for line in str(message).split("\n"):
        print(printable(line), file=sys.stderr)


def _json(char: str) -> str:
    return json.dumps(char)[1:-1]
