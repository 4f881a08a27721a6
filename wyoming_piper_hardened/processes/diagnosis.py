"""What the end of an engine process means, in words."""

from __future__ import annotations

import signal

from ..engine.messages import EXIT_CANNOT_START

_SIGNALS = {
    signal.SIGKILL: "killed by signal 9; if nobody did that by hand the system ran out of memory: "
    "use a smaller voice or fewer workers",
    signal.SIGSEGV: "crashed (segmentation fault)",
    signal.SIGILL: "crashed (illegal instruction): the processor may be too old for onnxruntime",
    signal.SIGABRT: "aborted itself",
    signal.SIGBUS: "crashed (bus error): a file of the voice changed or the disk failed",
}


def explain_exit(code: int) -> str:
    """Describe an exit code as `asyncio` reports it (negative: the signal)."""
    if code == EXIT_CANNOT_START:
        return "could not start"
    if code >= 0:
        return f"ended by itself with exit code {code}"
    try:
        return _SIGNALS.get(signal.Signals(-code)) or f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
