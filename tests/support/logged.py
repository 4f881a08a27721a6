"""Events that were logged during a test."""

from __future__ import annotations

import logging

import pytest

from wyoming_piper_hardened.events import Event


def logged(
    caplog: pytest.LogCaptureFixture, *names: str, level: int = logging.DEBUG
) -> list[Event]:
    """Events of these names, or of any, logged at `level` or above."""
    return [
        record.msg
        for record in caplog.records
        if isinstance(record.msg, Event)
        and record.levelno >= level
        and (not names or record.msg.name in names)
    ]
