"""Preparing voices: good structures are verified, bad ones are named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from piper import PiperVoice, SynthesisConfig

from support.voices import DECODER, PRIOR, SINGLE, SINGLE_CONFIG, Prepared, detour, spoken
from wyoming_piper_hardened.engine.preparation.split import split
from wyoming_piper_hardened.engine.preparation.verification import CHUNK_TOLERANCE, TOLERANCE
from wyoming_piper_hardened.engine.report import Mode, SplitReport
from wyoming_piper_hardened.engine.schedule import Schedule, choose
from wyoming_piper_hardened.engine.sessions.session import SessionSettings
from wyoming_piper_hardened.engine.synthesis.noise import Noise
from wyoming_piper_hardened.engine.synthesis.parts import (
    Floats,
    Parts,
    Scales,
    SentenceSettings,
    Span,
)
from wyoming_piper_hardened.engine.synthesis.phonemes import Phonemes, read_config
from wyoming_piper_hardened.engine.synthesis.voice import load
from wyoming_piper_hardened.errors import (
    VoiceConfigError,
    VoiceError,
    VoiceModelError,
    VoiceNotPiperError,
    VoicePartsError,
)

pytestmark = pytest.mark.slow

Json = dict[str, Any]

SILENT = SentenceSettings(Scales(noise=0.0, length=1.0, noise_w=0.0), 0, Noise(bytes(16)))
TEXTS = (
    "Hi.",
    "The quick brown fox jumps over the lazy dog.",
    "Numbers, such as 1984, are read; so are names. " * 3,
)


def decoded(parts: Parts, ids: list[int], schedule: Schedule | None) -> Floats:
    utterance = parts.utter(ids, SILENT)
    spans = [(0, utterance.frames)] if schedule is None else list(schedule.chunks(utterance.frames))
    return np.concatenate([parts.decode(utterance, start, stop, 0) for start, stop in spans])


@pytest.mark.parametrize("text", TEXTS)
def test_parts_equal_the_stock_model_without_noise(joe: Prepared, text: str) -> None:
    stock = PiperVoice.load(joe.model)
    parts = Parts(joe.folder, joe.report, SessionSettings())
    quiet = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0, normalize_audio=False)
    for ids in Phonemes(read_config(joe.config)).sentences(text):
        whole = stock.phoneme_ids_to_audio(ids, quiet)
        assert isinstance(whole, np.ndarray)
        one_pass = decoded(parts, ids, None)
        assert one_pass.shape == whole.shape
        assert np.abs(one_pass - whole).max() <= TOLERANCE
        for schedule in (choose(0.05), Schedule(7, 1.3, 50)):
            chunked = decoded(parts, ids, schedule)
            difference = np.rint(chunked * 32767) - np.rint(one_pass * 32767)
            assert np.abs(difference).max() <= CHUNK_TOLERANCE


def test_report_of_the_real_voice(joe: Prepared) -> None:
    report = joe.report
    assert (report.mode, report.reason) == (Mode.SPLIT, "")
    assert (report.sample_rate, report.hop_length) == (22050, 256)
    assert report.flow
    assert report.flow.margin == 32
    assert report.decoder
    assert report.decoder.margin == 12
    assert 1.0 < report.gain < 4.0
    assert SplitReport.from_json(report.to_json()) == report
    assert sorted(path.name for path in joe.folder.iterdir()) == [
        "decoder.onnx",
        joe.model.name,
        "encoder.onnx",
        "flow.onnx",
        "parts.json",
    ]


def test_every_structure_splits(tiny: Prepared) -> None:
    assert (tiny.report.mode, tiny.report.reason) == (Mode.SPLIT, "")
    assert tiny.report.whole_error <= TOLERANCE
    assert tiny.report.chunk_error <= CHUNK_TOLERANCE


def test_relative_attention_loses_its_padding(tiny: Prepared) -> None:
    encoder = onnx.load(tiny.folder / "encoder.onnx", load_external_data=False)
    kinds = [node.op_type for node in encoder.graph.node]
    assert kinds.count("ScatterElements") == 2  # one for each layer of attention


def test_the_margin_is_what_is_needed(joe: Prepared) -> None:
    """The whole receptive field gives the exact audio, half of it does not."""
    parts = Parts(joe.folder, joe.report, SessionSettings())
    ids = Phonemes(read_config(joe.config)).sentences(TEXTS[1])[0]
    utterance = parts.utter(ids, SILENT)

    def with_margin(margin: int) -> Floats:
        span = Span(start=40, stop=60, low=40 - margin, high=60 + margin)
        return parts._decoder.window.run(utterance.latent(span.low, span.high), span, 0)

    exact = with_margin(20)
    assert np.abs(with_margin(12) - exact).max() < 1e-6
    assert np.abs(with_margin(6) - exact).max() > 1e-5


def test_sixteen_kilohertz(tmp_path: Path, single: Prepared) -> None:
    config = changed(SINGLE_CONFIG, tmp_path, lambda data: data["audio"].update(sample_rate=16000))
    assert split(SINGLE, config, tmp_path) == SplitReport.read(tmp_path)
    voice = load(tmp_path, config, weights=SINGLE.parent)
    assert voice.sample_rate == 16000
    audio = spoken(voice, "Hello.", choose(0.1))
    stock = load(single.folder, single.config)
    assert stock.sample_rate == 22050
    # The rate says how the samples are to be played; it does not change them.
    same = spoken(stock, "Hello.", choose(0.1))
    assert audio.size > 1000
    assert np.array_equal(audio, same)


def test_renamed_weights_still_split(tmp_path: Path) -> None:
    """Another exporter's names do not matter where the structure is the same."""
    model = onnx.load(SINGLE)
    names = {tensor.name: f"w{index}" for index, tensor in enumerate(model.graph.initializer)}
    for tensor in model.graph.initializer:
        tensor.name = names[tensor.name]
    for node in model.graph.node:
        node.name = ""
        node.input[:] = [names.get(name, name) for name in node.input]
    onnx.save(model, tmp_path / "renamed.onnx")
    assert split(tmp_path / "renamed.onnx", SINGLE_CONFIG, tmp_path / "out").mode is Mode.SPLIT


