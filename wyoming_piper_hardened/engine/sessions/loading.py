"""Opening an installed voice, prepared or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...errors import VoiceError
from ..embedded import find_parts
from ..messages import config_path
from ..synthesis.voice import Voice, load


def load_voice(model: Path, threads: int, on_degraded: Callable[[str], None]) -> Voice:
    """Open the parts of `model`, or the model itself where there are none that work.

    `on_degraded` gets the reason why parts that are there do not work.

    Raises:
        VoiceError: neither can be opened.
    """
    if (parts := find_parts(model)) is not None:
        try:
            return load(parts, config_path(model), threads, weights=model.parent)
        except VoiceError as err:
            on_degraded(str(err))
    from ..synthesis.stock import open_stock  # noqa: PLC0415 - takes graphs apart, for which others pay nothing

    return open_stock(model, threads)
