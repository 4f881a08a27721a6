"""Opening an installed voice, prepared or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..errors import VoiceError
from .messages import config_path
from .report import REPORT_NAME
from .stock import StockVoice
from .voice import Voice, load


def load_voice(model: Path, threads: int, on_degraded: Callable[[str], None]) -> Voice:
    """Open the parts beside `model`, or the model itself where there are none that work.

    `on_degraded` is told why parts that are there do not work.

    Raises:
        VoiceError: neither can be opened.
    """
    if (model.parent / REPORT_NAME).exists():
        try:
            return load(model.parent, config_path(model), threads)
        except VoiceError as err:
            on_degraded(f"{err}; the whole model speaks instead")
    return StockVoice(model, threads)
