"""Watched folders: what is taken, what is nobody's voice, and a line for what is left alone."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from pathlib import Path

import pytest

from conftest import Serve
from support.events import logged
from support.voices import SINGLE, SINGLE_CONFIG
from support.waiting import eventually
from wyoming_piper_hardened.errors import VoiceError
from wyoming_piper_hardened.reporting.issues import IssueKind
from wyoming_piper_hardened.store.voice import check_voice_name, suggest_voice_name
from wyoming_piper_hardened.voices.installation.own_files import (
    config_beside,
    look_into,
    models_called,
)
from wyoming_piper_hardened.voices.maintenance_policy import MaintenanceTimings

CAPITALS = [
    ("x.onnx", "x.onnx.json"),
    ("x.ONNX", "x.ONNX.JSON"),
    ("x.ONNX", "x.onnx.json"),
    ("x.onnx", "x.ONNX.JSON"),
    ("X.Onnx", "X.onnx.Json"),
]


def put(folder: Path, model: str, config: str) -> Path:
    folder.mkdir(exist_ok=True)
    shutil.copyfile(SINGLE_CONFIG, folder / config)
    shutil.copyfile(SINGLE, folder / model)
    return folder / model


@pytest.mark.parametrize(("model", "config"), CAPITALS)
def test_endings_may_be_of_any_case(tmp_path: Path, model: str, config: str) -> None:
    path = put(tmp_path, model, config)
    assert look_into([tmp_path]).models == [path]
    assert config_beside(path) == tmp_path / config
    assert list(models_called(path.stem, [tmp_path])) == [path]


def test_names_that_begin_with_a_dot_are_nobodys_voice(tmp_path: Path) -> None:
    good = put(tmp_path, "good.onnx", "good.onnx.json")
    for name in ("._good.onnx", ".hidden.ONNX", ".onnx"):
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    (tmp_path / ".stversions").mkdir()
    found = look_into([tmp_path])
    assert (found.models, found.folders) == ([good], [])


def test_one_model_of_a_name_is_taken(tmp_path: Path) -> None:
    first = put(tmp_path / "a", "x.onnx", "x.onnx.json")
    same = put(tmp_path / "a", "x.ONNX", "x.ONNX.json")
    other = put(tmp_path / "b", "x.onnx", "x.onnx.json")
    found = look_into([tmp_path / "a", tmp_path / "b", tmp_path / "none"])
    assert (found.models, found.hidden) == ([first], [same, other])
    assert found.missing == [tmp_path / "none"]


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("my voice", "my_voice"),
        ("1voice", "voice"),
        ("_x", "x"),
        ("pt_PT-tuga\u0303o-medium", "pt_PT-tug\u00e3o-medium"),
        ("voice (1)", "voice_1"),
        ("a/b", "a_b"),
        ("x" * 300, "x" * 100),
        ("\u4f60" * 90, "\u4f60" * 66),
        ("!!!", None),
    ],
)
def test_name_that_no_voice_may_have_says_the_rule_and_one_like_it(
    name: str, similar: str | None
) -> None:
    assert suggest_voice_name(name) == similar
    with pytest.raises(VoiceError, match="a letter, then letters, digits and _") as raised:
        check_voice_name(name)
    assert similar is None or similar in str(raised.value)


async def test_each_thing_that_is_left_alone_has_one_line(
    start_server: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder = tmp_path / "own"
    put(folder, "x.ONNX", "x.ONNX.JSON")
    put(folder, "my voice.onnx", "my voice.onnx.json")
    put(folder / "sub", "inner.onnx", "inner.onnx.json")
    (folder / "._x.ONNX").write_bytes(b"\0\5\x16\7")
    bad = put(folder, "bad.onnx", "bad.onnx.json")
    config = json.loads(SINGLE_CONFIG.read_bytes())
    bad.with_name("bad.onnx.json").write_text(json.dumps(config | {"audio": None}))
    server = await start_server(
        data_dir=tmp_path / "data",
        custom_voice_dirs=[str(folder), str(tmp_path / "none")],
        maintenance=MaintenanceTimings(custom_interval=0.1),
    )
    await eventually(lambda: "x" in server.library, 120)
    await asyncio.sleep(0.5)  # some more looks, which say nothing new
    rejected = {
        issue.subject: str(issue.params["reason"])
        for issue in server.status.issues()
        if issue.kind is IssueKind.REJECTED
    }
    assert rejected.keys() == {"'my voice'", "bad"}
    assert "my_voice" in rejected["'my voice'"]
    assert "audio.sample_rate is missing" in rejected["bad"]
    opened = [event.params["issue"].subject for event in logged(caplog, "issue-opened")]
    assert sorted(opened) == ["'my voice'", "bad"]
    for name, path in (
        ("watched-subfolder-ignored", folder / "sub"),
        ("watched-folder-missing", tmp_path / "none"),
    ):
        (event,) = logged(caplog, name)
        assert event.params["path"] == str(path)
    about_bad = [record for record in caplog.records if "bad" in record.getMessage()]
    assert len(about_bad) == 1
    assert "inner" not in server.library
