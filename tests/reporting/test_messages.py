"""English sentences: every event has one, with the parameters that its callers give."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from wyoming_piper_hardened.reporting import messages
from wyoming_piper_hardened.reporting.events import Event
from wyoming_piper_hardened.reporting.issues import (
    Damage,
    DamageKind,
    Failure,
    FailureKind,
    Issue,
    IssueKind,
    Stage,
    Suggestion,
    damaged,
)

pytestmark = pytest.mark.rendering

PACKAGE = Path(messages.__file__).parents[1]


def fields(template: str) -> set[str]:
    """Names of a template's placeholders, without attributes."""
    named = (field for _, field, _, _ in string.Formatter().parse(template) if field)
    return {field.partition(".")[0] for field in named}


def calls() -> Iterator[tuple[str, str, set[str]]]:
    """Place, name and parameters of every event that the package makes."""
    for path, tree in modules():
        own = {
            name.asname or name.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[-1] == "events"
            for name in node.names
            if name.name == "Event"
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                first = node.args[0] if node.args else None
                if node.func.id in own and isinstance(first, ast.Constant):
                    given = {keyword.arg or "**" for keyword in node.keywords}
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno}", str(first.value), given


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name != "messages.py":
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def test_every_event_has_a_sentence_and_its_parameters() -> None:
    found = list(calls())
    assert len(found) > 40
    for place, name, given in found:
        assert name in messages.EVENTS, f"{place}: {name} is not in messages.EVENTS"
        assert "**" in given or fields(messages.EVENTS[name]) <= given, (
            f"{place}: {name} lacks parameters"
        )


def test_every_sentence_is_of_an_event_that_happens() -> None:
    nodes = (node for _, tree in modules() for node in ast.walk(tree))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    assert set(messages.EVENTS) <= texts
    assert {kind.value for kind in DamageKind} == set(messages.DAMAGE)
    assert {kind.value for kind in FailureKind} <= set(messages.FAILURES)
    assert {key.partition(".")[0] for key in messages.ISSUES} <= {str(kind) for kind in IssueKind}


def test_event_renders_its_parameters() -> None:
    event = Event("worker-ready", worker="1", pid=7, seconds=0.346)
    assert str(event) == "worker 1 is ready (pid 7, 0.35 s)"


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (Failure(FailureKind.HUNG, Stage.SPEAKING, {"seconds": 0.5}), "made nothing for 0.5 s"),
        (Failure(FailureKind.HUNG, Stage.IDLE, {"seconds": 10.0}), "did not answer a ping in 10 s"),
        (
            Failure(FailureKind.SIGNAL, Stage.SPEAKING, {"signal": "SIGSEGV"}),
            "crashed (segmentation fault)",
        ),
        (Failure(FailureKind.SIGNAL, Stage.IDLE, {"signal": "SIGUSR1"}), "killed by SIGUSR1"),
        (
            Failure(FailureKind.EXIT, Stage.STARTING, {"code": 1, "last_words": "no such file"}),
            "ended by itself with exit code 1; its last words: no such file",
        ),
        (
            Failure(
                FailureKind.MEMORY,
                Stage.SPEAKING,
                {
                    "megabytes": 900,
                    "segment": {"characters": 12, "outcome": "replayed", "sample": 4096},
                },
            ),
            (
                "grew to 900 MB in mid-segment and was killed, in a segment of 12 characters which "
                "continues from sample 4096"
            ),
        ),
        (
            Failure(FailureKind.SIGNAL, Stage.SPEAKING, {"signal": "SIGSEGV", "segments": 2}),
            (
                "crashed (segmentation fault), while it computed 2 segments, which go on one at a "
                "time"
            ),
        ),
    ],
)
def test_failure_renders_its_detail(failure: Failure, sentence: str) -> None:
    assert str(failure) == sentence


def test_issue_renders_damage_and_errors() -> None:
    changed = Damage("x.onnx", DamageKind.CHANGED)
    short = Damage("y.onnx", DamageKind.SIZE, {"found": 1, "expected": 2})
    assert str(damaged("x", [changed, short])) == (
        "x.onnx has changed; y.onnx has 1 bytes instead of 2"
    )
    unreachable = Issue(IssueKind.UNREACHABLE, "catalogue", "offline", {"reason": "no network"})
    assert str(unreachable) == "no network"
    assert str(Issue(IssueKind.STALE, "x", suggestion=Suggestion.UPDATE)).startswith("the repo")
