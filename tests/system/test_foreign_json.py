"""JSON from outside: no text of the allowed size holds up the event loop."""

from __future__ import annotations

import json
import time

import pytest

from wyoming_piper_hardened.system.foreign_json import parse_json
from wyoming_piper_hardened.text.length import MAX_TEXT_CHARS

_SIZE = 1280 << 10  # of a body


@pytest.mark.parametrize("character", [",", "[", "{", ":", '"', "\\", "\0", "😀", "a"])
def test_longest_text_is_parsed_whatever_it_consists_of(character: str) -> None:
    said = {"text": character * MAX_TEXT_CHARS, "voice": {"name": "x", "speaker": "y"}}
    for ascii_only in (True, False):
        raw = json.dumps(said, ensure_ascii=ascii_only).encode()
        assert parse_json(raw) == said


@pytest.mark.parametrize("item", ["[]", "{}", "1", '"":1', "1e9", "[[1],{}]", '"x"'])
def test_many_values_are_refused_before_they_are_parsed(item: str) -> None:
    begin, end = "{}" if ":" in item else "[]"
    raw = (begin + ",".join([item] * (_SIZE // (len(item) + 1))) + end).encode()
    started = time.process_time()
    with pytest.raises(ValueError, match="values"):
        parse_json(raw)
    assert time.process_time() - started < 0.05


@pytest.mark.parametrize("raw", [b"[" * 50_000, b"{", b"\xff", b"1" * 5000, b""])
def test_what_is_no_json_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the only promise
        parse_json(raw)
