"""Isolation of an engine process, before it loads anything heavy.

Linux only where the kernel's interfaces are named; elsewhere those steps are left out.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_OOM_SCORE = "500"  # of 1000: the kernel takes an engine before the server
_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE_BLOCK = 1 << 20  # bytes
_NICENESS = 5  # the server answers even while every core synthesises
_LEAST_URGENT = 19
_AUTOGROUP = Path("/proc/self/autogroup")  # sched(7)


def claim_stdout() -> BinaryIO:
    """Keep file descriptor 1 for frames alone; whatever prints to it later goes to stderr."""
    frames = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(frames, "wb")


def isolate(parent_pid: int | None) -> None:
    """Die with the parent, give way to it, and leave a trace of a crash on stderr.

    `parent_pid` is the pid of the starting process as it sees itself; ``None`` (started by hand)
    leaves that check out.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # NumPy's; here it multiplies nothing large
    faulthandler.enable(file=2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to handle
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if parent_pid is not None and os.getppid() != parent_pid:
            os._exit(0)  # the parent died before it could be watched
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")
    with contextlib.suppress(OSError, ValueError):  # a crash must not fill the disk
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)


def give_way_to_all() -> None:
    """Compute only while nobody else wants to; whoever does begins at once.

    Niceness alone is not enough: a process that wakes up waits for the end of a nice one's turn.
    And Linux may share its time between sessions before it looks at niceness, so a process that
    leads a session has that give way, too (autogroups, sched(7)).
    """
    with contextlib.suppress(OSError):
        os.nice(_LEAST_URGENT)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        if os.getsid(0) == os.getpid():
            with contextlib.suppress(OSError):
                _AUTOGROUP.write_text(str(_LEAST_URGENT), encoding="ascii")


def return_freed_memory() -> None:
    """Have large blocks returned to the kernel as soon as they are freed.

    For a process that does one thing after another: what one needed is free for the next. The C
    library keeps blocks otherwise, the larger ones the more of them there were (glibc; others have
    no such setting).
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
