"""Creation of ONNX sessions: explicit options, no telemetry, errors with names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read once, when the library is loaded

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ...errors import NoSpaceError, SynthesisError, VoiceModelError
from ..quoting import brief

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

_WEIGHTS_FOLDER: Final = "session.model_external_initializers_file_folder_path"
_ERRORS_ONLY: Final = 3
_FULL: Final = 1 << 20  # bytes; less than a block of the library's may be left


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Share of the machine that a session may take."""

    threads: int = 1
    """Threads inside one run."""
    spin_microseconds: int = 0
    """Time that a thread without work waits awake for the next operation before it sleeps.

    A little joins the many small operations of an encoder; without a limit, two runs on a busy
    processor starve each other.
    """
    arena: bool = True
    """Whether memory is kept between runs, for all sessions of this process together."""
    level: onnxruntime.GraphOptimizationLevel = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL


def options(settings: SessionSettings) -> onnxruntime.SessionOptions:
    """Session options that leave nothing to the library's guesses about the machine."""
    made = onnxruntime.SessionOptions()
    made.intra_op_num_threads = settings.threads
    made.inter_op_num_threads = 1
    made.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    made.graph_optimization_level = settings.level
    made.enable_cpu_mem_arena = settings.arena
    if settings.arena:
        _share_arena()
        made.add_session_config_entry("session.use_env_allocators", "1")
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


def open_model(
    source: Path | bytes, settings: SessionSettings, weights: Path | None = None
) -> onnxruntime.InferenceSession:
    """Open a model from a file or its bytes.

    `weights` is the folder of the file that the model's weights lie in, where they are not its own:
    they are mapped from there, and shared with every other process that maps them. Without it, that
    is the folder of `source`.

    Raises:
        VoiceModelError: it cannot be loaded.
    """
    return _open(source, options(settings), weights)


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
    model: bytes,
    target: Path,
    weights: Path,
    level: onnxruntime.GraphOptimizationLevel = PORTABLE,
) -> None:
    """Write `model` to `target` after the optimisations of `level`.

    Its references to weights in the folder `weights` stay references.

    Raises:
        VoiceModelError: it cannot be loaded.
        NoSpaceError: the disk is full.
    """
    made = options(SessionSettings(level=level))
    made.optimized_model_filepath = str(target)
    try:
        _open(model, made, weights)
    except VoiceModelError:
        if (
            shutil.disk_usage(target.parent).free < _FULL
        ):  # the library calls that the model's fault
            raise NoSpaceError(f"no room for {target.name}; make some and try again") from None
        raise


@cache
def _share_arena() -> None:
    """Let the process have one arena: what the encoder has used, the decoder can use after it."""
    place = onnxruntime.OrtMemoryInfo(
        "Cpu",
        onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
        0,
        onnxruntime.OrtMemType.DEFAULT,
    )
    size, doubling, chunk, left = 0, 0, -1, -1  # the library's own choices
    onnxruntime.create_and_register_allocator(
        place, onnxruntime.OrtArenaCfg(size, doubling, chunk, left)
    )


def _open(
    source: Path | bytes, made: onnxruntime.SessionOptions, weights: Path | None
) -> onnxruntime.InferenceSession:
    where = source.name if isinstance(source, Path) else "a part"
    folders = [path for path in (weights, getattr(source, "parent", None)) if path is not None]
    try:
        if weights is not None:
            made.add_session_config_entry(_WEIGHTS_FOLDER, str(weights))
            if isinstance(source, Path):  # of a file, the library takes the file's own folder
                source = source.read_bytes()
        model = str(source) if isinstance(source, Path) else source
        return onnxruntime.InferenceSession(model, made, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library has no public base for its errors
        raise VoiceModelError(
            f"cannot load {where} ({brief(error, folders)}); download or prepare the voice again"
        ) from error
