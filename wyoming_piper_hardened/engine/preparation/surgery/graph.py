"""An ONNX graph as an index, and cutting parts out of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    helper,
    numpy_helper,
)

from ...quoting import brief


class StructureError(Exception):
    """The graph does not have the structure that a cut needs; the message says what is missing."""

    def __init__(self, message: str) -> None:
        super().__init__(brief(message))  # it may quote names of the model


class Graph:
    """Producers, consumers and constants of a model's graph, by tensor name."""

    def __init__(self, model: ModelProto, weights: Path) -> None:
        """Index `model`, whose references to weights are to files in the folder `weights`."""
        self.model = model
        self.weights = weights
        self.nodes: list[NodeProto] = list(model.graph.node)
        self.initializers: dict[str, TensorProto] = {
            tensor.name: tensor for tensor in model.graph.initializer
        }
        self.inputs: dict[str, ValueInfoProto] = {
            value.name: value for value in model.graph.input if value.name not in self.initializers
        }
        self.producer: dict[str, NodeProto] = {}
        self.consumers: dict[str, list[NodeProto]] = defaultdict(list)
        for node in self.nodes:
            for name in node.output:
                self.producer[name] = node
            for name in set(node.input) - {""}:
                self.consumers[name].append(node)

    def constant(self, name: str) -> NDArray[np.generic] | None:
        """Value of an initializer or a Constant node, or None."""
        if (tensor := self.initializers.get(name)) is not None:
            return numpy_helper.to_array(_with_weights(tensor, self.weights))
        node = self.producer.get(name)
        if node is not None and node.op_type == "Constant":
            value = attributes(node).get("value")
            if isinstance(value, TensorProto):
                return numpy_helper.to_array(value)
        return None

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Shape of an initializer or a Constant node, or None; its values are not read."""
        if (tensor := self.initializers.get(name)) is not None:
            return tuple(tensor.dims)
        value = self.constant(name)
        return None if value is None else value.shape

    def maker(self, name: str, *kinds: str) -> NodeProto:
        """Return the node that computes `name`.

        Raises:
            StructureError: it is not one of `kinds`.
        """
        node = self.producer.get(name)
        if node is None or node.op_type not in kinds:
            found = "an input" if node is None else node.op_type
            raise StructureError(
                f"expected {' or '.join(kinds)} before {brief(name)}, found {brief(found)}"
            )
        return node

    def dependants(self, names: Iterable[str]) -> set[str]:
        """Every tensor computed from any of `names`, and `names` themselves."""
        reached = set(names)
        for node in self.nodes:
            if not reached.isdisjoint(node.input):
                reached.update(node.output)
        return reached

    def upstream(
        self, names: Iterable[str], stop: Iterable[str] = ()
    ) -> tuple[list[NodeProto], set[str]]:
        """Nodes that `names` need, in order, and the graph's inputs that they reach.

        Nothing that only `stop` needs is among them.
        """
        needed, stopped = set(names), set(stop)
        nodes: list[NodeProto] = []
        for node in reversed(self.nodes):
            if any(name in needed and name not in stopped for name in node.output):
                nodes.append(node)
                needed.update(name for name in node.input if name)
        nodes.reverse()
        return nodes, {name for name in needed if name in self.inputs and name not in stopped}


def _with_weights(tensor: TensorProto, folder: Path) -> TensorProto:
    """Return `tensor` with its weights in it, if they lie in a file in `folder`.

    The library's own function refuses files with several names, as some installers make them.
    """
    if tensor.data_location != TensorProto.EXTERNAL:
        return tensor
    place = {entry.key: entry.value for entry in tensor.external_data}
    with (folder / place["location"]).open("rb") as file:
        file.seek(int(place["offset"]))
        data = file.read(int(place["length"]))
    return TensorProto(
        name=tensor.name, dims=tensor.dims, data_type=tensor.data_type, raw_data=data
    )


def attributes(node: NodeProto) -> dict[str, object]:
    """Return a node's attributes as Python values."""
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def set_ints(node: NodeProto, name: str, values: Sequence[int]) -> None:
    """Replace a list-of-integers attribute."""
    for attribute in [attribute for attribute in node.attribute if attribute.name == name]:
        node.attribute.remove(attribute)
    node.attribute.append(helper.make_attribute(name, list(values), attr_type=AttributeProto.INTS))


def copied(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """Deep copies, so that a part's edits never touch the model it was cut from."""
    for node in nodes:
        twin = NodeProto()
        twin.CopyFrom(node)
        yield twin


def assemble(
    source: Graph,
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[str],
    extra: Iterable[TensorProto] = (),
) -> ModelProto:
    """Return a model of `nodes` with the initializers of `source` that they read.

    Output names are float tensors of unknown shape.
    """
    own = {tensor.name: tensor for tensor in extra}
    read = {name for node in nodes for name in node.input} | set(outputs)
    given = {value.name for value in inputs}
    initializers = [
        tensor
        for name, tensor in source.initializers.items()
        if name in read and name not in own and name not in given
    ]
    graph = GraphProto(name="part")
    graph.node.extend(nodes)
    graph.input.extend(inputs)
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs
    )
    graph.initializer.extend(initializers)
    graph.initializer.extend(own.values())
    return helper.make_model(
        graph, opset_imports=source.model.opset_import, ir_version=source.model.ir_version
    )
