"""Verification of a voice's parts against its stock model, with their level and speed."""

from __future__ import annotations

import dataclasses
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ...errors import SynthesisError, VoiceNotPiperError
from ..configuration.description import VoiceConfiguration
from ..embedded import file_digest
from ..quoting import brief
from ..report import SplitReport
from ..sessions.level import steady_gain
from ..sessions.session import SessionSettings, open_model, run
from ..synthesis.noise import Noise
from ..synthesis.parts import (
    Floats,
    PartFiles,
    Scales,
    SentenceSettings,
    Span,
    Utterance,
    front_feed,
)
from ..synthesis.phonemes import Phonemes
from .surgery.graph import Graph, StructureError

TOLERANCE: Final = 1e-5
"""Largest difference allowed between parts and stock model at noise 0, full scale 1."""

CHUNK_TOLERANCE: Final = 1
"""Largest difference allowed between chunked and one-pass audio, in 16-bit steps."""

SPEAKER_INPUT: Final = "sid"

_CHUNK: Final = 24
"""Frames: small, so that the comparison has many borders."""
_SENTENCES: Final = 3
_GAIN_SPEAKERS: Final = 8
"""Speakers of a voice with many, spread evenly, whose loudness is measured."""
_INPUTS: Final = frozenset({"input", "input_lengths", "scales"})
_SILENT: Final = SentenceSettings(Scales(noise=0.0, length=1.0, noise_w=0.0), 0, Noise(bytes(16)))
"""Without any noise: only so can the parts be compared with a model that draws its own."""
_STEP: Final = 32767.0
_SPARING: Final = SessionSettings(arena=False)
"""Frees the memory of a run before the next one."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Audio of a stock model that a voice's parts are compared with."""

    config: VoiceConfiguration
    digest: str
    """BLAKE2b-128 of the model's file."""
    samples: list[list[int]]
    """Sentences as phoneme ids."""
    spoken: list[tuple[list[int], Floats]]
    """The shortest samples, and the stock model's audio of them at noise 0."""


def speak_reference(model: Path, graph: Graph, config: VoiceConfiguration) -> Reference:
    """Have the stock model `graph` in the file `model` speak.

    Raises:
        VoiceModelError: it cannot be loaded.
        VoiceNotPiperError: it is no Piper voice, or does not speak.
    """
    names = set(graph.inputs)
    if not _INPUTS <= names <= _INPUTS | {SPEAKER_INPUT}:
        raise VoiceNotPiperError(
            f"{model.name} takes {brief(', '.join(sorted(names)))}: not a Piper voice"
        )
    samples = Phonemes(config).samples()
    if not samples:
        raise VoiceNotPiperError("phoneme_id_map has no phoneme to speak")
    session = open_model(graph.model.SerializeToString(), _SPARING, graph.weights)
    try:
        # The whole model needs much memory for a long one.
        shortest = sorted(samples, key=len)[:_SENTENCES]
        spoken = [(ids, _speak_stock(session, ids)) for ids in shortest]
    except SynthesisError as error:
        raise VoiceNotPiperError(f"{model.name} cannot speak: {error}") from error
    if any(audio.size == 0 or not np.isfinite(audio).all() for _, audio in spoken):
        raise VoiceNotPiperError(f"{model.name} does not give audio")
    return Reference(config, file_digest(model), samples, spoken)


def verify_parts(
    reference: Reference, folder: Path, weights: Path, report: SplitReport
) -> SplitReport:
    """Compare the parts in `folder` with the stock model; measure their level and speed.

    Of the parts, only those before the decoder are loaded first, then only the decoder.

    Raises:
        StructureError: the parts do not sound like the model.
    """
    files = PartFiles(folder, report, _SPARING, weights)
    silent, natural, seconds = _fronts(reference, files)
    decoder = files.open_decoder()
    whole_error, chunk_error = 0.0, 0
    for utterance, (_, expected) in zip(silent, reference.spoken, strict=True):
        started = _worked()
        audio = decoder.decode(utterance, 0, utterance.frames, 0)
        seconds += _worked() - started
        if audio.shape != expected.shape:
            raise StructureError(f"the parts give {audio.size} samples, the model {expected.size}")
        whole_error = max(whole_error, float(np.abs(audio - expected).max()))
        chunks = [decoder.decode(utterance, *chunk, 0) for chunk in _chunks(utterance.frames)]
        steps = np.abs(np.rint(np.concatenate(chunks) * _STEP) - np.rint(audio * _STEP)).max()
        if not np.isfinite(steps):
            raise StructureError("the parts give no finite audio")
        chunk_error = max(chunk_error, int(steps))
    # "not <=" rather than ">": what is not a number must fail.
    if not whole_error <= TOLERANCE or chunk_error > CHUNK_TOLERANCE:
        raise StructureError(
            f"the parts differ from the model by {whole_error:.2g},"
            f" in chunks by {chunk_error} of 16 bits"
        )
    frames = sum(utterance.frames for utterance in silent)
    peaks = [
        _peak(decoder.decode(utterance, 0, utterance.frames, settings.speaker))
        for utterance, settings in zip(natural, _sentences(reference, report), strict=True)
    ]
    return dataclasses.replace(
        report,
        whole_error=whole_error,
        chunk_error=chunk_error,
        frame_seconds=seconds / frames,
        gain=steady_gain(peaks),
        peaks=tuple(peaks),
    )


