"""Preparing a stock voice: cut its graph, prove the parts, measure their level and speed.

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
from ..synthesis.phonemes import read_config
from ..synthesis.session import FOLDED, optimise
from .surgery.anatomy import find_decoder, find_prior
from .surgery.control_flow import refuse_loops
from .surgery.cut import Front, Windowed, cut_decoder, cut_encoder, cut_flow, cut_front, cut_whole
from .surgery.graph import Graph, StructureError
from .surgery.stock_file import read_graph
from .verification import SPEAKER_INPUT, Evidence, gather, measure_whole, prove_parts

FILES: Final = ("encoder.onnx", "flow.onnx", "decoder.onnx", "whole.onnx")
"""What a folder of parts may hold, besides the report."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Work:
    """A voice that is being prepared."""

    graph: Graph
    """Its constants computed."""
    stock: Stock
    evidence: Evidence
    out: Path


def split(model: Path, config: Path, out: Path) -> SplitReport:
    """Write the parts of a stock voice, proved against it, and their report into the folder `out`.

    Falls back from mode ``split`` to ``decoder`` to ``whole``, with the reasons in the report.

    Raises:
        VoiceConfigError: the configuration `config` cannot be used.
        VoiceModelError: the model cannot be loaded.
        VoiceNotPiperError: it is no Piper voice, or one that does not speak.
    """
    out.mkdir(parents=True, exist_ok=True)
    work = _begin(model, config, out)
    reasons: list[str] = []
    for mode, build in ((Mode.SPLIT, _build_split), (Mode.DECODER, _build_decoder)):
        try:
            report = prove_parts(work.evidence, out, work.graph.weights, build(work))
            break
        except (StructureError, VoiceModelError, SynthesisError) as error:
            reasons.append(f"{mode}: {error}")
        for name in FILES:
            (out / name).unlink(missing_ok=True)
    else:
        report = _build_whole(work, reasons)
    report = dataclasses.replace(report, reason="; ".join(reasons))
    (out / REPORT_NAME).write_text(report.to_json(), encoding="utf-8")
    return report


def _begin(model: Path, config_path: Path, out: Path) -> _Work:
    config = read_config(config_path)
    stock = read_graph(model)
    refuse_loops(stock, model.name)
    graph = Graph(stock, model.parent)
    evidence = gather(model, graph, config)
    folded = out / "folded.onnx"
    try:
        optimise(graph.model.SerializeToString(), folded, graph.weights, FOLDED)
        graph = Graph(onnx.load(folded, load_external_data=False), graph.weights)
    finally:
        folded.unlink(missing_ok=True)
    return _Work(graph, Stock(model.name, model.stat().st_size), evidence, out)


def _build_split(work: _Work) -> SplitReport:
    decoder = find_decoder(work.graph)
    prior = find_prior(work.graph, decoder.latent)
    flow = cut_flow(work.graph, prior, decoder.latent)
    if flow.hop != 1:
        raise StructureError("the flow changes the number of frames")
    front = cut_encoder(work.graph, prior)
    report = _written(work, Mode.SPLIT, front, cut_decoder(work.graph, decoder))
    _write(work, flow)
    return dataclasses.replace(report, flow=flow.part)


def _build_decoder(work: _Work) -> SplitReport:
    decoder = find_decoder(work.graph)
    front = cut_front(work.graph, [decoder.latent], [])
    return _written(work, Mode.DECODER, front, cut_decoder(work.graph, decoder))


def _build_whole(work: _Work, reasons: list[str]) -> SplitReport:
    try:
        report = _written(work, Mode.WHOLE, cut_whole(work.graph), None)
    except (StructureError, VoiceModelError) as error:
        reasons.append(f"noise: {error}")
        front = Front(work.graph.model, (), SPEAKER_INPUT in work.graph.inputs)
        report = _written(work, Mode.WHOLE, front, None)
    return measure_whole(work.evidence, work.out, work.graph.weights, report)


def _written(work: _Work, mode: Mode, front: Front, decoder: Windowed | None) -> SplitReport:
    """Write the front and the decoder, and start their report."""
    name = "whole.onnx" if mode is Mode.WHOLE else "encoder.onnx"
    optimise(front.model.SerializeToString(), work.out / name, work.graph.weights)
    if decoder is not None:
        _write(work, decoder)
    return SplitReport(
        mode=mode,
        reason="",
        digest=work.evidence.digest,
        sample_rate=work.evidence.config.sample_rate,
        hop_length=1 if decoder is None else decoder.hop,
        speakers=max(1, work.evidence.config.num_speakers),
        front=name,
        front_noise=front.noise,
        front_speaker=front.speaker,
        flow=None,
        decoder=None if decoder is None else decoder.part,
        gain=1.0,
        stock=work.stock,
    )


def _write(work: _Work, windowed: Windowed) -> None:
    target = work.out / windowed.part.file
    optimise(windowed.model.SerializeToString(), target, work.graph.weights)
