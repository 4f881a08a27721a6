"""Rewriting a convolutional part: trims along time, and two-dimensional convolutions."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from ...report import Trim
from .graph import Graph, StructureError, attributes, set_ints
from .reach import POINTWISE, WEIGHT_RANK, pads

KEEP = "keep"
"""Input of a trimmed part: int64 [2 * trims].

For each trim the first sample kept and the one after the last.
"""


def add_trims(model: ModelProto, trims: dict[str, Trim], axis: int) -> None:
    """Insert a slice after each tensor of `trims`, driven by the input `KEEP`, in place.

    `axis` is the axis of time.
    """
    if not trims:
        return
    graph = model.graph
    borders = [f"{KEEP}_{index}" for index in range(2 * len(trims))]
    graph.input.append(helper.make_tensor_value_info(KEEP, TensorProto.INT64, [len(borders)]))
    graph.initializer.append(
        numpy_helper.from_array(np.ones(len(borders), np.int64), f"{KEEP}_split")
    )
    graph.initializer.append(numpy_helper.from_array(np.array([axis], np.int64), f"{KEEP}_axis"))
    nodes = [helper.make_node("Split", [KEEP, f"{KEEP}_split"], borders, axis=0)]
    names = list(trims)
    for node in list(graph.node):
        for index, name in enumerate(node.input):
            if name in trims:
                node.input[index] = f"{name}_{KEEP}"
        nodes.append(node)
        for name in node.output:
            if name in trims:
                start, stop = borders[2 * names.index(name) : 2 * names.index(name) + 2]
                nodes.append(
                    helper.make_node(
                        "Slice", [name, start, stop, f"{KEEP}_axis"], [f"{name}_{KEEP}"]
                    )
                )
    del graph.node[:]
    graph.node.extend(nodes)


def to_two_dimensions(graph: Graph, source: str) -> None:
    """Give every layer after `source` a height of 1, in place.

    The values stay the same. ONNX Runtime's fastest convolutions keep channels in blocks as wide as
    a vector register (NCHWc), and it has them for two dimensions only; in one dimension it
    copies every window into a matrix and multiplies that. The time axis becomes 3.

    Raises:
        StructureError: a layer has no such form.
    """
    flowing = graph.dependants([source])
    kinds = {node.op_type for node in graph.nodes if node.output[0] in flowing}
    if unknown := kinds - POINTWISE - {"Conv", "ConvTranspose"}:
        raise StructureError(f"no two-dimensional form of {', '.join(sorted(unknown))}")
    axis = numpy_helper.from_array(np.array([2], np.int64), "height_axis")
    raised: dict[str, str] = {}
    nodes: list[NodeProto] = []
    for node in graph.nodes:
        if node.output[0] in flowing:
            if node.op_type in ("Conv", "ConvTranspose"):
                _raise_convolution(graph, node)
            for index, name in enumerate(node.input):
                side = name == source or (name not in flowing and name in graph.producer)
                if side and graph.constant(name) is None:
                    if name not in raised:
                        raised[name] = f"{name}_plane"
                        nodes.append(
                            helper.make_node("Unsqueeze", [name, axis.name], [raised[name]])
                        )
                    node.input[index] = raised[name]
        nodes.append(node)
    del graph.model.graph.node[:]
    graph.model.graph.node.extend(nodes)
    graph.model.graph.initializer.append(axis)


def _raise_convolution(graph: Graph, node: NodeProto) -> None:
    for name, blank in (
        ("kernel_shape", 1),
        ("strides", 1),
        ("dilations", 1),
        ("output_padding", 0),
    ):
        if (values := attributes(node).get(name)) is not None:
            assert isinstance(values, list)
            set_ints(node, name, [blank, *values])
    before, after = pads(node)
    set_ints(node, "pads", [0, before, 0, after])
    weight = graph.initializers.get(node.input[1])
    if weight is None:
        raise StructureError("a convolution's weight is computed")
    if len(weight.dims) == WEIGHT_RANK:  # another convolution may share it
        weight.dims.insert(2, 1)
