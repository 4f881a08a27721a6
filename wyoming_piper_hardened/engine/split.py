"""Preparing a stock voice: cut it, prove the parts, measure its level and speed.

Needs the ``onnx`` package, which the engine itself does without.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from piper import PiperConfig

from ..errors import SynthesisError, VoiceModelError, VoiceNotPiperError
from .level import steady_gain
from .noise import Noise
from .parts import Floats, Parts, Scales, Take, Utterance, front_feed
from .phonemes import Phonemes, read_config
from .quoting import brief
from .report import REPORT_NAME, Mode, SplitReport
from .session import FOLDED, SessionSettings, open_model, optimise, run
from .surgery.anatomy import find_decoder, find_prior
from .surgery.cut import Front, Windowed, cut_decoder, cut_encoder, cut_flow, cut_front, cut_whole
from .surgery.graph import Graph, StructureError

TOLERANCE: Final = 1e-5
"""Largest difference allowed between parts and stock model at noise 0, full scale 1."""

CHUNK_TOLERANCE: Final = 1
"""Largest difference allowed between chunked and one-pass audio, in 16-bit steps."""

FILES: Final = ("encoder.onnx", "flow.onnx", "decoder.onnx", "whole.onnx")
"""What a folder of parts may hold, besides the report."""

_PROOF_CHUNK: Final = 24
"""Frames: small, so that the proof has many borders."""
_PROOF_SENTENCES: Final = 3
_GAIN_SPEAKERS: Final = 8
"""Speakers of a voice with many, spread evenly, whose loudness is measured."""
_INPUTS: Final = frozenset({"input", "input_lengths", "scales"})
_SPEAKER_INPUT: Final = "sid"
_SILENT: Final = Take(Scales(noise=0.0, length=1.0, noise_w=0.0), 0, Noise(bytes(16)))
"""Without any noise: only so can the parts be compared with a model that draws its own."""
_STEP: Final = 32767.0


@dataclass(slots=True)
class _Stock:
    """The voice as it came."""

    graph: Graph
    config: PiperConfig
    digest: str
    samples: list[list[int]]
    references: list[Floats]
    """Audio of the first samples at noise 0."""


def split(model: Path, config: Path, out: Path) -> SplitReport:
    """Write the parts of a stock voice, proved against it, and their report into the folder `out`.

    Falls back from mode ``split`` to ``decoder`` to ``whole``, with the reasons in the report.

    Raises:
        VoiceConfigError: the configuration `config` cannot be used.
        VoiceModelError: the model cannot be loaded.
        VoiceNotPiperError: it is no Piper voice, or one that does not speak.
    """
    out.mkdir(parents=True, exist_ok=True)
    stock = _open_stock(model, config, out)
    reasons: list[str] = []
    for mode, build in ((Mode.SPLIT, _build_split), (Mode.DECODER, _build_decoder)):
        try:
            report = _proved(stock, out, build(stock, out))
            break
        except (StructureError, VoiceModelError, SynthesisError) as error:
            reasons.append(f"{mode}: {error}")
        for name in FILES:
            (out / name).unlink(missing_ok=True)
    else:
        report = _build_whole(stock, out, reasons)
    report = dataclasses.replace(report, reason="; ".join(reasons))
    (out / REPORT_NAME).write_text(report.to_json(), encoding="utf-8")
    return report


def _open_stock(model: Path, config_path: Path, out: Path) -> _Stock:
    config = read_config(config_path)
    try:
        with model.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise VoiceModelError(f"cannot read {model.name}: {error}") from error
    session = open_model(model, SessionSettings())
    names = {value.name for value in session.get_inputs()}
    if not _INPUTS <= names <= _INPUTS | {_SPEAKER_INPUT}:
        raise VoiceNotPiperError(
            f"{model.name} takes {brief(', '.join(sorted(names)))}: not a Piper voice"
        )
    samples = Phonemes(config).samples()
    if not samples:
        raise VoiceNotPiperError("phoneme_id_map has no phoneme to speak")
    try:
        references = [_speak_stock(session, ids) for ids in samples[:_PROOF_SENTENCES]]
    except SynthesisError as error:
        raise VoiceNotPiperError(f"{model.name} cannot speak: {error}") from error
    if any(audio.size == 0 or not np.isfinite(audio).all() for audio in references):
        raise VoiceNotPiperError(f"{model.name} does not give audio")
    del session  # frees a whole model before the graph takes as much again
    folded = out / "folded.onnx"
    try:
        optimise(model, folded, FOLDED)
        graph = Graph(onnx.load(folded))
    finally:
        folded.unlink(missing_ok=True)
    return _Stock(graph, config, digest, samples, references)


def _speak_stock(session: onnxruntime.InferenceSession, ids: list[int]) -> Floats:
    feed: dict[str, NDArray[np.generic]] = {
        "input": np.array([ids], np.int64),
        "input_lengths": np.array([len(ids)], np.int64),
        "scales": _SILENT.scales.array(),
    }
    if any(value.name == _SPEAKER_INPUT for value in session.get_inputs()):
        feed[_SPEAKER_INPUT] = np.zeros(1, np.int64)
    return run(session, feed)[0].ravel()


def _build_split(stock: _Stock, out: Path) -> SplitReport:
    decoder = find_decoder(stock.graph)
    prior = find_prior(stock.graph, decoder.latent)
    flow = cut_flow(stock.graph, prior, decoder.latent)
    if flow.hop != 1:
        raise StructureError("the flow changes the number of frames")
    front = cut_encoder(stock.graph, prior)
    report = _written(stock, out, Mode.SPLIT, front, cut_decoder(stock.graph, decoder))
    _write(flow, out)
    return dataclasses.replace(report, flow=flow.part)


def _build_decoder(stock: _Stock, out: Path) -> SplitReport:
    decoder = find_decoder(stock.graph)
    front = cut_front(stock.graph, [decoder.latent], [])
    return _written(stock, out, Mode.DECODER, front, cut_decoder(stock.graph, decoder))


def _build_whole(stock: _Stock, out: Path, reasons: list[str]) -> SplitReport:
    try:
        report = _written(stock, out, Mode.WHOLE, cut_whole(stock.graph), None)
    except (StructureError, VoiceModelError) as error:
        reasons.append(f"noise: {error}")
        front = Front(stock.graph.model, (), _SPEAKER_INPUT in stock.graph.inputs)
        report = _written(stock, out, Mode.WHOLE, front, None)
    session = open_model(out / report.front, SessionSettings())

    def speak(ids: list[int], take: Take) -> Floats:
        return run(session, front_feed(report, ids, take))[0].ravel()

    return _levelled(stock, report, speak)


def _written(
    stock: _Stock, out: Path, mode: Mode, front: Front, decoder: Windowed | None
) -> SplitReport:
    """Write the front and the decoder, and start their report."""
    name = "whole.onnx" if mode is Mode.WHOLE else "encoder.onnx"
    optimise(front.model.SerializeToString(), out / name)
    if decoder is not None:
        _write(decoder, out)
    return SplitReport(
        mode=mode,
        reason="",
        digest=stock.digest,
        sample_rate=stock.config.sample_rate,
        hop_length=1 if decoder is None else decoder.hop,
        speakers=max(1, stock.config.num_speakers),
        front=name,
        front_noise=front.noise,
        front_speaker=front.speaker,
        flow=None,
        decoder=None if decoder is None else decoder.part,
        gain=1.0,
    )


def _write(windowed: Windowed, out: Path) -> None:
    optimise(windowed.model.SerializeToString(), out / windowed.part.file)


def _proved(stock: _Stock, out: Path, report: SplitReport) -> SplitReport:
    """Compare the parts with the stock model; measure their level and speed.

    Raises:
        StructureError: the parts do not sound like the model.
    """
    parts = Parts(out, report, SessionSettings())
    whole_error, chunk_error, seconds, frames = 0.0, 0, 0.0, 0
    for ids, reference in zip(stock.samples, stock.references, strict=False):
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
    return _levelled(stock, measured, speak)


def _in_chunks(parts: Parts, utterance: Utterance) -> Floats:
    starts = range(0, utterance.frames, _PROOF_CHUNK)
    return np.concatenate(
        [
            parts.decode(utterance, start, min(start + _PROOF_CHUNK, utterance.frames), 0)
            for start in starts
        ]
    )


def _levelled(
    stock: _Stock, report: SplitReport, speak: Callable[[list[int], Take], Floats]
) -> SplitReport:
    """Add the gain, measured on speech with the voice's own settings."""
    config = stock.config
    scales = Scales(config.noise_scale, config.length_scale, config.noise_w_scale)
    step = max(1, report.speakers // _GAIN_SPEAKERS)
    peaks = []
    for index, ids in enumerate(stock.samples):
        noise = Noise.of(report.digest, 0, "level", index, (0.0,))
        speaker = index * step % report.speakers
        peaks.append(float(np.abs(speak(ids, Take(scales, speaker, noise))).max()))
    return dataclasses.replace(report, gain=steady_gain(peaks), peaks=tuple(peaks))
