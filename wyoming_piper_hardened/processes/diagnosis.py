"""The end of a process as data."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from ..engine.messages import EXIT_CANNOT_START
from ..reporting.issues import Failure, FailureKind, Stage
from ..reporting.public import Private


def exit_failure(code: int, at: Stage, last_words: str = "") -> Failure:
    """Return the failure that an exit code stands for.

    Args:
        code: as `asyncio` reports it; a negative one is the number of a signal.
        at: what the process was doing.
        last_words: the line of its standard error that says most.
    """
    said = {"last_words": Private(last_words)} if last_words else {}
    if code < 0:
        return Failure(FailureKind.SIGNAL, at, {"signal": _signal_name(-code), **said})
    variant = {"variant": "cannot-start"} if code == EXIT_CANNOT_START else {}
    return Failure(FailureKind.EXIT, at, {"code": code, **variant, **said})


def hung_failure(seconds: float, at: Stage) -> Failure:
    """Return the failure of a process that made no progress."""
    return Failure(FailureKind.HUNG, at, {"seconds": seconds})


def load_failure(error: object, **detail: str) -> Failure:
    """Return the failure of a voice that does not load."""
    return Failure(FailureKind.LOAD, Stage.LOADING, {"error": str(error), **detail})


def essence(lines: Sequence[str]) -> str:
    """Return the line that says most: a crash's first one, else the last."""
    crash = (line for line in lines if line.startswith("Fatal Python error"))
    return next(crash, lines[-1] if lines else "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