def test_unknown_flow_cuts_the_decoder_alone(tmp_path: Path) -> None:
    model = onnx.load(SINGLE)
    detour(model, PRIOR)
    onnx.save(model, tmp_path / "odd.onnx")
    report = split(tmp_path / "odd.onnx", SINGLE_CONFIG, tmp_path / "out")
    assert report.mode is Mode.DECODER
    assert report.reason.startswith("split: ")
    assert not (tmp_path / "out" / "flow.onnx").exists()
    assert speaks_the_same_twice(tmp_path / "out")


def test_unknown_decoder_stays_whole(tmp_path: Path) -> None:
    model = onnx.load(SINGLE)
    detour(model, DECODER)
    onnx.save(model, tmp_path / "odd.onnx")
    report = split(tmp_path / "odd.onnx", SINGLE_CONFIG, tmp_path / "out")
    assert report.mode is Mode.WHOLE
    assert "split:" in report.reason
    assert "decoder:" in report.reason
    assert report.front_noise == ("noise_0", "noise_1")
    assert speaks_the_same_twice(tmp_path / "out")


@pytest.mark.parametrize("size", [0, 100, 400_000])
def test_truncated_model(tmp_path: Path, size: int) -> None:
    (tmp_path / "cut.onnx").write_bytes(SINGLE.read_bytes()[:size])
    fails_as(VoiceModelError, tmp_path / "cut.onnx", SINGLE_CONFIG, tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"<!DOCTYPE html><html>", b"version https://git-lfs.github.com/spec/v1\n", b"\0" * 999],
)
def test_no_model_at_all(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "no.onnx").write_bytes(content)
    fails_as(VoiceModelError, tmp_path / "no.onnx", SINGLE_CONFIG, tmp_path)


def test_a_model_that_is_no_voice(tmp_path: Path) -> None:
    value = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("x", "y")
    ]
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])], "other", value[:1], value[1:]
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8),
        tmp_path / "m.onnx",
    )
    fails_as(VoiceNotPiperError, tmp_path / "m.onnx", SINGLE_CONFIG, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("phoneme_id_map"),
        lambda data: data.update(phoneme_id_map={}),
        lambda data: data.update(phoneme_id_map={"a": 3}),
        lambda data: data.update(phoneme_id_map=None),
        lambda data: data.update(phoneme_type="runes"),
        lambda data: data.pop("audio"),
        lambda data: data["audio"].update(sample_rate="fast"),
        lambda data: data["audio"].update(sample_rate=0),
        lambda data: data.update(espeak=None),
    ],
)
def test_bad_configuration(tmp_path: Path, change: Callable[[Json], object]) -> None:
    fails_as(VoiceConfigError, SINGLE, changed(SINGLE_CONFIG, tmp_path, change), tmp_path)


@pytest.mark.parametrize("text", ["", "<html>", "[]", "null", '"text"', "{", "{}", "\ufeff{}"])
def test_configuration_that_is_no_object(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text, encoding="utf-8")
    fails_as(VoiceConfigError, SINGLE, tmp_path / "c.json", tmp_path)


def test_ids_outside_the_model(tmp_path: Path) -> None:
    def shift(data: Json) -> None:
        data["phoneme_id_map"] = {
            key: [value[0] + 1000] for key, value in data["phoneme_id_map"].items()
        }

    fails_as(VoiceConfigError, SINGLE, changed(SINGLE_CONFIG, tmp_path, shift), tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"format": 99}', '{"format": 1, "mode": "split"}']
)
def test_damaged_report(text: str) -> None:
    with pytest.raises(VoicePartsError):
        SplitReport.from_json(text)


def test_damaged_part(tmp_path: Path, single: Prepared) -> None:
    shutil.copytree(single.folder, tmp_path, dirs_exist_ok=True)
    part = tmp_path / "flow.onnx"
    part.write_bytes(part.read_bytes()[:1000])
    with pytest.raises(VoiceModelError):
        load(tmp_path, SINGLE_CONFIG)


def fails_as(kind: type[VoiceError], model: Path, config: Path, tmp_path: Path) -> None:
    with pytest.raises(kind) as caught:
        split(model, config, tmp_path / "out")
    assert caught.value.code
    assert str(caught.value)
    assert not list((tmp_path / "out").glob("*.onnx"))


def changed(config: Path, folder: Path, change: Callable[[Json], object]) -> Path:
    data = json.loads(config.read_text(encoding="utf-8"))
    change(data)
    target = folder / "changed.json"
    target.write_text(json.dumps(data), encoding="utf-8")
    return target


def speaks_the_same_twice(folder: Path) -> bool:
    said = [
        spoken(
            load(folder, SINGLE_CONFIG, weights=folder.parent), "Good day. Yes.", choose(0.1)
        ).tobytes()
        for _ in range(2)
    ]
    return len(said[0]) > 1000 and said[0] == said[1]
