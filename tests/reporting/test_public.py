"""What others than the owner get of reported data."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from wyoming_piper_hardened.processes.diagnosis import exit_failure
from wyoming_piper_hardened.reporting.events import Event
from wyoming_piper_hardened.reporting.issues import Issue, IssueKind, Stage
from wyoming_piper_hardened.reporting.public import Private, public
from wyoming_piper_hardened.reporting.recent_log import RecentLog

FOLDER = Path("/srv/secret place")
FAILURE = exit_failure(1, Stage.STARTING, f"FileNotFoundError: {FOLDER}/x")
ISSUE = Issue(IssueKind.DICTIONARY, FOLDER / "dictionary.yaml", "x", {"reason": "no"})


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (FOLDER / "joe.onnx", "joe.onnx"),
        ([FOLDER / "a", {"b": (FOLDER / "c",)}], ("a", {"b": ("c",)})),
        (Private("anything"), "…"),
        (7, 7),
        ("a text with / in it", "a text with / in it"),
        (None, None),
    ],
)
def test_paths_become_names_at_any_depth(value: object, seen: object) -> None:
    assert public(value) == seen


def test_data_keeps_its_kind_and_its_sentence() -> None:
    assert public(ISSUE).id == "dictionary:dictionary.yaml"
    assert str(public(FAILURE)).startswith("could not start") or "exit code 1" in str(FAILURE)
    assert "secret place" not in str(public(FAILURE))
    assert "secret place" in str(FAILURE)


@pytest.mark.parametrize(
    "event",
    [
        Event("voice-serving", voice="joe", folder=FOLDER / "1"),
        Event("issue-opened", issue=ISSUE),
        Event("worker-fatal", worker="1", failure=FAILURE, delay=1.0),
    ],
)
def test_log_of_others_has_the_same_events_without_paths(event: Event) -> None:
    recent = RecentLog()
    recent.emit(logging.makeLogRecord({"msg": event}))
    recent.emit(logging.makeLogRecord({"msg": f"a line that is no event: {FOLDER}"}))
    mine, line = recent
    (theirs,) = recent.public()
    assert "secret place" in str(mine)
    assert "secret place" in line.text
    assert theirs.event == mine.event
    assert theirs.params.keys() == mine.params.keys()
    assert "secret place" not in str(theirs)
    assert theirs.text
