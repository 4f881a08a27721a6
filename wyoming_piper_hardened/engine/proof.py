"""Proving a voice's parts against its stock model, and measuring their level and speed."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from piper import PiperConfig

from ..errors import SynthesisError, VoiceModelError, VoiceNotPiperError
from .level import steady_gain
from .noise import Noise
from .parts import Floats, Parts, Scales, Take, Utterance, front_feed
from .phonemes import Phonemes
from .report import SplitReport
from .session import SessionSettings, open_model, run
from .surgery.graph import Graph, StructureError

TOLERANCE: Final = 1e-5
"""Largest difference allowed between parts and stock model at noise 0, full scale 1."""

CHUNK_TOLERANCE: Final = 1
"""Largest difference allowed between chunked and one-pass audio, in 16-bit steps."""

SPEAKER_INPUT: Final = "sid"

_CHUNK: Final = 24
"""Frames: small, so that the proof has many borders."""
_SENTENCES: Final = 3
_GAIN_SPEAKERS: Final = 8
"""Speakers of a voice with many, spread evenly, whose loudness is measured."""
_INPUTS: Final = frozenset({"input", "input_lengths", "scales"})
_SILENT: Final = Take(Scales(noise=0.0, length=1.0, noise_w=0.0), 0, Noise(bytes(16)))
"""Without any noise: only so can the parts be compared with a model that draws its own."""
_STEP: Final = 32767.0
_SPARING: Final = SessionSettings(arena=False)
"""What a run has used is free before the next one."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a voice's parts are compared with."""

    config: PiperConfig
    digest: str
    """BLAKE2b-128 of the model's file."""
    samples: list[list[int]]
    """Sentences as phoneme ids."""
    references: list[Floats]
    """The stock model's audio of the first samples at noise 0."""


def gather(model: Path, graph: Graph, config: PiperConfig) -> Evidence:
    """Have the stock model `graph` in the file `model` speak.

    Raises:
        VoiceModelError: it cannot be loaded.
        VoiceNotPiperError: it is no Piper voice, or does not speak.
    """
    names = set(graph.inputs)
    if not _INPUTS <= names <= _INPUTS | {SPEAKER_INPUT}:
        raise VoiceNotPiperError(
            f"{model.name} takes {', '.join(sorted(names))}: not a Piper voice"
        )
    samples = Phonemes(config).samples()
    if not samples:
        raise VoiceNotPiperError("phoneme_id_map has no phoneme to speak")
    session = open_model(graph.model.SerializeToString(), _SPARING, graph.weights)
    try:
        references = [_speak_stock(session, ids) for ids in samples[:_SENTENCES]]
    except SynthesisError as error:
        raise VoiceNotPiperError(f"{model.name} cannot speak: {error}") from error
    if any(audio.size == 0 or not np.isfinite(audio).all() for audio in references):
        raise VoiceNotPiperError(f"{model.name} does not give audio")
    return Evidence(config, file_digest(model), samples, references)


def file_digest(model: Path) -> str:
    """BLAKE2b-128 of a file.

    Raises:
        VoiceModelError: it cannot be read.
    """
    try:
        with model.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise VoiceModelError(f"cannot read {model.name}: {error}") from error


def prove_parts(
    evidence: Evidence, folder: Path, weights: Path, report: SplitReport
) -> SplitReport:
    """Compare the parts in `folder` with the stock model; measure their level and speed.

    Raises:
        StructureError: the parts do not sound like the model.
    """
    parts = Parts(folder, report, _SPARING, weights)
    whole_error, chunk_error, seconds, frames = 0.0, 0, 0.0, 0
    for ids, reference in zip(evidence.samples, evidence.references, strict=False):
        utterance = parts.utter(ids, _SILENT)
        started = time.perf_counter()
        audio = parts.decode(utterance, 0, utterance.frames, 0)
        seconds, frames = seconds + time.perf_counter() - started, frames + utterance.frames
        if audio.shape != reference.shape:
            raise StructureError(f"the parts give {audio.size} samples, the model {reference.size}")
        whole_error = max(whole_error, float(np.abs(audio - reference).max()))
        chunked = _in_chunks(parts, utterance)
        steps = np.abs(np.rint(chunked * _STEP) - np.rint(audio * _STEP)).max()
        if not np.isfinite(steps):
            raise StructureError("the parts give no finite audio")
        chunk_error = max(chunk_error, int(steps))
    # "not <=" rather than ">": what is not a number must fail.
    if not whole_error <= TOLERANCE or chunk_error > CHUNK_TOLERANCE:
        raise StructureError(
            f"the parts differ from the model by {whole_error:.2g},"
            f" in chunks by {chunk_error} of 16 bits"
        )

    def speak(ids: list[int], take: Take) -> Floats:
        utterance = parts.utter(ids, take)
        return parts.decode(utterance, 0, utterance.frames, take.speaker)

    measured = dataclasses.replace(
        report, whole_error=whole_error, chunk_error=chunk_error, frame_seconds=seconds / frames
    )
    return _levelled(evidence, measured, speak)


def measure_whole(
    evidence: Evidence, folder: Path, weights: Path, report: SplitReport
) -> SplitReport:
    """Measure the level of a whole model in `folder`."""
    session = open_model(folder / report.front, _SPARING, weights)

    def speak(ids: list[int], take: Take) -> Floats:
        return run(session, front_feed(report, ids, take))[0].ravel()

    return _levelled(evidence, report, speak)


def _speak_stock(session: onnxruntime.InferenceSession, ids: list[int]) -> Floats:
    feed: dict[str, NDArray[np.generic]] = {
        "input": np.array([ids], np.int64),
        "input_lengths": np.array([len(ids)], np.int64),
        "scales": _SILENT.scales.array(),
    }
    if any(value.name == SPEAKER_INPUT for value in session.get_inputs()):
        feed[SPEAKER_INPUT] = np.zeros(1, np.int64)
    return run(session, feed)[0].ravel()


def _in_chunks(parts: Parts, utterance: Utterance) -> Floats:
    starts = range(0, utterance.frames, _CHUNK)
    return np.concatenate(
        [
            parts.decode(utterance, start, min(start + _CHUNK, utterance.frames), 0)
            for start in starts
        ]
    )


def _levelled(
    evidence: Evidence, report: SplitReport, speak: Callable[[list[int], Take], Floats]
) -> SplitReport:
    """Add the gain, measured on speech with the voice's own settings."""
    config = evidence.config
    scales = Scales(config.noise_scale, config.length_scale, config.noise_w_scale)
    step = max(1, report.speakers // _GAIN_SPEAKERS)
    peaks = []
    for index, ids in enumerate(evidence.samples):
        noise = Noise.of(report.digest, 0, "level", index, (0.0,))
        speaker = index * step % report.speakers
        peaks.append(float(np.abs(speak(ids, Take(scales, speaker, noise))).max()))
    return dataclasses.replace(report, gain=steady_gain(peaks), peaks=tuple(peaks))
