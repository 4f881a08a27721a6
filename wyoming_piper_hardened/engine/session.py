"""How ONNX sessions are made: explicit options, no telemetry, errors with names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read once, when the library is loaded

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ..errors import NoSpaceError, SynthesisError, VoiceModelError
from .quoting import brief

FOLDED: Final = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
"""Constants computed, nothing fused."""

PORTABLE: Final = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
"""Every optimisation that holds on all processors.

What is left is the layout of the tensors, which depends on the processor and is chosen at loading:
ONNX Runtime may keep channels in blocks as wide as a vector register (it calls that NCHWc).
"""

AS_SAVED: Final = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
"""Nothing more: for parts that were optimised when they were written and gain nothing from layouts.

They load faster.
"""

_ERRORS_ONLY: Final = 3
_FULL: Final = 1 << 20  # bytes; less than a block of the library's may be left


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What a session may take of the machine."""

    threads: int = 1
    """Threads inside one run."""
    spin_microseconds: int = 0
    """How long a thread without work waits awake for the next operation before it sleeps.

    A little joins the many small operations of an encoder; without a limit, two runs on a busy
    processor starve each other.
    """
    arena: bool = True
    """Whether memory is kept between runs."""
    level: onnxruntime.GraphOptimizationLevel = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL


def options(settings: SessionSettings) -> onnxruntime.SessionOptions:
    """Session options that leave nothing to the library's guesses about the machine."""
    made = onnxruntime.SessionOptions()
    made.intra_op_num_threads = settings.threads
    made.inter_op_num_threads = 1
    made.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    made.graph_optimization_level = settings.level
    made.enable_cpu_mem_arena = settings.arena
    # Patterns are planned for one shape; every chunk and sentence has its own.
    made.enable_mem_pattern = False
    made.log_severity_level = _ERRORS_ONLY
    made.add_session_config_entry(
        "session.intra_op.allow_spinning", "1" if settings.spin_microseconds else "0"
    )
    made.add_session_config_entry(
        "session.intra_op.spin_duration_us", str(settings.spin_microseconds)
    )
    made.add_session_config_entry("session.force_spinning_stop", "1")
    return made


def open_model(source: Path | bytes, settings: SessionSettings) -> onnxruntime.InferenceSession:
    """Open a model from a file or its bytes.

    Raises:
        VoiceModelError: it cannot be loaded.
    """
    return _open(source, options(settings))


def run(
    session: onnxruntime.InferenceSession, feed: Mapping[str, NDArray[np.generic]]
) -> list[NDArray[np.float32]]:
    """All outputs of a session.

    Raises:
        SynthesisError: the model fails on this input.
    """
    try:
        outputs: list[NDArray[np.float32]] = session.run(None, dict(feed))
    except Exception as error:  # the library has no public base for its errors
        raise SynthesisError(f"the model failed: {brief(error)}") from error
    return outputs


def optimise(
    model: Path | bytes, target: Path, level: onnxruntime.GraphOptimizationLevel = PORTABLE
) -> None:
    """Write `model` to `target` after the optimisations of `level`.

    Raises:
        VoiceModelError: it cannot be loaded.
        NoSpaceError: the disk is full.
    """
    made = options(SessionSettings(level=level))
    made.optimized_model_filepath = str(target)
    try:
        _open(model, made)
    except VoiceModelError:
        if (
            shutil.disk_usage(target.parent).free < _FULL
        ):  # the library calls that the model's fault
            raise NoSpaceError(f"no room for {target.name}; make some and try again") from None
        raise


def _open(source: Path | bytes, made: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    name = str(source) if isinstance(source, Path) else source
    try:
        return onnxruntime.InferenceSession(name, made, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library has no public base for its errors
        where = source.name if isinstance(source, Path) else "a part"
        raise VoiceModelError(
            f"cannot load {where} ({brief(error)}); download or prepare the voice again"
        ) from error
