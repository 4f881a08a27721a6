"""Log lines: one record, one line, whatever it holds."""

from __future__ import annotations

import logging
import unicodedata

import pytest
from hypothesis import example, given, strategies as st

from wyoming_piper_hardened.reporting.events import Event
from wyoming_piper_hardened.reporting.recent_log import RecentLog
from wyoming_piper_hardened.system.log_format import LineFormatter, escaped

SPECIAL = {"Cc", "Cf", "Cs", "Zl", "Zp"}
FORGED = "x\n2026-01-01 00:00:00,000 INFO forged"
FORMATTER = LineFormatter("%(asctime)s %(levelname)s %(message)s")


def special(text: str) -> bool:
    return any(unicodedata.category(character) in SPECIAL for character in text)


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Ll", "Zs"]), max_size=50))
@example("\x1b]0;title\x07\x9b31m\u202e\u2028\u2029\r\n\ud800")
def test_no_special_character_is_left(text: str) -> None:
    record = logging.makeLogRecord({"msg": "%s", "args": (text,), "levelname": "INFO"})
    line = FORMATTER.format(record)
    assert not special(line)
    line.encode()  # no half of a character either
    recent = RecentLog()
    recent.emit(logging.makeLogRecord({"msg": Event("option-note", note=text)}))
    (entry,) = recent
    assert not special(entry.text)
    assert not special(entry.params["note"])


def test_readable_text_stays_as_it_is() -> None:
    text = "Grüße, 你好 👋 – \\x1b"
    assert escaped(text, 100) == text


def test_line_is_bounded() -> None:
    record = logging.makeLogRecord({"msg": "\x1b" * 300_000_00})
    assert len(FORMATTER.format(record)) < 5000


def test_traceback_forges_no_record() -> None:
    with pytest.raises(ValueError, match="forged") as caught:
        int(FORGED)
    info = (caught.type, caught.value, caught.tb)
    record = logging.makeLogRecord({"msg": FORGED, "exc_info": info, "stack_info": FORGED})
    first, *others = FORMATTER.format(record).split("\n")
    assert "\\n2026" in first
    assert len(others) > 3
    assert all(line.startswith("    ") for line in others)
