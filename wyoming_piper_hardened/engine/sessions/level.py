"""From the model's float audio to 16-bit samples at a steady loudness."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

KNEE: Final = 0.8
"""Level up to which samples pass unchanged; above it they approach full scale smoothly."""

_FULL_SCALE: Final = 32767.0
_NOTHING: Final = 1e-8
_SILENCE: Final = 1e-4
"""Peaks below it are no speech and say nothing about loudness."""


def to_pcm(audio: NDArray[np.float32], gain: float) -> NDArray[np.int16]:
    """Apply `gain` and the limiter; any shape.

    Each sample is shaped alone, so the result does not depend on where a chunk begins, and by
    operations that IEEE 754 rounds alike in every processor (no ``tanh``): the same audio gives the
    same bytes. Nothing ever clips.
    """
    scaled = audio * np.float32(gain)
    size = np.abs(scaled)
    room = np.float32(1 - KNEE)
    over = np.maximum(size - np.float32(KNEE), np.float32(0)) / room
    limited = np.minimum(size, np.float32(KNEE)) + room * over / np.sqrt(
        np.float32(1) + over * over
    )
    pcm: NDArray[np.int16] = np.rint(np.copysign(limited, scaled) * np.float32(_FULL_SCALE)).astype(
        np.int16
    )
    return pcm


def peak_gain(audio: NDArray[np.float32]) -> float:
    """Return the gain that brings the peak of `audio` to full scale; 0 for silence."""
    peak = float(np.abs(audio).max(initial=0))
    return 1 / peak if peak > _NOTHING else 0.0


def steady_gain(peaks: list[float]) -> float:
    """Return the mean, in decibels, of the gains that would bring each of `peaks` to full scale.

    Piper normalises every sentence by itself, which makes a quiet one as loud as a shout and needs
    the whole sentence before its first sample. One gain for all keeps that loudness on average.
    """
    heard = [peak for peak in peaks if peak > _SILENCE]
    if not heard:
        return 1.0
    return float(np.exp(-np.mean(np.log(heard))))
