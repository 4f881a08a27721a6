"""The splines of the stochastic duration predictor, in a fifth of their operations.

Each of its coupling layers moves a number per phoneme along a monotonic rational-quadratic spline
(Durkan et al., "Neural Spline Flows", 2019, equations 4 to 8; here the inverse), whose knots come
from a convolution. Exporters write that with boolean masks and assignments to slices, which become
some 250 operations of microseconds. This writes the formula for all phonemes at once. Whether the
formula is the one in the graph is found by computing both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from ....errors import SynthesisError, VoiceModelError
from ...sessions.session import SessionSettings, open_model, run
from ..surgery.graph import Graph, assemble, copied

TOLERANCE: Final = 1e-5
"""Largest difference allowed between the two forms, for values of up to 8."""

_BOUND: Final = 5.0
"""Beyond it on either side the spline is the identity."""
_LEAST: Final = 1e-3
"""Least width and height of a bin, and least derivative at a knot."""
_SIGNS: Final = frozenset({"Softmax", "Softplus", "CumSum", "GatherElements"})
_RANK: Final = 3


@dataclass(frozen=True, slots=True)
class _Spline:
    """One spline in a graph."""

    output: str
    moved: str
    """Values that it moves: [1, 1, ids]."""
    kept: str
    """The other half, of which the graph takes the shape."""
    knots: str
    """[1, 3 * bins - 1, ids]: widths, heights and inner derivatives, not normalised."""
    bins: int
    scale: float
    """Divisor of widths and heights."""


def fuse_splines(graph: Graph) -> int:
    """Rewrite every spline of a model in place; return how many were replaced."""
    model = graph.model
    replaced: dict[str, list[NodeProto]] = {}
    for index, spline in enumerate(_splines(graph)):
        name = f"spline_{index}"
        nodes, constants = _formula(spline, name)
        if _is_equal(graph, spline, nodes, constants):
            model.graph.initializer.extend(constants)
            replaced[spline.output] = nodes
    nodes = [
        new
        for node in graph.nodes
        for new in replaced.get(node.output[0] if node.output else "", [node])
    ]
    _keep_needed(model, nodes)
    return len(replaced)


def _splines(graph: Graph) -> Iterator[_Spline]:
    for node in graph.nodes:
        if node.op_type != "Concat" or len(node.input) != 2:  # noqa: PLR2004 - the two halves
            continue
        kept, output = node.input
        split = graph.producer.get(kept)
        last = graph.producer.get(output)
        if split is None or split.op_type != "Split" or last is None or last.op_type != "ScatterND":
            continue
        halves = [name for name in split.output if name != kept]
        nodes, _ = graph.upstream([output], stop=[kept, *halves])
        knots = _knots(graph, nodes)
        if len(halves) != 1 or knots is None:
            continue
        region, _ = graph.upstream([output], stop=[kept, *halves, knots[0]])
        scales = _scales(graph, region)
        if {node.op_type for node in region} >= _SIGNS and len(scales) == 1:
            yield _Spline(output, halves[0], kept, *knots, scales.pop())


def _knots(graph: Graph, nodes: list[NodeProto]) -> tuple[str, int] | None:
    """(tensor that the knots are taken from, bins); made by the last convolution, then masked."""
    for node in reversed(nodes):
        if node.op_type == "Conv":
            shape = graph.shape(node.input[1])
            if shape is None or len(shape) != _RANK or shape[0] % 3 != 2:  # noqa: PLR2004 - 3n - 1
                return None
            name = str(node.output[0])
            after = graph.consumers[name]
            masked = len(after) == 1 and after[0].op_type == "Mul"
            return str(after[0].output[0]) if masked else name, (shape[0] + 1) // 3
    return None


def _scales(graph: Graph, nodes: Iterable[NodeProto]) -> set[float]:
    """Constants that something is divided by."""
    found = set()
    for node in nodes:
        value = graph.constant(node.input[1]) if node.op_type == "Div" else None
        if value is not None and value.size == 1:
            found.add(float(value.item()))
    return found


class _Builder:
    """Nodes and constants of one spline's formula; every tensor is [1, something, ids]."""

    def __init__(self, name: str) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._name = name

    def constant(self, value: NDArray[np.generic]) -> str:
        name = f"{self._name}_constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def number(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def __call__(self, kind: str, *inputs: str, **attributes: int) -> str:
        output = f"{self._name}_{len(self.nodes)}"
        node = helper.make_node(kind, list(inputs), [output])
        node.attribute.extend(
            helper.make_attribute(key, value) for key, value in attributes.items()
        )
        self.nodes.append(node)
        return output

    def rows(self, source: str, start: int, stop: int) -> str:
        places = (self.constant(np.array([value], np.int64)) for value in (start, stop, 1))
        return self("Slice", source, *places)


