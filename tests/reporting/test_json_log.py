"""The log as JSON: one object a line, whatever it holds."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from wyoming_piper_hardened.reporting.events import Event
from wyoming_piper_hardened.reporting.issues import Failure, FailureKind, Stage
from wyoming_piper_hardened.reporting.json_log import JsonFormatter

FORMATTER = JsonFormatter()
LONGEST = 40_000


def line(message: object, **parts: Any) -> dict[str, Any]:
    record = logging.makeLogRecord({"msg": message, "levelname": "WARNING", "name": "x.y", **parts})
    text = FORMATTER.format(record)
    assert text.isascii()
    assert text.isprintable()
    assert len(text) < LONGEST
    parsed = json.loads(text)
    assert isinstance(parsed, dict)
    return parsed


@given(st.text(max_size=60))
@example('x\n{"level": "info"}')
@example("\x1b]0;title\x07\u202e\u2028\ud800")
def test_any_text_is_one_object_on_one_line(text: str) -> None:
    parsed = line(Event("option-note", note=text))
    assert parsed["event"] == "option-note"
    assert parsed["params"] == {"note": text}
    assert parsed["message"].isprintable()


def test_line_says_when_where_and_how_bad() -> None:
    parsed = line("started %s", args=("well",), created=1_700_000_000.25)
    assert parsed == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "warning",
        "logger": "x.y",
        "message": "started well",
    }
    assert datetime.fromisoformat(parsed["time"]).timestamp() == 1_700_000_000.25


def test_parameters_that_are_data_stay_data() -> None:
    failure = Failure(FailureKind.HUNG, Stage.STARTING, {"seconds": 5.0})
    found = line(Event("worker-failed", worker="1", delay=0.5, failure=failure))["params"][
        "failure"
    ]
    assert (found["kind"], found["at"]) == (FailureKind.HUNG, Stage.STARTING)


@pytest.mark.parametrize(
    "message", ["\x1b" * 3_000_000, Event("option-note", note="ä" * 3_000_000)]
)
def test_line_is_bounded(message: object) -> None:
    line(message)


def test_traceback_is_in_the_same_line() -> None:
    with pytest.raises(ValueError, match="forged") as caught:
        int("x\nforged")
    parsed = line("failed", exc_info=(caught.type, caught.value, caught.tb))
    assert "ValueError: " in parsed["traceback"]
