"""Connections that the open files allow, and accepting when there are no more."""

from __future__ import annotations

import asyncio
import errno
import logging

import pytest

from wyoming_piper_hardened.reporting.events import Event
from wyoming_piper_hardened.system.open_files import accept_errors_logged, share


@pytest.mark.parametrize(
    ("room", "first", "second", "shares"),
    [
        (1000, 64, 80, (64, 80)),
        (144, 64, 80, (64, 80)),
        (100, 64, 80, (50, 50)),
        (70, 64, 20, (50, 20)),
        (30, 64, 0, (30, 0)),
        (30, 64, 80, (15, 15)),
        (-20, 64, 80, (2, 2)),
        (-20, 64, 0, (2, 0)),
    ],
)
def test_shares(room: int, first: int, second: int, shares: tuple[int, int]) -> None:
    assert share(room, first, second) == shares


async def test_accept_errors_are_one_event(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    with accept_errors_logged():
        for _ in range(50):
            error = OSError(errno.EMFILE, "Too many open files")
            loop.call_exception_handler({"message": "", "exception": error, "socket": None})
        loop.call_exception_handler({"message": "another"})
    assert loop.get_exception_handler() is before
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [isinstance(record.msg, Event) for record in warnings] == [True, False]
    assert isinstance(event := warnings[0].msg, Event)
    assert (event.name, event.params) == ("accept-failed", {"reason": "Too many open files"})
