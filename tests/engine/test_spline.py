"""Fewer operations for the duration predictor's splines, and the same values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from conftest import Report
from support.voices import VOICES
from wyoming_piper_hardened.engine.preparation.rewriting.spline import fuse_splines
from wyoming_piper_hardened.engine.preparation.surgery.anatomy import find_decoder, find_prior
from wyoming_piper_hardened.engine.preparation.surgery.cut import Front, cut_front
from wyoming_piper_hardened.engine.preparation.surgery.graph import Graph
from wyoming_piper_hardened.engine.preparation.surgery.stock_file import read_graph
from wyoming_piper_hardened.engine.sessions.session import (
    FOLDED,
    SessionSettings,
    open_model,
    optimise,
    run,
)

IDS = 60


def encoder(model: Path, folder: Path) -> tuple[Front, Path]:
    """Return (a voice's encoder as it was exported, the folder of its weights)."""
    folded = folder / "folded.onnx"
    optimise(read_graph(model).SerializeToString(), folded, model.parent, FOLDED)
    graph = Graph(onnx.load(folded, load_external_data=False), model.parent)
    prior = find_prior(graph, find_decoder(graph).latent)
    outputs = [prior.durations, prior.mean, prior.log_deviation]
    return cut_front(graph, outputs, []), model.parent


def computed(front: Front, weights: Path, noise_w: float) -> list[NDArray[np.float32]]:
    session = open_model(front.model.SerializeToString(), SessionSettings(), weights)
    random = np.random.default_rng(5)
    feed: dict[str, NDArray[np.generic]] = {
        "input": random.integers(1, 100, (1, IDS)),
        "input_lengths": np.array([IDS], np.int64),
        "scales": np.array([0.667, 1.0, noise_w], np.float32),
    }
    for name in front.noise:
        feed[name] = random.standard_normal(4 * IDS).astype(np.float32)
    if front.speaker:
        feed["sid"] = np.array([1], np.int64)
    return run(session, feed)


@pytest.mark.parametrize("name", ["single", "many_speakers", "high", "joe"])
def test_the_splines_give_the_same_durations(
    name: str, model: Path, tmp_path: Path, report: Report
) -> None:
    """Also far out, where the spline is the identity."""
    path = model if name == "joe" else VOICES / f"{name}.onnx"
    front, weights = encoder(path, tmp_path)
    before = [computed(front, weights, noise_w) for noise_w in (0.0, 0.8, 5.0)]
    nodes = len(front.model.graph.node)
    assert fuse_splines(Graph(front.model, weights)) == 3
    fewer = nodes - len(front.model.graph.node)
    report(f"{name}: {fewer} of {nodes} operations less")
    assert fewer > 500
    after = [computed(front, weights, noise_w) for noise_w in (0.0, 0.8, 5.0)]
    for ours, theirs in zip(after, before, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert np.array_equal(one, other)


def test_a_voice_without_splines_is_left_alone(tmp_path: Path) -> None:
    front, weights = encoder(VOICES / "fixed_durations.onnx", tmp_path)
    before = front.model.SerializeToString()
    assert fuse_splines(Graph(front.model, weights)) == 0
    assert front.model.SerializeToString() == before


def test_another_formula_is_left_alone(tmp_path: Path) -> None:
    """What differs only in its numbers is found by computing both."""
    front, weights = encoder(VOICES / "single.onnx", tmp_path)
    graph = Graph(front.model, weights)
    least = [
        tensor
        for name, tensor in graph.initializers.items()
        if (value := graph.constant(name)) is not None and np.array_equal(value, np.float32(1e-3))
    ]
    assert least
    for tensor in least:
        tensor.CopyFrom(numpy_helper.from_array(np.array(5e-3, np.float32), tensor.name))
    assert fuse_splines(Graph(front.model, weights)) == 0
