"""Checks of a voice's files in the staging area. Everything here blocks on the disk."""

from __future__ import annotations

import logging
from pathlib import Path

from ...engine.configuration.reading import read_configuration
from ...engine.messages import config_path
from ...engine.report import SplitReport
from ...errors import VoiceError, VoiceModelError
from ...reporting.events import Event
from ...store.voice import read_voice

_LOGGER = logging.getLogger(__name__)
_SHOWN = 20


def check_files(model: Path) -> None:
    """Check that a model, by its first bytes, may be one, and its configuration.

    Raises:
        VoiceError: it is something else, cannot be read, or is no voice that can speak here.
    """
    try:
        with model.open("rb") as file:
            start = file.read(200).lstrip()
    except OSError as err:
        raise VoiceError(f"{model.name} cannot be read: {err.strerror}") from None
    if start.startswith(b"<"):
        raise VoiceModelError(f"{model.name} is a web page, not a model; download the file itself")
    if start.startswith(b"version https://git-lfs"):
        raise VoiceModelError(f"{model.name} is a Git LFS pointer; get the file it stands for")
    if not start:
        raise VoiceModelError(f"{model.name} is empty")
    read_voice(model.stem, model)


def log_reduced(model: Path) -> None:
    """Log what a prepared voice leaves out of its configuration, as its model does not have it."""
    report, config = SplitReport.read(model.parent), read_configuration(config_path(model))
    phonemes, speakers = (
        config.phonemes_beyond(report.symbols),
        config.speakers_beyond(report.speakers),
    )
    if phonemes or speakers:
        beyond = [name for name, number in config.speakers.items() if number >= report.speakers]
        names = [
            ascii(name)[1:-1] if not name.isprintable() else name for name in (*phonemes, *beyond)
        ]
        shown = " ".join((*names[:_SHOWN], *("…" for _ in names[_SHOWN:][:1]))) or "without names"
        counts = {"phonemes": len(phonemes), "speakers": speakers}
        _LOGGER.warning(Event("voice-reduced", voice=model.stem, names=shown, **counts))
