"""Voices for the engine's tests: tiny ones of every structure, and what it takes to bend them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from wyoming_piper_hardened.engine.messages import SpeechOptions, config_path
from wyoming_piper_hardened.engine.preparation.split import split
from wyoming_piper_hardened.engine.report import REPORT_NAME, SplitReport
from wyoming_piper_hardened.engine.schedule import Schedule
from wyoming_piper_hardened.engine.synthesis.voice import Pcm, Voice

VOICES = Path(__file__).parents[1] / "engine" / "voices"
"""Made by ``tests/engine/make_voices.py``."""

TINY = ("single", "many_speakers", "high", "fixed_durations")
PARTS = ("encoder.onnx", "flow.onnx", "decoder.onnx")
SINGLE = VOICES / "single.onnx"
SINGLE_CONFIG = VOICES / "single.onnx.json"

PRIOR = "/Add_output_0"
"""Tensor of `SINGLE` where the frame noise joins; behind a `detour` only the decoder is cut."""
DECODER = "/dec/conv_pre/Conv_output_0"
"""Tensor of `SINGLE` inside the decoder; behind a `detour` nothing is cut."""


def spoken(
    voice: Voice,
    text: str,
    schedule: Schedule,
    options: SpeechOptions | None = None,
    start: int = 0,
) -> Pcm:
    """Return the audio of a text, computed chunk by chunk."""
    chunks = voice.chunks(text, options or SpeechOptions(), schedule, start)
    return np.concatenate([np.zeros(0, np.int16), *(chunk.compute() for chunk in chunks)])


class Prepared:
    """A stock voice and its parts, which lie beside a copy of the model as in an installed one.

    They are made unless the folder has them already.
    """

    def __init__(self, model: Path, folder: Path) -> None:
        self.model = model
        self.config = model.with_name(f"{model.name}.json")
        self.folder = folder
        self.report: SplitReport
        if (folder / REPORT_NAME).exists():
            self.report = SplitReport.read(folder)
            return
        if model.parent != folder:
            folder.mkdir(exist_ok=True)
            shutil.copyfile(model, folder / model.name)
        self.report = split(self.model, self.config, folder)


def detour(model: onnx.ModelProto, name: str) -> None:
    """Send a tensor through layers that the analysis does not know."""
    for node in model.graph.node:
        node.input[:] = [f"{value}_detour" if value == name else value for value in node.input]
    index = next(i for i, node in enumerate(model.graph.node) if name in node.output) + 1
    turned, summed = f"{name}_turned", f"{name}_zero"
    for node in (
        helper.make_node("Transpose", [summed], [f"{name}_detour"], perm=[0, 2, 1]),
        helper.make_node("Elu", [turned], [summed], alpha=1.0),
        helper.make_node("Transpose", [name], [turned], perm=[0, 2, 1]),
    ):
        model.graph.node.insert(index, node)


def fail_at(model: onnx.ModelProto, phoneme_id: int) -> None:
    """Make a model fail when it runs with that phoneme, which its tables do not foretell."""
    ids = np.arange(-1, phoneme_id, dtype=np.int64)
    for name, value in (("known", ids), ("one", np.array(1, np.int64))):
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    for node in model.graph.node:
        node.input[:] = ["checked" if value == "input" else value for value in node.input]
    for node in (
        helper.make_node("Gather", ["known", "shifted"], ["checked"], axis=0),
        helper.make_node("Add", ["input", "one"], ["shifted"]),
    ):
        model.graph.node.insert(0, node)


def voice_failing_at(phoneme: str, folder: Path) -> Path:
    """Make a voice that speaks until that phoneme comes, and return its model."""
    model, number = onnx.load(SINGLE), 165
    fail_at(model, number)
    target = folder / "broken.onnx"
    onnx.save(model, target)
    config = json.loads(SINGLE_CONFIG.read_text(encoding="utf-8"))
    config["phoneme_id_map"][phoneme] = [number]
    config_path(target).write_text(json.dumps(config), encoding="utf-8")
    return target


def to_format_1(folder: Path) -> None:
    """Make parts as they were made before their weights stayed in the stock model."""
    for name in PARTS:
        onnx.save(onnx.load(folder / name), folder / name)
    data = json.loads((folder / REPORT_NAME).read_text(encoding="utf-8"))
    del data["stock"]
    data["format"] = 1
    (folder / REPORT_NAME).write_text(json.dumps(data), encoding="utf-8")
