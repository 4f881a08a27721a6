"""Events among the records of a test's log."""

from __future__ import annotations

import pytest

from wyoming_piper_hardened.reporting.events import Event


def logged(caplog: pytest.LogCaptureFixture, name: str) -> list[Event]:
    """Return the events of that name, in order."""
    messages = (record.msg for record in caplog.records)
    return [event for event in messages if isinstance(event, Event) and event.name == name]
