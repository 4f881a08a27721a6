"""Reach of a convolutional part: hop, margin, and where context may be trimmed.

A part is a chain of time-local layers from one input to one output. Going backwards through it,
kernels and dilations say how much context each layer needs; going forwards, strides say how many
samples a frame has become.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from onnx import NodeProto

from ...quoting import brief
from ...report import Trim
from .graph import Graph, StructureError, attributes

POINTWISE = frozenset(
    {
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Neg",
        "Exp",
        "Tanh",
        "Sigmoid",
        "Relu",
        "LeakyRelu",
        "Erf",
        "Softplus",
        "Clip",
        "Identity",
    }
)
"""Operations that compute each sample from the sample at its own place."""

WEIGHT_RANK = 3
"""A one-dimensional convolution's weight: [channels, channels, time]."""

_CHANNEL_AXIS = 1
_TIME_AXIS = 2
_SLICE_AXES = 3
"""The place of ``axes`` among the inputs of a Slice; without it, all axes are meant."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Needs and products of a part."""

    hop: int
    """Samples of output for a frame of input."""
    margin: int
    """Frames of context on each side of the input."""
    trims: dict[str, Trim]
    """Tensors after which less context is enough."""


def reach(graph: Graph, source: str, target: str) -> Reach:
    """Follow time from `source` to `target`.

    Trims go where one tensor is all that later layers read, so that nothing beside it needs to be
    cut to the same length, and only where they drop at least a frame.

    Raises:
        StructureError: a layer is not time-local.
    """
    flowing = graph.dependants([source])
    nodes = [node for node in graph.nodes if not flowing.isdisjoint(node.output)]
    rates = _rates(graph, nodes, source)
    margins = _margins(graph, nodes, rates, target)
    margin = margins[source]
    trims: dict[str, Trim] = {}
    held = float(margin)
    for name in _chokes(nodes, source, target, rates):
        needed = margins[name] / rates[name]
        if name != target and held - needed >= 1:
            trims[name] = Trim(rate=rates[name], margin=margins[name])
            held = needed
    return Reach(hop=rates[target], margin=margin, trims=trims)


def pads(node: NodeProto) -> tuple[int, int]:
    """Return a one-dimensional convolution's padding before and after."""
    values = attributes(node).get("pads", [0, 0])
    assert isinstance(values, list)
    return int(values[0]), int(values[-1])


def _rates(graph: Graph, nodes: list[NodeProto], source: str) -> dict[str, int]:
    """Return the samples a frame for every tensor (or its shape) that follows from `source`."""
    rates = {source: 1}
    for node in nodes:
        found = {rates[name] for name in node.input if name in rates}
        if len(found) != 1:
            raise StructureError(f"{brief(node.op_type)} joins tensors of different rates")
        _require_local(graph, node)
        factor = _upsampling(node) if node.op_type == "ConvTranspose" else 1
        rates.update(dict.fromkeys(node.output, found.pop() * factor))
    return rates


def _margins(
    graph: Graph, nodes: list[NodeProto], rates: dict[str, int], target: str
) -> dict[str, int]:
    """Context that exact output needs, for every tensor, in samples at its own rate."""
    margins = dict.fromkeys(rates, 0)
    for node in reversed(nodes):
        after = max(margins[name] for name in node.output)
        if node.op_type == "Conv":
            after += max(_padding(graph, node))
        elif node.op_type == "ConvTranspose":
            kernel, stride, before = _transposed(graph, node)
            # An input sample reaches `kernel` output samples from its own place on; what the
            # furthest outputs need on either side, counted in input samples.
            after = max(
                ceil((after + kernel - 1 - before) / stride),
                (stride - 1 + after + before) // stride,
            )
        for name in node.input:
            if name in margins:
                margins[name] = max(margins[name], after)
    if target not in margins:
        raise StructureError("the part's output does not follow from its input")
    return margins


def _chokes(nodes: list[NodeProto], source: str, target: str, rates: dict[str, int]) -> list[str]:
    """Tensors that everything after them is computed from, in order."""
    last_use = {
        name: index for index, node in enumerate(nodes) for name in node.input if name in rates
    }
    live = {source}
    chokes = []
    for index, node in enumerate(nodes):
        live.update(node.output)
        live = {name for name in live if last_use.get(name, -1) > index or name == target}
        if len(live) == 1 and node.output[0] in live:
            chokes.append(node.output[0])
    return chokes


def _require_local(graph: Graph, node: NodeProto) -> None:
    kind = node.op_type
    if kind == "Conv":
        _padding(graph, node)
    elif kind == "ConvTranspose":
        _transposed(graph, node)
    elif kind in ("Concat", "Split"):
        local = attributes(node).get("axis") == _CHANNEL_AXIS
        _require(held=local, message=f"{brief(kind)} is along time")
    elif kind == "Slice":
        local = len(node.input) > _SLICE_AXES and _is_channel_axis(graph, node.input[_SLICE_AXES])
        _require(held=local, message="Slice is along time")
    else:
        known = kind in POINTWISE | {"Shape", "ConstantOfShape"}
        _require(held=known, message=f"{brief(kind)} is not known to keep time")


def _require(*, held: bool, message: str) -> None:
    if not held:
        raise StructureError(message)


def _is_channel_axis(graph: Graph, name: str) -> bool:
    axes = graph.constant(name)
    return axes is not None and axes.tolist() == [_CHANNEL_AXIS]


def _kernel(graph: Graph, node: NodeProto) -> int:
    shape = graph.shape(node.input[1])
    if shape is None or len(shape) != WEIGHT_RANK:
        raise StructureError(f"{node.op_type} has no constant one-dimensional weight")
    return shape[_TIME_AXIS]


def _one(node: NodeProto, name: str, default: int) -> int:
    values = attributes(node).get(name, [default])
    assert isinstance(values, list)
    return int(values[0])


def _padding(graph: Graph, node: NodeProto) -> tuple[int, int]:
    """Context of a convolution before and after each sample."""
    values = attributes(node)
    extent = (_kernel(graph, node) - 1) * _one(node, "dilations", 1)
    before, after = pads(node)
    if _one(node, "strides", 1) != 1 or before + after != extent or _guesses_padding(values):
        raise StructureError("a convolution changes the length of its input")
    return before, after


def _transposed(graph: Graph, node: NodeProto) -> tuple[int, int, int]:
    """(kernel, stride, padding before) of an upsampling by exactly `stride`."""
    values = attributes(node)
    kernel, stride = _kernel(graph, node), _upsampling(node)
    before, after = pads(node)
    excess = kernel - before - after + _one(node, "output_padding", 0) - stride
    if (
        excess != 0
        or _one(node, "dilations", 1) != 1
        or _guesses_padding(values)
        or "output_shape" in values
    ):
        raise StructureError("an upsampling does not multiply the length of its input")
    return kernel, stride, before


def _guesses_padding(values: dict[str, object]) -> bool:
    return values.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"")


def _upsampling(node: NodeProto) -> int:
    return _one(node, "strides", 1)