def _fronts(
    reference: Reference, files: PartFiles
) -> tuple[list[_Recorded], list[_Recorded], float]:
    """Return the inputs of the decoder, computed by the parts before it.

    Returns:
        The sentences of the reference without noise, all samples with the voice's own settings,
        and the seconds that the former took beyond the front.
    """
    report = files.report
    assert report.decoder is not None
    margin = report.decoder.margin
    front = files.open_front()
    silent: list[_Recorded] = []
    seconds = 0.0
    for ids, _ in reference.spoken:
        utterance = front.utter(ids, _SILENT)
        started = _worked()
        recorded = _Recorded(utterance, [(0, utterance.frames)], margin)
        seconds += _worked() - started
        recorded.add(utterance, _chunks(utterance.frames), margin)
        silent.append(recorded)
    natural: list[_Recorded] = []
    for ids, settings in zip(reference.samples, _sentences(reference, report), strict=True):
        utterance = front.utter(ids, settings)
        natural.append(_Recorded(utterance, [(0, utterance.frames)], margin))
    return silent, natural, seconds


class _Recorded:
    """An utterance whose latent is known for some chunks."""

    def __init__(self, utterance: Utterance, chunks: list[tuple[int, int]], margin: int) -> None:
        self.frames = utterance.frames
        self._latents: dict[tuple[int, int], Floats] = {}
        self.add(utterance, chunks, margin)

    def add(self, utterance: Utterance, chunks: list[tuple[int, int]], margin: int) -> None:
        for start, stop in chunks:
            span = Span.within(self.frames, start, stop, margin)
            self._latents[span.low, span.high] = utterance.latent(span.low, span.high)

    def latent(self, start: int, stop: int) -> Floats:
        return self._latents[start, stop]


def measure_whole(
    reference: Reference, folder: Path, weights: Path, report: SplitReport
) -> SplitReport:
    """Measure the level of a whole model in `folder`."""
    session = open_model(folder / report.front, _SPARING, weights)
    peaks = [
        _peak(run(session, front_feed(report, ids, settings))[0])
        for ids, settings in zip(reference.samples, _sentences(reference, report), strict=True)
    ]
    return dataclasses.replace(report, gain=steady_gain(peaks), peaks=tuple(peaks))


def _speak_stock(session: onnxruntime.InferenceSession, ids: list[int]) -> Floats:
    feed: dict[str, NDArray[np.generic]] = {
        "input": np.array([ids], np.int64),
        "input_lengths": np.array([len(ids)], np.int64),
        "scales": _SILENT.scales.array(),
    }
    if any(value.name == SPEAKER_INPUT for value in session.get_inputs()):
        feed[SPEAKER_INPUT] = np.zeros(1, np.int64)
    return run(session, feed)[0].ravel()


def _chunks(frames: int) -> list[tuple[int, int]]:
    return [(start, min(start + _CHUNK, frames)) for start in range(0, frames, _CHUNK)]


def _worked() -> float:
    """Seconds that this process has computed.

    Neither what others had of the processor counts, nor the kernel's work for memory that is
    returned after every run: an engine keeps it.
    """
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def _peak(audio: Floats) -> float:
    return float(np.abs(audio).max())


def _sentences(reference: Reference, report: SplitReport) -> list[SentenceSettings]:
    """Return how each sample is spoken with the voice's own settings."""
    config = reference.config
    scales = Scales(config.noise_scale, config.length_scale, config.noise_w_scale)
    step = max(1, report.speakers // _GAIN_SPEAKERS)
    return [
        SentenceSettings(
            scales,
            index * step % report.speakers,
            Noise.of(report.digest, 0, "level", index, (0.0,)),
        )
        for index in range(len(reference.samples))
    ]
