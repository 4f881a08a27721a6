"""Refusing models that may compute without end.

Without loops an ONNX model computes each node once. No Piper voice has loops: speech is made by
convolutions, and the few choices of an exporter are ``If`` or ``Where``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from onnx import AttributeProto, ModelProto, NodeProto

from ....errors import VoiceNotPiperError

_CHOICES = frozenset({"If"})
_LOOPS = frozenset({"Loop", "Scan", "SequenceMap"})


def refuse_loops(model: ModelProto, name: str) -> None:
    """Return if every node of a model runs at most once.

    Raises:
        VoiceNotPiperError: the model `name` has a node that repeats others.
    """
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    for kind in _repeating(nodes):
        raise VoiceNotPiperError(f"{name} has the operation {kind}, which no Piper voice has")


def _repeating(nodes: Iterable[NodeProto]) -> Iterator[str]:
    """Kinds of nodes that repeat other nodes, at any depth."""
    for node in nodes:
        bodies = [
            body
            for attribute in node.attribute
            if attribute.type in {AttributeProto.GRAPH, AttributeProto.GRAPHS}
            for body in (attribute.g, *attribute.graphs)
        ]
        if node.op_type in _LOOPS or (bodies and node.op_type not in _CHOICES):
            yield node.op_type
        for body in bodies:
            yield from _repeating(body.node)
