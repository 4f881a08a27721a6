"""The program for tests: its events also go to a file, its sentences may be scrambled."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

from support.random_sentences import ENVIRONMENT, scramble
from wyoming_piper_hardened.__main__ import run
from wyoming_piper_hardened.reporting.events import Event
from wyoming_piper_hardened.reporting.json_values import json_of

EVENTS = "TEST_EVENTS"
"""Names the file that gets each event as a line of JSON: its name and its parameters."""


class _EventFile(logging.Handler):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, Event):
            line = json.dumps([record.msg.name, json_of(record.msg.params)])
            self._file.write(f"{line}\n")


if __name__ == "__main__":
    if os.environ.get(ENVIRONMENT):
        scramble()
    if path := os.environ.get(EVENTS):
        logging.getLogger("wyoming_piper_hardened").addHandler(_EventFile(Path(path)))
    run()
