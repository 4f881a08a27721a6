"""Places where a VITS graph can be cut, found by what its nodes do, not by numbers or names."""

from __future__ import annotations

from dataclasses import dataclass

from onnx import NodeProto

from ...quoting import brief
from .graph import Graph, StructureError

CONV_PRE_WEIGHT = "dec.conv_pre.weight"
_SHAPE_ONLY = frozenset({"Unsqueeze", "Squeeze", "Identity", "Reshape", "Flatten"})
_FRESH_NOISE = "RandomNormalLike"
_FACTORS = 2
"""Factor of the frame noise: the deviation and the request's noise scale."""


@dataclass(frozen=True, slots=True)
class DecoderCut:
    """The decoder's borders."""

    latent: str
    """Input of the first convolution: float [1, channels, frames]."""
    audio: str
    """Waveform before any change of shape alone: float [1, 1, samples]."""


@dataclass(frozen=True, slots=True)
class PriorCut:
    """The borders between encoder and flow, all before the expansion from phonemes to frames."""

    durations: str
    """Whole frames for each phoneme id, as float: [1, 1, ids]."""
    mean: str
    """Mean of the prior for each phoneme id: [1, channels, ids]."""
    log_deviation: str
    """Logarithm of its standard deviation: [1, channels, ids]."""
    prior: str
    """``mean + noise * exp(log_deviation) * noise_scale``, by frame: [1, channels, frames]."""
    noise: str
    """The frame noise in it."""
    masks: frozenset[str]
    """Tensors between prior and latent that only mark padding: all ones for a single sentence."""


def noises(graph: Graph) -> list[NodeProto]:
    """Return the nodes that draw noise."""
    return [node for node in graph.nodes if node.op_type == _FRESH_NOISE]


def find_decoder(graph: Graph) -> DecoderCut:
    """Return the HiFi-GAN generator, which makes the waveform.

    It begins with the Conv that has `CONV_PRE_WEIGHT`, or where an exporter renamed the weights,
    with the one before the first upsampling.

    Raises:
        StructureError: there is none.
    """
    first = next(
        (node for node in graph.consumers.get(CONV_PRE_WEIGHT, ()) if node.op_type == "Conv"), None
    )
    if first is None:
        first = _conv_before_upsampling(graph)
    if len(graph.model.graph.output) < 1:
        raise StructureError("the model has no output")
    audio = graph.model.graph.output[0].name
    while (node := graph.producer.get(audio)) is not None and node.op_type in _SHAPE_ONLY:
        audio = node.input[0]
    latent = first.input[0]
    if audio not in graph.dependants([latent]):
        raise StructureError("the decoder does not lead to the output")
    return DecoderCut(latent=latent, audio=audio)


def find_prior(graph: Graph, latent: str) -> PriorCut:
    """Return the place where frame noise meets the expanded prior.

    Cutting there and not after the expansion keeps a sentence as one column a phoneme, and leaves
    the noise of every frame to the caller, who can draw it for any window.

    Raises:
        StructureError: there is none.
    """
    noise = _frame_noise(graph, latent)
    factors: list[str] = []
    addition, other = _sole_consumer(graph, noise)
    while addition.op_type == "Mul":
        factors.append(other)
        addition, other = _sole_consumer(graph, addition.output[0])
    prior, mean_frames = addition.output[0], other
    deviations = [
        name
        for name in factors
        if (maker := graph.producer.get(name)) is not None and maker.op_type == "Exp"
    ]
    if len(deviations) != 1 or len(factors) != _FACTORS:
        raise StructureError("the frame noise is not scaled by one deviation and one setting")
    path, mean = _expanded(graph, mean_frames)
    other_path, log_deviation = _expanded(graph, graph.producer[deviations[0]].input[0])
    if path != other_path:
        raise StructureError("mean and deviation are expanded differently")
    return PriorCut(
        durations=_durations(graph, path),
        mean=mean,
        log_deviation=log_deviation,
        prior=prior,
        noise=noise,
        masks=_masks(graph, prior, latent),
    )


def _sole_consumer(graph: Graph, tensor: str) -> tuple[NodeProto, str]:
    """Return (the Mul or Add that alone uses `tensor`, its other operand)."""
    consumers = graph.consumers[tensor]
    if len(consumers) != 1:
        raise StructureError("the frame noise does not lead straight to the prior")
    node = consumers[0]
    others = [name for name in node.input if name != tensor]
    if node.op_type not in {"Mul", "Add"} or len(others) != 1:
        raise StructureError(f"unexpected {brief(node.op_type)} on the frame noise")
    return node, others[0]


def _conv_before_upsampling(graph: Graph) -> NodeProto:
    upsampling = next((node for node in graph.nodes if node.op_type == "ConvTranspose"), None)
    if upsampling is None:
        raise StructureError("no decoder: the graph has no upsampling convolution")
    pending = [upsampling.input[0]]
    seen: set[str] = set()
    while pending:
        name = pending.pop(0)
        node = graph.producer.get(name)
        if node is None or name in seen:
            continue
        seen.add(name)
        if node.op_type == "Conv":
            return node
        pending.extend(value for value in node.input if value)
    raise StructureError("no decoder: no convolution before the upsampling")


def _frame_noise(graph: Graph, latent: str) -> str:
    """Return the noise that reaches the latent other than through the durations' rounding."""
    ceilings = {node.output[0] for node in graph.nodes if node.op_type == "Ceil"}
    nodes, _ = graph.upstream([latent], stop=ceilings)
    drawn = [node.output[0] for node in nodes if node.op_type == _FRESH_NOISE]
    if len(drawn) != 1:
        raise StructureError(f"expected one source of frame noise, found {len(drawn)}")
    return str(drawn[0])


def _expanded(graph: Graph, frames: str) -> tuple[str, str]:
    """(path, values) of ``transpose(path @ transpose(values))``."""
    product = graph.maker(graph.maker(frames, "Transpose").input[0], "MatMul")
    values = graph.maker(product.input[1], "Transpose")
    return product.input[0], values.input[0]


def _durations(graph: Graph, path: str) -> str:
    nodes, _ = graph.upstream([path])
    ceilings = [node.output[0] for node in nodes if node.op_type == "Ceil"]
    if len(ceilings) != 1:
        raise StructureError(f"expected one rounding of durations, found {len(ceilings)}")
    return str(ceilings[0])


def _masks(graph: Graph, prior: str, latent: str) -> frozenset[str]:
    """Factors between prior and latent that come from a comparison of frame numbers."""
    flowing = graph.dependants([prior])
    nodes, _ = graph.upstream([latent], stop=[prior])
    found = set()
    for node in nodes:
        if node.op_type != "Mul" or flowing.isdisjoint(node.output):
            continue
        for name in set(node.input) - flowing:
            if _is_comparison(graph, name):
                found.add(name)
    return frozenset(found)


def _is_comparison(graph: Graph, name: str) -> bool:
    while (node := graph.producer.get(name)) is not None and node.op_type in {
        "Cast",
        "Unsqueeze",
        "Squeeze",
        "Identity",
    }:
        name = node.input[0]
    return node is not None and node.op_type in {"Less", "LessOrEqual", "Greater", "GreaterOrEqual"}
