"""Preparing a stock voice: cut its graph, verify the parts, measure their level and speed.

The parts are graphs; their weights stay in the stock model's file, beside which they belong. Needs
the ``onnx`` package, which the engine itself does without.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final

import onnx

from ...errors import SynthesisError, VoiceModelError
from ..report import REPORT_NAME, Mode, SplitReport, Stock
from ..sessions.session import FOLDED, optimise
from ..synthesis.phonemes import read_config
from .surgery.anatomy import find_decoder, find_prior
from .surgery.control_flow import refuse_loops
from .surgery.cut import Front, Windowed, cut_decoder, cut_encoder, cut_flow, cut_front, cut_whole
from .surgery.graph import Graph, StructureError
from .surgery.stock_file import read_graph
from .surgery.tables import PHONEMES, table_rows, within_tables
from .verification import SPEAKER_INPUT, Reference, measure_whole, speak_reference, verify_parts

FILES: Final = ("encoder.onnx", "flow.onnx", "decoder.onnx", "whole.onnx")
"""Files that a folder of parts may hold, besides the report."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Preparation:
    """A voice that is being prepared."""

    graph: Graph
    """Its constants computed."""
    stock: Stock
    reference: Reference
    symbols: int
    """Rows of the table of phonemes; 0 if unknown."""
    out: Path


def split(model: Path, config: Path, out: Path) -> SplitReport:
    """Write the parts of a stock voice, verified against it, and their report into `out`.

    Falls back from mode ``split`` to ``decoder`` to ``whole``, with the reasons in the report.

    Raises:
        VoiceConfigError: the configuration `config` cannot be used.
        VoiceModelError: the model cannot be loaded.
        VoiceNotPiperError: it is no Piper voice, or one that does not speak.
    """
    out.mkdir(parents=True, exist_ok=True)
    voice = _begin(model, config, out)
    reasons: list[str] = []
    for mode, build in ((Mode.SPLIT, _build_split), (Mode.DECODER, _build_decoder)):
        try:
            report = verify_parts(voice.reference, out, voice.graph.weights, build(voice))
            break
        except (StructureError, VoiceModelError, SynthesisError) as error:
            reasons.append(f"{mode}: {error}")
        for name in FILES:
            (out / name).unlink(missing_ok=True)
    else:
        report = _build_whole(voice, reasons)
    report = dataclasses.replace(report, reason="; ".join(reasons))
    (out / REPORT_NAME).write_text(report.to_json(), encoding="utf-8")
    return report


def _begin(model: Path, config_path: Path, out: Path) -> _Preparation:
    config = read_config(config_path)
    stock = read_graph(model)
    refuse_loops(stock, model.name)
    graph = Graph(stock, model.parent)
    config = within_tables(config, graph)
    symbols = table_rows(graph, PHONEMES)
    reference = speak_reference(model, graph, config)
    folded = out / "folded.onnx"
    try:
        optimise(graph.model.SerializeToString(), folded, graph.weights, FOLDED)
        graph = Graph(onnx.load(folded, load_external_data=False), graph.weights)
    finally:
        folded.unlink(missing_ok=True)
    size = model.stat().st_size
    return _Preparation(graph, Stock(model.name, size), reference, symbols, out)


def _build_split(voice: _Preparation) -> SplitReport:
    decoder = find_decoder(voice.graph)
    prior = find_prior(voice.graph, decoder.latent)
    flow = cut_flow(voice.graph, prior, decoder.latent)
    if flow.hop != 1:
        raise StructureError("the flow changes the number of frames")
    front = cut_encoder(voice.graph, prior)
    report = _written(voice, Mode.SPLIT, front, cut_decoder(voice.graph, decoder))
    _write(voice, flow)
    return dataclasses.replace(report, flow=flow.part)


def _build_decoder(voice: _Preparation) -> SplitReport:
    decoder = find_decoder(voice.graph)
    front = cut_front(voice.graph, [decoder.latent], [])
    return _written(voice, Mode.DECODER, front, cut_decoder(voice.graph, decoder))


def _build_whole(voice: _Preparation, reasons: list[str]) -> SplitReport:
    try:
        report = _written(voice, Mode.WHOLE, cut_whole(voice.graph), None)
    except (StructureError, VoiceModelError) as error:
        reasons.append(f"noise: {error}")
        front = Front(voice.graph.model, (), SPEAKER_INPUT in voice.graph.inputs)
        report = _written(voice, Mode.WHOLE, front, None)
    return measure_whole(voice.reference, voice.out, voice.graph.weights, report)


def _written(
    voice: _Preparation, mode: Mode, front: Front, decoder: Windowed | None
) -> SplitReport:
    """Write the front and the decoder, and start their report."""
    name = "whole.onnx" if mode is Mode.WHOLE else "encoder.onnx"
    optimise(front.model.SerializeToString(), voice.out / name, voice.graph.weights)
    if decoder is not None:
        _write(voice, decoder)
    return SplitReport(
        mode=mode,
        reason="",
        digest=voice.reference.digest,
        sample_rate=voice.reference.config.sample_rate,
        hop_length=1 if decoder is None else decoder.hop,
        speakers=voice.reference.config.number_of_speakers,
        front=name,
        front_noise=front.noise,
        front_speaker=front.speaker,
        flow=None,
        decoder=None if decoder is None else decoder.part,
        gain=1.0,
        stock=voice.stock,
        symbols=voice.symbols,
    )


def _write(voice: _Preparation, windowed: Windowed) -> None:
    target = voice.out / windowed.part.file
    optimise(windowed.model.SerializeToString(), target, voice.graph.weights)
