"""The tables in which a model looks up phonemes and speakers; their sizes bound the ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...configuration.description import VoiceConfiguration
from .cut import SPEAKER
from .graph import Graph, attributes

PHONEMES: Final = "input"
"""The input of phoneme ids: int64 [1, length]."""

_SAME_IDS: Final = frozenset({"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze"})


def table_rows(graph: Graph, ids: str) -> int:
    """Return the rows of the table that the input `ids` chooses from; 0 if none is found."""
    return min(_tables(graph, ids), default=0)


def within_tables(config: VoiceConfiguration, graph: Graph) -> VoiceConfiguration:
    """Return a configuration without the phonemes and speakers that the model does not have.

    Raises:
        VoiceConfigError: the model lacks what every sentence needs.
    """
    speakers = table_rows(graph, SPEAKER) if SPEAKER in graph.inputs else 1
    return config.within(symbols=table_rows(graph, PHONEMES), speakers=speakers)


def _tables(graph: Graph, ids: str) -> Iterator[int]:
    """Yield the rows of every table that `ids` chooses from."""
    same, seen = [ids], {ids}
    while same:
        name = same.pop()
        for node in graph.consumers.get(name, ()):
            source = list(node.input).index(name)
            if node.op_type in _SAME_IDS and not source:
                same += [output for output in node.output if output not in seen]
                seen.update(node.output)
            elif node.op_type == "Gather" and source and not attributes(node).get("axis"):
                yield from (graph.shape(node.input[0]) or ())[:1]
