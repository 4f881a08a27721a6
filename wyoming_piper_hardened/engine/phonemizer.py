"""``python -m wyoming_piper_hardened.engine.phonemizer``: text to phonemes, without a model.

Reads ``phonemize`` events on standard input and answers each with ``phonemes`` or ``error``; see
`messages`. Ends with its input.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import BinaryIO

from wyoming.error import Error
from wyoming.event import Event, read_event, write_event

from ..errors import HardenedError
from .isolation import claim_stdout, isolate
from .messages import PHONEMES, PHONEMIZE, READY, PhonemesRequest, config_path
from .quoting import brief

_KEPT = 8
"""Configurations that are not read again for each text."""


def main() -> int:
    """Run one phonemizing process; returns its exit code."""
    parser = argparse.ArgumentParser(prog="wyoming_piper_hardened.engine.phonemizer")
    parser.add_argument("--parent", type=int, help="pid of the server: end when it is gone")
    arguments = parser.parse_args()
    answers = claim_stdout()
    isolate(arguments.parent)
    logging.getLogger("piper").setLevel(logging.WARNING)  # its debug messages hold the text
    serve(sys.stdin.buffer, answers)
    return 0


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Say ``ready`` and answer `requests` until they end."""
    # Heavy libraries after the isolation.
    from .synthesis.phonemes import Phonemes, language_config, read_config  # noqa: PLC0415

    known: dict[Path | tuple[str, ...], Phonemes] = {}

    def answer(request: PhonemesRequest) -> Event:
        key = request.languages if request.model is None else request.model.model
        if key not in known:
            if len(known) >= _KEPT:
                known.clear()
            config = (
                language_config(request.languages)
                if request.model is None
                else read_config(config_path(request.model.model))
            )
            known[key] = Phonemes(config)
        return Event(PHONEMES, {"phonemes": known[key].spoken(request.text)})

    write_event(Event(READY), answers)
    while (event := read_event(requests)) is not None:
        if event.type != PHONEMIZE:
            continue
        try:
            answered = answer(PhonemesRequest.from_data(event.data))
        except HardenedError as err:
            answered = Error(brief(err), err.code).event()
        except Exception as err:  # noqa: BLE001 - the process outlives whatever a text does
            text = f"the phonemizer failed with {type(err).__name__}"  # its message may hold text
            answered = Error(text, HardenedError.code).event()
        write_event(answered, answers)


if __name__ == "__main__":
    try:
        code = main()
    except BrokenPipeError:  # the server is gone
        code = 0
    sys.stderr.flush()
    os._exit(code)  # as the engine itself does
