"""The watch itself fails when a limit is exceeded."""

from __future__ import annotations

import os
import signal
import time

import pytest

from attacks.conftest import StartAttacked, WatchServer
from attacks.watch import Limits, watched


def test_idle_server_keeps_all_limits(start_attacked: StartAttacked, watch: WatchServer) -> None:
    with watch(start_attacked()):
        time.sleep(2)


def test_watch_sees_what_exceeds_a_limit(start_attacked: StartAttacked) -> None:
    server = start_attacked()
    staged = server.data_dir / "staging" / "transaction" / "file"
    limits = Limits(staging=1 << 20, lag=0.01, lines=3)
    with pytest.raises(AssertionError) as caught, watched(server, limits) as watch:  # noqa: PT012
        staged.parent.mkdir(parents=True)
        staged.write_bytes(bytes(2 << 20))
        _stand_still(server.pid, 0.5)
        with server.log.open("a") as log:
            log.write("2026-01-01 00:00:00,000 INFO \x1b[31mred\u202e\n" * 4)
            log.write("Traceback (most recent call last):\n")
        time.sleep(0.5)
    said = str(caught.value)
    for one in ("staging", "lag", "special characters", "no record's first", "lines of 3"):
        assert one in said, said
    assert "memory: bytes" not in said
    assert watch.measurements is not None


def _stand_still(pid: int, seconds: float) -> None:
    os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)


def test_watch_fails_when_the_server_is_gone(start_attacked: StartAttacked) -> None:
    server = start_attacked()
    with pytest.raises(AssertionError), watched(server):  # noqa: PT012 - the context is tested
        server.stop()
        time.sleep(0.5)
