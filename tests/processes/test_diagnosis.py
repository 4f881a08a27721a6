"""Exit codes as failures."""

from __future__ import annotations

from typing import Any

import pytest

from wyoming_piper_hardened.processes.diagnosis import essence, exit_failure
from wyoming_piper_hardened.reporting.issues import FailureKind, Stage


@pytest.mark.parametrize(
    ("code", "kind", "detail"),
    [
        (0, FailureKind.EXIT, {"code": 0}),
        (1, FailureKind.EXIT, {"code": 1}),
        (3, FailureKind.EXIT, {"code": 3, "variant": "cannot-start"}),
        (-9, FailureKind.SIGNAL, {"signal": "SIGKILL"}),
        (-11, FailureKind.SIGNAL, {"signal": "SIGSEGV"}),
        (-15, FailureKind.SIGNAL, {"signal": "SIGTERM"}),
        (-40, FailureKind.SIGNAL, {"signal": "signal 40"}),
    ],
)
def test_exit_codes_are_failures_with_a_sentence(
    code: int, kind: FailureKind, detail: dict[str, Any]
) -> None:
    failure = exit_failure(code, Stage.IDLE)
    assert (failure.kind, failure.at, failure.detail) == (kind, Stage.IDLE, detail)
    assert str(failure)
    assert exit_failure(code, Stage.IDLE, "oh no").detail == {**detail, "last_words": "oh no"}


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ([], ""),
        (["first", "last"], "last"),
        (["noise", "Fatal Python error: Aborted", "Thread 1"], "Fatal Python error: Aborted"),
    ],
)
def test_essence_is_the_line_that_says_most(lines: list[str], line: str) -> None:
    assert essence(lines) == line