def _formula(spline: _Spline, name: str) -> tuple[list[NodeProto], list[TensorProto]]:
    """Nodes that compute ``spline.output``, and their constants."""
    make, bins, x = _Builder(name), spline.bins, spline.moved
    low, high = make.number(-_BOUND), make.number(_BOUND)
    zero = make("Mul", x, make.number(0.0))
    left, right = make("Add", zero, low), make("Add", zero, high)

    def knots(first: int) -> tuple[str, str]:
        """(edges [1, bins + 1, ids], sizes [1, bins, ids]) of the bins."""
        raw = make("Div", make.rows(spline.knots, first, first + bins), make.number(spline.scale))
        shares = make("Softmax", raw, axis=1)
        shares = make("Mul", shares, make.number(1 - _LEAST * bins))
        shares = make("Add", shares, make.number(_LEAST))
        ends = make("CumSum", shares, make.constant(np.array(1, np.int64)))
        inner = make("Mul", make.rows(ends, 0, bins - 1), make.number(2 * _BOUND))
        edges = make("Concat", left, make("Add", inner, low), right, axis=1)
        sizes = make("Sub", make.rows(edges, 1, bins + 1), make.rows(edges, 0, bins))
        return edges, sizes

    across, widths = knots(0)
    up, heights = knots(bins)
    end = make("Add", zero, make.number(_LEAST + math.log1p(math.expm1(1 - _LEAST))))
    inner = make("Softplus", make.rows(spline.knots, 2 * bins, 3 * bins - 1))
    slopes = make("Concat", end, make("Add", inner, make.number(_LEAST)), end, axis=1)

    inside = make("Max", make("Min", x, high), low)
    # The first edge is never above, and the last one never below: only those between them tell.
    passed = make("GreaterOrEqual", inside, make.rows(up, 1, bins))
    axis = make.constant(np.array([1], np.int64))
    place = make("ReduceSum", make("Cast", passed, to=TensorProto.INT64), axis, keepdims=1)
    after = make("Add", place, make.constant(np.array(1, np.int64)))

    def at(source: str, index: str = place) -> str:
        return make("GatherElements", source, index, axis=1)

    width, height, slope, next_slope = at(widths), at(heights), at(slopes), at(slopes, after)
    steepness = make("Div", height, width)
    over = make("Sub", inside, at(up))
    two = make.number(2.0)
    bend = make("Sub", make("Add", slope, next_slope), make("Mul", steepness, two))
    bent = make("Mul", over, bend)
    a = make("Add", bent, make("Mul", height, make("Sub", steepness, slope)))
    b = make("Sub", make("Mul", height, slope), bent)
    c = make("Mul", make("Neg", steepness), over)
    product = make("Mul", make("Mul", a, make.number(4.0)), c)
    root = make("Sqrt", make("Sub", make("Mul", b, b), product))
    share = make("Div", make("Mul", c, two), make("Sub", make("Neg", b), root))
    value = make("Add", make("Mul", share, width), at(across))
    make.nodes.append(
        helper.make_node("Where", [make("Equal", inside, x), value, x], [spline.output])
    )
    return make.nodes, make.constants


def _is_equal(
    graph: Graph, spline: _Spline, nodes: list[NodeProto], constants: list[TensorProto]
) -> bool:
    """Return whether the formula computes what the graph does, inside and outside of the bound."""
    region, inputs = graph.upstream([spline.output], stop=[spline.kept, spline.moved, spline.knots])
    if inputs:
        return False
    sources = [spline.kept, spline.moved, spline.knots]
    given = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, rows, "ids"])
        for name, rows in zip(sources, (1, 1, 3 * spline.bins - 1), strict=True)
    ]
    random = np.random.Generator(np.random.Philox(key=spline.bins))
    moved = np.concatenate([random.normal(0, 3, 400), [-_BOUND, _BOUND, 8, -8, 0]])
    feed: dict[str, NDArray[np.generic]] = {
        spline.kept: np.zeros((1, 1, moved.size), np.float32),
        spline.moved: moved.astype(np.float32).reshape(1, 1, -1),
        spline.knots: random.normal(0, 2, (1, 3 * spline.bins - 1, moved.size)).astype(np.float32)
        * np.where(np.arange(3 * spline.bins - 1) < 2 * spline.bins, spline.scale, 1)
        .astype(np.float32)
        .reshape(1, -1, 1),
    }
    results = []
    try:
        for part, extra in ((region, []), (nodes, constants)):
            model = assemble(graph, list(copied(part)), given, [spline.output], extra)
            session = open_model(model.SerializeToString(), SessionSettings(), graph.weights)
            names = {value.name for value in session.get_inputs()}
            part_feed = {name: value for name, value in feed.items() if name in names}
            results.append(run(session, part_feed)[0])
    except (VoiceModelError, SynthesisError):
        return False
    theirs, ours = results
    return theirs.shape == ours.shape and bool(np.abs(theirs - ours).max() <= TOLERANCE)


def _keep_needed(model: ModelProto, nodes: list[NodeProto]) -> None:
    """Put in `nodes`, without those that nothing needs any more."""
    needed = {value.name for value in model.graph.output}
    kept = []
    for node in reversed(nodes):
        if not needed.isdisjoint(node.output):
            needed.update(node.input)
            kept.append(node)
    kept.reverse()
    del model.graph.node[:]
    model.graph.node.extend(kept)
    initializers = [tensor for tensor in model.graph.initializer if tensor.name in needed]
    del model.graph.initializer[:]
    model.graph.initializer.extend(initializers)
