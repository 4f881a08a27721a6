"""Exports the tiny, randomly initialised VITS voices that the tests use.

Needs torch, onnx and piper-tts (for its training code): ``python make_voices.py voices/``.
Install them with ``pip install torch --index-url https://download.pytorch.org/whl/cpu`` and ``pip
install 'piper-tts[train]' onnx``. The weights mean nothing; the graphs are what piper-tts's own
exporter makes, so everything that holds for their structure holds for real voices.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP
from piper.train.vits import models

OPSET = 15


@dataclass(frozen=True)
class Shape:
    """Differences between the voices."""

    name: str
    speakers: int = 1
    resblock: str = "2"
    upsample_rates: tuple[int, ...] = (8, 8, 4)
    upsample_kernels: tuple[int, ...] = (16, 16, 8)
    kernels: tuple[int, ...] = (3, 5, 7)
    dilations: tuple[tuple[int, ...], ...] = ((1, 2), (2, 6), (3, 12))
    stochastic: bool = True


SHAPES = (
    Shape("single"),
    Shape("many_speakers", speakers=5),
    Shape(
        "high",
        resblock="1",
        upsample_rates=(8, 8, 2, 2),
        upsample_kernels=(16, 16, 4, 4),
        kernels=(3, 7, 11),
        dilations=((1, 3, 5), (1, 3, 5), (1, 3, 5)),
    ),
    Shape("fixed_durations", stochastic=False),
)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for shape in SHAPES:
        torch.manual_seed(1234)
        export(shape, folder / f"{shape.name}.onnx")
        config = configuration(shape)
        (folder / f"{shape.name}.onnx.json").write_text(
            json.dumps(config, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def configuration(shape: Shape) -> dict[str, Any]:
    return {
        "audio": {"sample_rate": 22050},
        "espeak": {"voice": "en-us"},
        "phoneme_type": "espeak",
        "inference": {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8},
        "num_symbols": 166,
        "num_speakers": shape.speakers,
        "speaker_id_map": {f"speaker {number}": number for number in range(shape.speakers)}
        if shape.speakers > 1
        else {},
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
    }


def export(shape: Shape, target: Path) -> None:
    model: Any = models.SynthesizerTrn(
        n_vocab=166,
        spec_channels=33,
        segment_size=32,
        inter_channels=16,
        hidden_channels=16,
        filter_channels=24,
        n_heads=2,
        n_layers=2,
        kernel_size=3,
        p_dropout=0.0,
        resblock=shape.resblock,
        resblock_kernel_sizes=shape.kernels,
        resblock_dilation_sizes=shape.dilations,
        upsample_rates=shape.upsample_rates,
        upsample_initial_channel=32,
        upsample_kernel_sizes=shape.upsample_kernels,
        n_speakers=shape.speakers,
        gin_channels=8 if shape.speakers > 1 else 0,
        use_sdp=shape.stochastic,
    )
    model.eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "flow" in name and weight.abs().max() == 0:
                weight.normal_(0, 0.3)
            if name.startswith("dp.") and name.endswith("proj.bias"):
                weight.fill_(0.8)
            if name.startswith("dec.conv_post"):
                weight.normal_(0, 0.6)
        model.dec.remove_weight_norm()

    def forward(text: Any, lengths: Any, scales: Any, sid: Any = None) -> Any:
        return model.infer(
            text,
            lengths,
            noise_scale=scales[0],
            length_scale=scales[1],
            noise_scale_w=scales[2],
            sid=sid,
        )[0].unsqueeze(1)

    model.forward = forward
    text = torch.randint(0, 166, (1, 50), dtype=torch.long)
    sid = torch.LongTensor([0]) if shape.speakers > 1 else None
    arguments = (text, torch.LongTensor([50]), torch.FloatTensor([0.667, 1.0, 0.8]), sid)
    torch.onnx.export(
        model,
        arguments,
        target,
        opset_version=OPSET,
        dynamo=False,
        input_names=["input", "input_lengths", "scales", "sid"],
        output_names=["output"],
        dynamic_axes={
            "input": {0: "batch_size", 1: "phonemes"},
            "input_lengths": {0: "batch_size"},
            "output": {0: "batch_size", 2: "time"},
        },
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
