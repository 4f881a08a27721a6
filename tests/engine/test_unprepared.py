"""Voices without parts beside them: the embedded one brings its parts, others bring their noise."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from support.voices import SINGLE, SINGLE_CONFIG, VOICES, Prepared, spoken
from wyoming_piper_hardened.engine.embedded import FOLDER, file_digest, find_parts
from wyoming_piper_hardened.engine.report import REPORT_NAME, SplitReport
from wyoming_piper_hardened.engine.schedule import choose
from wyoming_piper_hardened.engine.sessions.loading import load_voice
from wyoming_piper_hardened.engine.synthesis.stock import StockVoice
from wyoming_piper_hardened.engine.synthesis.voice import SplitVoice, Voice, WholeVoice, load
from wyoming_piper_hardened.errors import VoiceNotPiperError

pytestmark = pytest.mark.slow

TEXT = "Good day. Yes."


def opened(model: Path) -> Voice:
    """Return a voice in which nothing is degraded."""
    reasons: list[str] = []
    voice = load_voice(model, 1, reasons.append)
    assert reasons == []
    return voice


def said(voice: Voice, text: str = TEXT, *, start: int = 0) -> NDArray[np.int16]:
    return spoken(voice, text, choose(0.1), start=start)


def unprepared(folder: Path, model: onnx.ModelProto | None = None) -> Path:
    target = folder / "v.onnx"
    if model is None:
        shutil.copyfile(SINGLE, target)
    else:
        onnx.save(model, target)
    shutil.copyfile(SINGLE_CONFIG, folder / "v.onnx.json")
    return target


def test_the_embedded_voice_has_its_parts_with_it(model: Path, joe: Prepared) -> None:
    """They are what a preparation makes; else ``script/update-embedded-parts`` is due."""
    folder = find_parts(model)
    assert folder == FOLDER / file_digest(model)
    for name in ("encoder.onnx", "flow.onnx", "decoder.onnx"):
        assert (folder / name).read_bytes() == (joe.folder / name).read_bytes(), name
    brought, made = SplitReport.read(folder), joe.report
    assert brought.frame_seconds == 0  # another machine's
    assert brought.gain == pytest.approx(made.gain, rel=1e-4)
    assert (brought.flow, brought.decoder, brought.stock) == (made.flow, made.decoder, made.stock)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1 << 20
    assert isinstance(opened(model), SplitVoice)


def test_the_embedded_parts_speak_as_prepared_ones(model: Path, joe: Prepared) -> None:
    assert np.array_equal(said(opened(model)), said(load(joe.folder, joe.config)))


def test_parts_are_not_taken_for_another_model(model: Path, tmp_path: Path) -> None:
    """Of the same name and size."""
    copy = tmp_path / model.name
    data = bytearray(model.read_bytes())
    copy.write_bytes(data)
    assert find_parts(copy) == find_parts(model)
    data[len(data) // 2] ^= 1
    copy.unlink()
    copy.write_bytes(data)
    assert find_parts(copy) is None
    assert find_parts(tmp_path / "missing.onnx") is None


def test_parts_beside_a_model_come_first(model: Path, tmp_path: Path) -> None:
    (tmp_path / REPORT_NAME).write_text("{}", encoding="ascii")
    assert find_parts(tmp_path / model.name) == tmp_path


@pytest.mark.parametrize("name", ["single", "many_speakers", "high", "fixed_durations"])
def test_an_unprepared_voice_says_the_same_twice(name: str) -> None:
    path = VOICES / f"{name}.onnx"
    voice = opened(path)
    assert isinstance(voice, WholeVoice)
    first = said(voice)
    assert first.size > 1000
    assert np.array_equal(said(opened(path)), first)
    assert np.array_equal(said(voice), first)
    assert np.array_equal(said(voice, start=700), first[700:])
    assert not np.array_equal(said(voice, "Good day. No."), first)


def test_each_of_its_sentences_reaches_full_scale(tmp_path: Path) -> None:
    assert 30_000 < np.abs(said(opened(unprepared(tmp_path)), "Good day.")).max() < 32_767


def test_a_graph_whose_noise_cannot_be_given_speaks_all_the_same(tmp_path: Path) -> None:
    model = onnx.load(SINGLE)
    for node in model.graph.node:
        if node.op_type == "RandomNormalLike":
            del node.attribute[:]
            node.attribute.append(helper.make_attribute("mean", 0.5))
    voice = opened(unprepared(tmp_path, model))
    assert isinstance(voice, StockVoice)
    assert said(voice).size > 1000


def test_a_model_with_a_loop_is_not_opened(tmp_path: Path) -> None:
    model = onnx.load(SINGLE)
    model.graph.node.append(helper.make_node("Loop", ["", ""], []))
    with pytest.raises(VoiceNotPiperError, match="Loop"):
        load_voice(unprepared(tmp_path, model), 1, print)


def test_damaged_parts_do_not_change_what_an_unprepared_voice_says(tmp_path: Path) -> None:
    model = unprepared(tmp_path)
    expected = said(opened(model))
    (tmp_path / REPORT_NAME).write_text("{}", encoding="ascii")
    reasons: list[str] = []
    assert np.array_equal(said(load_voice(model, 1, reasons.append)), expected)
    assert len(reasons) == 1
