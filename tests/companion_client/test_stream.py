"""The parser of server-sent events."""

from __future__ import annotations

import pytest
from client import StreamError
from client.stream import MAX_EVENT_BYTES, EventParser, ServerEvent


def test_events_are_read_wherever_they_are_cut() -> None:
    lines = (": ping", "", "id: 1", "event: a", "data: é", "data: 2", "retry: 2000", "")
    text = ("\r\n".join(lines) + "\r\ndata:x\n\n").encode()
    expected = [ServerEvent("a", "é\n2", "1"), ServerEvent("message", "x", "1")]
    for size in range(1, len(text)):
        parser = EventParser()
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        assert [event for piece in pieces for event in parser.feed(piece)] == expected
        assert parser.retry == 2.0


def test_events_are_limited() -> None:
    parser = EventParser(limit=100)
    assert len(parser.feed(b"data: " + b"x" * 90 + b"\n\n")) == 1
    with pytest.raises(StreamError):
        parser.feed(b"data: x\n" * 20)
    with pytest.raises(StreamError):
        EventParser(limit=100).feed(b"x" * 101)
    assert MAX_EVENT_BYTES == 1 << 20
