"""Parts without weights of their own: where the weights lie, and what happens if they do not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import load_external_data_for_model

from support.voices import PARTS, SINGLE, SINGLE_CONFIG, TINY, VOICES, Prepared, spoken, to_format_1
from wyoming_piper_hardened.engine.preparation.split import split
from wyoming_piper_hardened.engine.preparation.surgery.stock_file import SMALLEST, read_graph
from wyoming_piper_hardened.engine.report import REPORT_NAME, SplitReport
from wyoming_piper_hardened.engine.schedule import choose
from wyoming_piper_hardened.engine.synthesis.voice import load
from wyoming_piper_hardened.errors import VoiceModelError, VoicePartsError

pytestmark = pytest.mark.slow


def said(folder: Path, config: Path, weights: Path | None = None) -> NDArray[np.int16]:
    voice = load(folder, config, weights=weights)
    return spoken(voice, "Hello there.", choose(0.1))


@pytest.mark.parametrize("name", TINY)
def test_references_lead_to_the_same_weights(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.onnx"  # onnx refuses a file that somebody else links meanwhile
    shutil.copyfile(VOICES / path.name, path)
    model = read_graph(path)
    referring = [t for t in model.graph.initializer if t.data_location == TensorProto.EXTERNAL]
    assert len(referring) > 50
    load_external_data_for_model(model, str(tmp_path))
    for tensor in referring:
        tensor.ClearField("external_data")
        tensor.ClearField("data_location")
    assert model == onnx.load(path)


def test_a_version_takes_little_more_than_its_stock_files(joe: Prepared) -> None:
    files = [*PARTS, REPORT_NAME]
    assert sum((joe.folder / name).stat().st_size for name in files) < 1 << 20
    for name in PARTS:
        part = onnx.load(joe.folder / name, load_external_data=False)
        own = [t.name for t in part.graph.initializer if len(t.raw_data) >= 16 * SMALLEST]
        assert own == []


def test_parts_of_format_1_speak_the_same(single: Prepared, tmp_path: Path) -> None:
    expected = said(single.folder, single.config)
    old = tmp_path / "old"
    shutil.copytree(single.folder, old)
    to_format_1(old)
    (old / SINGLE.name).unlink()
    assert SplitReport.read(old).format == 1
    assert np.array_equal(said(old, single.config), expected)


def test_parts_and_weights_may_lie_apart(single: Prepared, tmp_path: Path) -> None:
    for name in (*PARTS, REPORT_NAME):
        shutil.copyfile(single.folder / name, tmp_path / name)
    apart = said(tmp_path, single.config, SINGLE.parent)
    assert np.array_equal(apart, said(single.folder, single.config))


def test_a_model_with_two_names_can_be_prepared(tmp_path: Path) -> None:
    """Some installers of packages make hard links into their cache."""
    shutil.copyfile(SINGLE, tmp_path / "cache")
    os.link(tmp_path / "cache", tmp_path / SINGLE.name)
    split(tmp_path / SINGLE.name, SINGLE_CONFIG, tmp_path)
    assert said(tmp_path, SINGLE_CONFIG).size > 1000


@pytest.mark.parametrize("change", ["gone", "longer", "shorter"])
def test_a_stock_model_of_another_size_is_refused(
    single: Prepared, tmp_path: Path, change: str
) -> None:
    shutil.copytree(single.folder, tmp_path, dirs_exist_ok=True)
    stock = tmp_path / SINGLE.name
    if change == "gone":
        stock.unlink()
    elif change == "longer":
        stock.write_bytes(stock.read_bytes() + b"\0")
    else:
        stock.write_bytes(stock.read_bytes()[:-1])
    with pytest.raises(VoicePartsError):
        load(tmp_path, SINGLE_CONFIG)


def test_a_part_whose_reference_leads_out_of_its_folder_is_refused(
    single: Prepared, tmp_path: Path
) -> None:
    (tmp_path / SINGLE.name).write_bytes(SINGLE.read_bytes())
    inner = tmp_path / "inner"
    shutil.copytree(single.folder, inner)
    part = onnx.load(inner / "flow.onnx", load_external_data=False)
    for tensor in part.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = f"../{entry.value}"
    onnx.save(part, inner / "flow.onnx")
    with pytest.raises(VoiceModelError):
        load(inner, SINGLE_CONFIG)


def test_a_model_with_weights_in_another_file_is_refused(tmp_path: Path) -> None:
    model = onnx.load(SINGLE)
    onnx.save(model, tmp_path / "v.onnx", save_as_external_data=True, location="weights")
    with pytest.raises(VoiceModelError, match="another file"):
        read_graph(tmp_path / "v.onnx")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x3a\x05\x2a\x7f",  # a graph that is longer than the file
        b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",  # a length beyond 64 bits
        b"\x00\x00",  # a field without a number
        b"\x3b",  # a group, which ONNX has none of
        b"\x3a\x02\x2a\x80",
    ],
)
def test_malformed_files_are_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(data)
    with pytest.raises(VoiceModelError, match=r"m\.onnx"):
        read_graph(tmp_path / "m.onnx")


def test_a_weight_given_twice_is_refused(tmp_path: Path) -> None:
    weight = numpy_helper.from_array(np.zeros(SMALLEST, np.float32), "w").SerializeToString()
    graph = helper.make_graph([], "g", [], []).SerializeToString()
    doubled = weight + TensorProto(raw_data=bytes(4 * SMALLEST)).SerializeToString()
    for part in (b"\x2a" + _varint(len(doubled)) + doubled,):
        graph += part
    (tmp_path / "m.onnx").write_bytes(b"\x3a" + _varint(len(graph)) + graph)
    with pytest.raises(VoiceModelError, match="twice"):
        read_graph(tmp_path / "m.onnx")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
