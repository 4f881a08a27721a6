"""Limits of a model that its configuration does not tell: what is beyond them is left out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from support.voices import VOICES, Prepared, spoken
from wyoming_piper_hardened.engine.messages import SpeechOptions
from wyoming_piper_hardened.engine.preparation.surgery.graph import Graph
from wyoming_piper_hardened.engine.preparation.surgery.tables import PHONEMES, table_rows
from wyoming_piper_hardened.engine.schedule import choose
from wyoming_piper_hardened.engine.sessions.loading import load_voice
from wyoming_piper_hardened.errors import SpeakerNotFoundError, VoiceConfigError
from wyoming_piper_hardened.store.voice import read_voice

pytestmark = pytest.mark.slow

TEXT = "The lamp is on. Press the buttons. Good night."


def voice_with(folder: Path, name: str, **changed: Any) -> Path:
    """Return the model of a tiny voice whose configuration is changed."""
    model = folder / "v.onnx"
    shutil.copyfile(VOICES / f"{name}.onnx", model)
    config = json.loads((VOICES / f"{name}.onnx.json").read_bytes())
    config["phoneme_id_map"] |= changed.pop("phonemes", {})
    (folder / "v.onnx.json").write_text(json.dumps(config | changed), encoding="utf-8")
    return model


def said(model: Path, text: str = TEXT, **options: Any) -> NDArray[np.int16]:
    voice = load_voice(model, 1, pytest.fail)
    return spoken(voice, text, choose(0.1), SpeechOptions(**options))


@pytest.mark.parametrize(("name", "speakers"), [("single", 0), ("many_speakers", 4)])
def test_tables_of_a_model_are_found(name: str, speakers: int) -> None:
    graph = Graph(onnx.load(VOICES / f"{name}.onnx"), VOICES)
    assert table_rows(graph, PHONEMES) == 166
    assert (table_rows(graph, "sid") > 1) == bool(speakers)
    assert table_rows(graph, "nothing") == 0


@pytest.mark.parametrize("prepared", [True, False])
def test_phoneme_beyond_the_table_is_left_out_of_what_is_said(
    tmp_path: Path, *, prepared: bool
) -> None:
    model = voice_with(tmp_path, "single", phonemes={"ʌ": [400], "ə": [14, 9999]})
    other = tmp_path / "other"
    other.mkdir()
    without = voice_with(other, "single", phonemes={"ʌ": None, "ə": None})
    if prepared:
        for path in (model, without):
            assert Prepared(path, path.parent).report.symbols == 166
    assert np.array_equal(said(model), said(without))
    assert said(model).size > said(model, "The lamp is on.").size


@pytest.mark.parametrize("prepared", [True, False])
def test_speaker_beyond_the_table_is_left_out(tmp_path: Path, *, prepared: bool) -> None:
    config = json.loads((VOICES / "many_speakers.onnx.json").read_bytes())
    count = config["num_speakers"]
    names = {**{f"s{i}": i for i in range(count)}, "beyond": count + 3}
    model = voice_with(
        tmp_path,
        "many_speakers",
        num_speakers=count + 5,
        speaker_id_map=names,
        default_speaker_id=count + 3,
    )
    if prepared:
        assert Prepared(model, tmp_path).report.speakers == count
        voice = read_voice("v", model)
        assert voice.number_of_speakers == count
        assert "beyond" not in voice.speakers
    assert said(model).size > 1000
    assert said(model, "Good day.", speaker_id=1).size > 1000
    with pytest.raises(SpeakerNotFoundError, match=f"the voice has {count}"):
        said(model, speaker_id=count)


def test_model_without_speakers_has_one(tmp_path: Path) -> None:
    model = voice_with(tmp_path, "single", num_speakers=7, speaker_id_map={"a": 0, "b": 3})
    assert Prepared(model, tmp_path).report.speakers == 1
    assert dict(read_voice("v", model).speakers) == {"a": 0}
    assert said(model).size > 1000


def test_mark_beyond_the_table_is_refused(tmp_path: Path) -> None:
    model = voice_with(tmp_path, "single", phonemes={"^": [166]})
    with pytest.raises(VoiceConfigError, match=r"phoneme_id_map for \^ are beyond .* 0 to 165"):
        Prepared(model, tmp_path)
