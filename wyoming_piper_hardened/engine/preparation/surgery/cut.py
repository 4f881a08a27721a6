"""Building a voice's parts as models of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from ...report import Part, Trim
from ..rewriting.attention import without_padding
from ..rewriting.spline import fuse_splines
from .anatomy import DecoderCut, PriorCut, noises
from .graph import Graph, StructureError, assemble, attributes, copied
from .reach import reach
from .window import add_trims, to_two_dimensions

SPEAKER = "sid"
"""The input of voices with several speakers: int64 [1]."""


@dataclass(frozen=True, slots=True)
class Front:
    """The part that takes phoneme ids."""

    model: ModelProto
    noise: tuple[str, ...]
    """Its noise inputs: float [any length], read round and round."""
    speaker: bool


@dataclass(frozen=True, slots=True)
class Windowed:
    """A part that runs over windows of frames."""

    model: ModelProto
    part: Part
    hop: int


def cut_front(graph: Graph, outputs: list[str], extra: list[NodeProto]) -> Front:
    """Everything that `outputs` need, with `extra` nodes after it; noise becomes inputs."""
    made = {name for node in extra for name in node.output}
    needed = [name for name in outputs if name not in made] + [
        name for node in extra for name in node.input
    ]
    nodes, inputs = graph.upstream(needed)
    names: list[str] = []
    constants: dict[str, TensorProto] = {}
    seeded: list[NodeProto] = []
    for node in copied(nodes):
        if node.op_type == "RandomNormalLike":
            names.append(f"noise_{len(names)}")
            seeded.extend(_noise_from(node, names[-1], constants))
        else:
            seeded.append(node)
    values = [graph.inputs[name] for name in graph.inputs if name in inputs]
    values += [_value(name, ["length"]) for name in names]
    model = assemble(graph, [*seeded, *copied(extra)], values, outputs, constants.values())
    return Front(model=model, noise=tuple(names), speaker=SPEAKER in inputs)


def cut_whole(graph: Graph) -> Front:
    """Return the whole model with its noise as inputs."""
    if not noises(graph):
        raise StructureError("the model draws no noise that could be given to it")
    return cut_front(graph, [value.name for value in graph.model.graph.output][:1], [])


def cut_encoder(graph: Graph, prior: PriorCut) -> Front:
    """Phoneme ids to durations, mean and standard deviation of the prior, by phoneme."""
    deviation = f"{prior.log_deviation}_exp"
    outputs = [prior.durations, prior.mean, deviation]
    front = cut_front(graph, outputs, [helper.make_node("Exp", [prior.log_deviation], [deviation])])
    without_padding(Graph(front.model, graph.weights))
    fuse_splines(Graph(front.model, graph.weights))
    return front


def cut_flow(graph: Graph, prior: PriorCut, latent: str) -> Windowed:
    """Prior to latent."""
    return _windowed(graph, "flow.onnx", prior.prior, latent, masks=prior.masks)


def cut_decoder(graph: Graph, decoder: DecoderCut) -> Windowed:
    """Latent to audio, its convolutions two-dimensional where that is possible."""
    try:
        return _windowed(graph, "decoder.onnx", decoder.latent, decoder.audio, planar=True)
    except StructureError:
        return _windowed(graph, "decoder.onnx", decoder.latent, decoder.audio)


def _windowed(
    graph: Graph,
    file: str,
    source: str,
    target: str,
    *,
    masks: frozenset[str] = frozenset(),
    planar: bool = False,
) -> Windowed:
    """Return the part from `source` to `target`, without its factors `masks`, which are all ones.

    `planar` writes its convolutions in two dimensions.
    """
    nodes, inputs = graph.upstream([target], stop=[source, *masks])
    if foreign := inputs - {SPEAKER}:
        raise StructureError(f"{file} would need {', '.join(sorted(foreign))}")
    given = [_value(source, [1, "channels", "frames"])]
    if SPEAKER in inputs:
        given.append(graph.inputs[SPEAKER])
    kept, same = _without_factors(copied(nodes), masks)
    target = same.get(target, target)
    model = assemble(graph, kept, given, [target])
    part = Graph(model, graph.weights)
    found = reach(part, source, target)
    if planar:
        to_two_dimensions(part, source)
    add_trims(model, found.trims, axis=3 if planar else 2)
    trims: tuple[Trim, ...] = tuple(found.trims.values())
    return Windowed(model, Part(file, found.margin, trims, SPEAKER in inputs), found.hop)


def _without_factors(
    nodes: Iterable[NodeProto], factors: frozenset[str]
) -> tuple[list[NodeProto], dict[str, str]]:
    """Leave out multiplications by `factors`, which are all ones.

    Returns:
        The nodes that are left, and for each product left out the tensor that takes its place.
    """
    same: dict[str, str] = {}
    kept: list[NodeProto] = []
    for node in nodes:
        for index, name in enumerate(node.input):
            node.input[index] = same.get(name, name)
        others = [name for name in node.input if name not in factors]
        if node.op_type == "Mul" and len(others) == 1:
            same[node.output[0]] = others[0]
        else:
            kept.append(node)
    return kept, same


def _value(name: str, shape: list[int | str]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _noise_from(node: NodeProto, name: str, constants: dict[str, TensorProto]) -> list[NodeProto]:
    """Nodes that fill the output of `node` from the flat input `name`, again and again if short."""
    values = attributes(node)
    if values.get("mean", 0.0) != 0.0 or values.get("scale", 1.0) != 1.0:
        raise StructureError("the model draws noise that is not standard")
    for key, number in (("noise_zero", 0), ("noise_one", 1)):
        constants[key] = numpy_helper.from_array(np.array(number, np.int64), key)
    shape, size, numbers, length, places, taken = (
        f"{name}_{word}" for word in ("shape", "size", "range", "length", "at", "flat")
    )
    return [
        helper.make_node("Shape", [node.input[0]], [shape]),
        helper.make_node("Size", [node.input[0]], [size]),
        helper.make_node("Range", ["noise_zero", size, "noise_one"], [numbers]),
        helper.make_node("Size", [name], [length]),
        helper.make_node("Mod", [numbers, length], [places]),
        helper.make_node("Gather", [name, places], [taken], axis=0),
        helper.make_node("Reshape", [taken, shape], [node.output[0]]),
    ]
