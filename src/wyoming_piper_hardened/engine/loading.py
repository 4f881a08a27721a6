"""Opening an installed voice, prepared or not."""

from __future__ import annotations

import logging
from pathlib import Path

from ..errors import VoiceError
from .messages import config_path
from .report import REPORT_NAME
from .stock import StockVoice
from .voice import Voice, load

_LOGGER = logging.getLogger(__name__)


def load_voice(model: Path, threads: int) -> Voice:
    """Open the parts beside `model`, or the model itself where there are none that work.

    Raises:
        VoiceError: neither can be opened.
    """
    if (model.parent / REPORT_NAME).exists():
        try:
            return load(model.parent, config_path(model), threads)
        except VoiceError as err:
            _LOGGER.error("%s; the whole model speaks instead", err)  # noqa: TRY400 - told in full
    return StockVoice(model, threads)
